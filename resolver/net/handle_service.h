// The Handle listeners and the workers behind them: what a node runs, and what a test starts (several of them
// in one process).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "resolver/logic/services.h"
#include "resolver/net/accept.h"
#include "resolver/net/lane.h"
#include "resolver/net/listeners.h"
#include "resolver/net/pools.h"
#include "resolver/net/probe.h"
#include "resolver/net/proof_budget.h"
#include "resolver/net/tcp.h"
#include "resolver/net/udp.h"
#include "resolver/net/upstream.h"
#include "storage/commit/committer.h"

namespace idnode {

class HandleService {
 public:
  static constexpr std::chrono::milliseconds kDrain{10'000};

  // The number of workers that `settings` ask for: one per core when 0.
  static unsigned workers_of(const Settings& settings);

  // Takes what open_listeners() made for `workers` workers (the caller may have published its ports by then).
  // `committer` and whatever `services` point to outlive this object; `upstream` too, when there is one, and
  // it is stopped after this object.
  HandleService(std::vector<Listener> listeners, unsigned workers, const Services& services,
                Committer& committer, Upstream* upstream, AccessSink sink = {});
  // Stops without waiting for anybody when stop() was not called.
  ~HandleService();
  HandleService(const HandleService&) = delete;
  HandleService& operator=(const HandleService&) = delete;

  void start();
  // Takes nothing new, answers what runs, at most `wait` long, then ends the threads. True when everything
  // that ran was answered.
  bool stop(std::chrono::milliseconds wait = kDrain);

  // Any thread, after start(): requests that start later see the new settings and identity. Listeners and the
  // number of workers stay.
  void reload(std::shared_ptr<const Settings> settings, std::shared_ptr<const NodeIdentity> identity);

  // What was got, in the order of [listen] handle.
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  unsigned workers() const { return static_cast<unsigned>(desks_.size()); }

  // Any thread, after start(). Asks every worker for a sign of life; false when one owes it for longer than
  // `patience`, or has ended.
  bool responsive(std::chrono::milliseconds patience) const;

  // Any thread.
  ProbeTotals totals() const;
  Pool::Counters crypto_pool() const { return crypto_.counters(); }
  Pool::Counters read_pool() const { return reads_.counters(); }
  std::uint64_t reassembly_octets() const { return reassembly_.held(); }

 private:
  // One worker with all that it owns. The lane goes last: what is registered with its loop must go before.
  struct Desk {
    // When a sign of life was asked for that has not come; 0: none is owed.
    std::shared_ptr<std::atomic<std::uint64_t>> owed_since_us =
        std::make_shared<std::atomic<std::uint64_t>>(0);
    std::unique_ptr<Lane> lane;
    std::unique_ptr<Connections> connections;
    std::vector<std::unique_ptr<UdpSocket>> udp;
  };
  void open_desk(Desk& desk, std::vector<Listener>& listeners, const Services& services);
  bool wait_until_quiet(std::chrono::steady_clock::time_point deadline);
  void end_threads();

  const AccessSink sink_;
  Services services_;  // of reload(); each lane has its own snapshot
  std::mutex reload_mutex_;
  std::vector<Endpoint> endpoints_;
  Reassembly reassembly_;
  std::shared_ptr<Admission> admission_ = std::make_shared<Admission>();
  std::vector<Desk> desks_;
  std::vector<Seat> seats_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  bool running_ = false;
  ProofBudget budget_;
  Pool crypto_;
  Pool reads_;
};

}  // namespace idnode
