// What the connections of a load share: the choice of the next question, and the judgement of each answer.
#pragma once

#include <array>
#include <optional>

#include "bench/load/check.h"
#include "bench/load/cpu.h"
#include "bench/load/keys.h"
#include "bench/load/run.h"
#include "bench/load/window.h"
#include "resolver/net/sockets.h"

namespace idnode::load {

// Connected (TCP: the handshake has ended), not blocking, and bound to `source` if there is one. Throws Stop.
Descriptor connect_lane(const ResolveOptions& options, std::optional<Address> source);

template <class Dialect>
class Bench {
 public:
  Bench(const ResolveOptions& options, const Questions& questions)
      : questions_(questions),
        expected_{.code = options.code, .values = options.values},
        picker_(questions.count(), options.zipf, options.seed) {
    for (std::uint32_t& key : ahead_) key = picker_.next();
  }

  // Some questions ahead are already on their way from memory.
  std::uint32_t next_key() {
    std::uint32_t& place = ahead_[at_++ % ahead_.size()];
    const std::uint32_t key = place;
    place = picker_.next();
    questions_.fetch(place);
    return key;
  }
  Question question(std::uint32_t key) const { return questions_[key]; }

  // One answer of a lane; whether it was to something under way.
  bool judge(Window& window, std::string_view answer, std::uint64_t now_ns) {
    std::uint32_t id = 0;
    UnderWay asked;
    if (!Dialect::read_id(answer, id) || !window.take(id, asked)) {
      ++tally.stray;
      return false;
    }
    ++tally.answered;
    if (!Dialect::right(answer, questions_[asked.key], expected_)) ++tally.wrong;
    tally.latency.add(now_ns > asked.since_ns ? now_ns - asked.since_ns : 0);
    return true;
  }

  Tally tally;

 private:
  const Questions& questions_;
  Expected expected_;
  KeyPicker picker_;
  std::array<std::uint32_t, 16> ahead_{};
  std::size_t at_ = 0;
};

}  // namespace idnode::load
