#include "resolver/net/handle_service.h"

#include <algorithm>
#include <thread>

#include "resolver/net/clock.h"

namespace idnode {
namespace {

// Waiting tasks of a pool; above it RC 3. Signatures are some five seconds of work then, costly proofs more.
constexpr std::size_t kCryptoQueue = 10'000;
constexpr std::size_t kReadQueue = 10'000;
constexpr int kLastTurns = 1'000;
constexpr unsigned kReadThreads = 8;  // disks like depth

unsigned cores() { return std::max(std::thread::hardware_concurrency(), 1U); }

}  // namespace

unsigned HandleService::workers_of(const Settings& settings) {
  return settings.node.workers != 0 ? settings.node.workers : cores();
}

HandleService::HandleService(std::vector<Listener> listeners, unsigned workers, const Services& services,
                             Committer& committer, Upstream* upstream, AccessSink sink)
    : sink_(std::move(sink)),
      services_(services),
      desks_(std::max(workers, 1U)),
      crypto_("crypto", cores(), kCryptoQueue),
      reads_("read", kReadThreads, kReadQueue) {
  for (const Listener& listener : listeners) endpoints_.push_back(listener.endpoint);
  const auto snapshot = std::make_shared<const Services>(services);
  for (unsigned i = 0; i < desks_.size(); ++i) {
    Desk& desk = desks_[i];
    desk.lane = std::make_unique<Lane>(i, this->workers(), snapshot, sink_, reassembly_);
    Outside& outside = desk.lane->outside;
    outside.crypto = &crypto_;
    outside.budget = &budget_;
    outside.reads = &reads_;
    outside.committer = &committer;
    outside.upstream = upstream;
    desk.lane->verify_everywhere = [this](const Address& peer, std::uint64_t until_ms) {
      for (const Desk& each : desks_) {
        Lane* const lane = each.lane.get();
        lane->worker.mailbox()->post([lane, peer, until_ms] { lane->allowance.verify(peer, until_ms); });
      }
    };
    open_desk(desk, listeners, services);
    seats_.push_back({.lane = desk.lane.get(), .connections = desk.connections.get()});
  }
  for (Listener& listener : listeners)
    acceptors_.push_back(
        std::make_unique<Acceptor>(*desks_.front().lane, std::move(listener.tcp), seats_, admission_));
}

void HandleService::open_desk(Desk& desk, std::vector<Listener>& listeners, const Services& services) {
  Lane& lane = *desk.lane;
  desk.connections = std::make_unique<Connections>(lane);
  for (Listener& listener : listeners)
    desk.udp.push_back(std::make_unique<UdpSocket>(lane, std::move(listener.udp[lane.index]),
                                                   services.settings->listen.udp_admin));
}

HandleService::~HandleService() {
  if (running_) stop(std::chrono::milliseconds(0));
}

void HandleService::start() {
  running_ = true;
  for (Desk& desk : desks_) {
    desk.connections->start();
    for (auto& udp : desk.udp) udp->start();
  }
  for (auto& acceptor : acceptors_) acceptor->start();
  for (Desk& desk : desks_)
    desk.lane->worker.start(std::chrono::microseconds(services_.settings->node.spin_us));
}

bool HandleService::stop(std::chrono::milliseconds wait) {
  if (!running_) return true;
  const auto deadline = std::chrono::steady_clock::now() + wait;
  desks_.front().lane->worker.call([this] {
    for (auto& acceptor : acceptors_) acceptor->stop();
  });
  for (Desk& desk : desks_) {
    desk.lane->worker.call([&desk] {
      for (auto& udp : desk.udp) udp->stop_reading();
      desk.connections->drain();
    });
  }
  const bool quiet = wait_until_quiet(deadline);
  end_threads();
  return quiet;
}

bool HandleService::wait_until_quiet(std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    bool quiet = true;
    for (Desk& desk : desks_) {
      desk.lane->worker.call([&desk, &quiet] {
        quiet = quiet && desk.connections->empty() &&
                std::ranges::all_of(desk.udp, [](const auto& udp) { return udp->idle(); });
      });
    }
    if (quiet || std::chrono::steady_clock::now() >= deadline) return quiet;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void HandleService::end_threads() {
  for (Desk& desk : desks_) desk.lane->worker.call([&desk] { desk.connections->cut_all(); });
  // Connections are destroyed on their own threads, a turn or two after their sockets.
  for (Desk& desk : desks_) {
    bool empty = false;
    for (int turn = 0; turn < kLastTurns && !empty; ++turn)
      desk.lane->worker.call([&] { empty = desk.connections->empty(); });
  }
  for (Desk& desk : desks_) desk.lane->worker.stop();
  running_ = false;
}

void HandleService::reload(std::shared_ptr<const Settings> settings,
                           std::shared_ptr<const NodeIdentity> identity) {
  const std::lock_guard lock(reload_mutex_);
  services_.settings = std::move(settings);
  services_.identity = std::move(identity);
  const auto snapshot = std::make_shared<const Services>(services_);
  for (const Desk& desk : desks_) {
    Lane* const lane = desk.lane.get();
    lane->worker.mailbox()->post([lane, snapshot] { lane->replace_services(snapshot); });
  }
}

bool HandleService::responsive(std::chrono::milliseconds patience) const {
  const auto wait_us = static_cast<std::uint64_t>(patience.count()) * 1'000;
  for (const Desk& desk : desks_) {
    const auto owed = desk.owed_since_us;
    const std::uint64_t now = steady_us();
    std::uint64_t since = 0;
    if (owed->compare_exchange_strong(since, now, std::memory_order_acq_rel)) {
      if (!desk.lane->worker.mailbox()->post([owed] { owed->store(0, std::memory_order_release); }))
        return false;
    } else if (since + wait_us < now) {
      return false;
    }
  }
  return true;
}

ProbeTotals HandleService::totals() const {
  ProbeTotals totals;
  for (const Desk& desk : desks_) desk.lane->probe.add_to(totals);
  return totals;
}

}  // namespace idnode
