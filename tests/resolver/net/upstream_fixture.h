// A secondary node's upstream side with a scripted national node and scripted enterprise nodes on loopback.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "resolver/net/upstream.h"
#include "tests/resolver/net/scripted_peer.h"

namespace idnode::test {

// Short times, so that silence is cheap to test.
inline constexpr std::uint64_t kTryMs = 200;
inline constexpr std::uint64_t kDeadlineMs = 700;

Question question(std::string name, std::uint32_t flags = handle::flag::kClientDefault,
                  std::vector<std::uint32_t> indexes = {}, std::vector<std::string> types = {});

struct Timed {
  ForwardAnswer answer;
  double ms = 0;
};

class Forwarding : public ::testing::Test {
 protected:
  Forwarding();
  ~Forwarding() override;

  // Starts with [upstream] servers = national; more settings may be changed before.
  void start(std::vector<Endpoint> own_listeners = {});
  ForwardAnswer ask(Question q) { return timed(std::move(q)).answer; }
  ForwardAnswer ask(std::string name) { return ask(question(std::move(name))); }
  Timed timed(Question q);
  // All at once; the answers in the order of the questions.
  std::vector<Timed> timed_all(const std::vector<Question>& questions,
                               std::optional<Address> source = std::nullopt);
  // Asks until these are the first data, for as long as recovery may take at most; the last answer's.
  std::string ask_until(const std::string& name, std::string_view data);
  UpstreamCounters counters() const { return upstream->counters(); }
  std::uint64_t dropped(Dropped reason) const { return counters().dropped[static_cast<std::size_t>(reason)]; }

  // National script: answers prefix look-ups for `prefix` (either form) with these values.
  Script prefix_record(std::string prefix, std::vector<Value> values);
  // An ordinary answer with one URL value that holds the name.
  static Canned url_of(const Seen& seen) {
    Canned c;
    c.values = {text_value(1, "URL", seen.name)};
    return c;
  }

  std::unique_ptr<ScriptedPeer> national = std::make_unique<ScriptedPeer>(silent());
  std::unique_ptr<ScriptedPeer> node =
      std::make_unique<ScriptedPeer>([](const Seen& s) { return test::answer(s, url_of(s)); });
  Settings settings;
  std::unique_ptr<Upstream> upstream;

  static Script silent() {
    return [](const Seen&) { return std::vector<Piece>{}; };
  }
  static Script speaks() {
    return [](const Seen& s) { return test::answer(s, url_of(s)); };
  }
  std::uint64_t outcomes(ForwardAnswer::Outcome outcome) const {
    return counters().requests[static_cast<std::size_t>(outcome)];
  }
};

std::string first_data(const ForwardAnswer& answer);

}  // namespace idnode::test
