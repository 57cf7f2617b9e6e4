// Which servers are worth asking (BEHAVIOUR.md §17.2 rule 6; the limit `upstream_failures`).
//
// After kFailures failures within kWindowMs a server is not asked any more, but for one question at a time
// that serves as probe: the first after 1 s, then at doubling intervals up to 30 s, each with jitter. An
// answer of any kind closes the breaker. Upstream thread, but for states(). Pure: the caller says what time
// it is.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <vector>

#include "protocol/address.h"
#include "resolver/net/upstream.h"

namespace idnode {

class Breakers {
 public:
  static constexpr std::uint64_t kWindowMs = 10'000;
  static constexpr std::uint64_t kFirstProbeMs = 1'000;
  static constexpr std::uint64_t kLastProbeMs = 30'000;
  static constexpr std::size_t kMostServers = 4'096;

  explicit Breakers(std::uint32_t failures, std::uint64_t seed) : failures_(failures), random_(seed) {}

  void set_failures(std::uint32_t failures) { failures_ = failures; }  // 0: never opens
  // Servers that states() names even while nothing is wrong.
  void set_known(std::vector<Endpoint> servers);

  // Whether the server may be asked now. True for an open breaker makes the caller the probe: it must report
  // succeeded(), failed() or abandoned().
  bool admits(const Endpoint& server, std::uint64_t steady_ms);
  // True when failures of it were on record.
  bool succeeded(const Endpoint& server);
  void failed(const Endpoint& server, std::uint64_t steady_ms);
  // The question ended without telling anything about the server.
  void abandoned(const Endpoint& server);

  std::vector<ServerState> states() const;  // any thread

 private:
  struct Server {
    std::deque<std::uint64_t> failures;  // times, at most failures_
    BreakerState state = BreakerState::kClosed;
    std::uint64_t interval_ms = kFirstProbeMs;
    std::uint64_t probe_at = 0;
    std::uint64_t opened = 0;
  };
  void open(Server& server, std::uint64_t steady_ms);
  Server* entry(const Endpoint& server, std::uint64_t steady_ms);

  mutable std::mutex mutex_;  // against states()
  std::uint32_t failures_;
  std::mt19937_64 random_;  // jitter only
  std::map<Endpoint, Server> servers_;
  std::vector<Endpoint> known_;
};

}  // namespace idnode
