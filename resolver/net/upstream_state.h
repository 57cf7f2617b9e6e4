// What the upstream thread works with. Private to resolver/net/upstream*, errand*: everything here belongs to
// that one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "resolver/net/breaker.h"
#include "resolver/net/failure_memory.h"
#include "resolver/net/site_table.h"
#include "resolver/net/upstream_counts.h"
#include "resolver/net/upstream_pool.h"

namespace idnode {

// The settings in the form that questions use. Immutable: a question keeps the one it began with.
struct UpstreamView {
  std::shared_ptr<const Settings> settings;
  Reach reach;
  std::vector<Target> servers;  // the configured ones that are not ourselves
};

// How a question, or a step of it, ended.
struct Finding {
  using How = SearchEnd;
  How how = How::kFailed;
  handle::ResponseCode code = handle::ResponseCode::kError;
  std::shared_ptr<const PrefixSites> sites;  // of a prefix look-up that found some, or knows there are none
};

// A prefix look-up that several questions wait for.
struct PrefixFlight {
  explicit PrefixFlight(boost::asio::io_context& io)
      : finished_signal(io, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::steady_timer finished_signal;  // cancelled when it is over
  bool finished = false;
  bool keep = true;  // false: the prefix was dropped meanwhile
  Finding finding;
  std::uint32_t messages = 0;
};

struct UpstreamState {
  UpstreamState(std::uint32_t failures, std::uint64_t seed)
      : alarms(io), pool(io, alarms, counts), breakers(failures, seed) {}

  boost::asio::io_context io{1};
  UpstreamCounts counts;
  Alarms alarms;
  UpstreamPool pool;
  Breakers breakers;
  SiteTable sites;
  FailureMemory failures;
  std::unordered_map<std::string, std::shared_ptr<PrefixFlight>> prefix_flights;
  // Keys of configured servers, as they named them themselves (opcode 2): nothing else tells them. Kept until
  // the time given.
  struct Key {
    std::string octets;
    std::uint64_t until = 0;
  };
  std::map<Endpoint, Key> keys;
  std::shared_ptr<const UpstreamView> view;
  bool stopping = false;
};

}  // namespace idnode
