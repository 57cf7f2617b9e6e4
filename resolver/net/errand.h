// One question on its way through the servers: where to begin, whom to ask next, whom to follow, when to stop
// (BEHAVIOUR.md §15, §17.2). A coroutine on the upstream thread.
//
// Bounded by a deadline, a number of messages and the memory of (server, name) pairs: the same question is
// never put to the same server in two steps.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "resolver/net/attempt.h"
#include "resolver/net/upstream_state.h"

namespace idnode {

class Errand {
 public:
  static constexpr std::uint32_t kQuestionMessages = 8;
  static constexpr std::uint32_t kPrefixMessages = 6;

  enum class Kind { kQuestion, kPrefix };
  // `state` and `view` outlive it. `certify`: every answer on the way has to be signed and verified.
  Errand(UpstreamState& state, Kind kind, SteadyTime deadline, bool certify, std::uint8_t recursion_count);

  // The answer for the client; never throws for anything a peer does.
  boost::asio::awaitable<ForwardAnswer> answer(const Question& question);
  // The sites of a prefix, from the table or from upstream; what is found is kept.
  boost::asio::awaitable<Finding> look_up(std::string prefix);
  std::uint32_t messages() const { return budget_.used(); }
  // How it failed, when that is worth remembering: servers were tried for it, and none gave an answer. A
  // prefix look-up of its own that a question waited for is remembered apart.
  std::optional<SearchEnd> failed() const {
    return tries_ == 0 || end_ == SearchEnd::kAnswered ? std::nullopt : std::optional(end_);
  }
  static ForwardAnswer failure(const Finding& finding);
  bool keep = true;  // false: what a prefix look-up finds is not kept

 private:
  struct Reply {
    Finding::How how = Finding::How::kFailed;
    std::unique_ptr<Incoming> incoming;  // kAnswered
    Target target;                       // who answered
    handle::ResponseCode code() const { return incoming->response.code(); }
  };

  // Asks one of the targets: one try, one retry, on another if there is one.
  boost::asio::awaitable<Reply> ask_any(std::vector<Target> targets, Ask ask);
  // The same, and follows referrals.
  boost::asio::awaitable<Reply> pursue(std::vector<Target> targets, Ask ask);
  boost::asio::awaitable<Attempt> ask_one(Target& target, const Ask& ask, std::uint64_t& waited_ms);
  boost::asio::awaitable<bool> learn_key(Target& target);

  boost::asio::awaitable<Finding> find_sites(std::string prefix);

  // What handles that hold sites have led to. kAnswered: they were read, whatever is in them.
  struct Service {
    Finding::How how = Finding::How::kAnswered;
    SiteValues values;
  };
  boost::asio::awaitable<Service> referred(const Reply& reply, const Ask& ask);
  boost::asio::awaitable<Service> sites_of_handle(std::string name, bool for_prefix_referral);
  boost::asio::awaitable<Finding> joined_sites(std::string prefix);
  boost::asio::awaitable<ForwardAnswer> answer_from_prefix(const Question& question);
  void refresh_when_outdated(const std::string& prefix, const Finding& finding, const Reply& reply);
  Finding keep_found(std::string_view prefix, SiteValues found, bool global);
  Finding keep_absent(std::string_view prefix);

  std::vector<Target> targets_of(const std::vector<handle::Site>& sites, std::string_view name, bool primary);
  ForwardAnswer report(const Reply& reply);

  UpstreamState& state_;
  std::shared_ptr<const UpstreamView> view_;
  SteadyTime deadline_;
  bool certify_;
  std::uint8_t recursion_count_;
  MessageBudget budget_;
  std::uint32_t tries_ = 0;
  SearchEnd end_ = SearchEnd::kAnswered;
  std::uint32_t nested_ = 0;  // handles resolved to find sites
  std::set<std::pair<Endpoint, std::string>> visited_;
};

// A name that the configured servers are asked about directly: a prefix handle or anything else under "0.",
// or a name without a slash.
bool is_global_name(std::string_view name);

}  // namespace idnode
