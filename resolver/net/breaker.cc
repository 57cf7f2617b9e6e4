#include "resolver/net/breaker.h"

#include <algorithm>

namespace idnode {

void Breakers::set_known(std::vector<Endpoint> servers) {
  const std::scoped_lock lock(mutex_);
  known_ = std::move(servers);
}

bool Breakers::admits(const Endpoint& server, std::uint64_t steady_ms) {
  const std::scoped_lock lock(mutex_);
  const auto it = servers_.find(server);
  if (it == servers_.end() || it->second.state == BreakerState::kClosed) return true;
  // A probe that never reported is given up when the next one is due.
  if (steady_ms < it->second.probe_at) return false;
  it->second.state = BreakerState::kProbing;
  it->second.probe_at = steady_ms + kLastProbeMs;
  return true;
}

bool Breakers::succeeded(const Endpoint& server) {
  const std::scoped_lock lock(mutex_);
  const auto it = servers_.find(server);
  if (it == servers_.end()) return false;
  Server& s = it->second;
  const bool had_failed = !s.failures.empty();
  // The count of openings stays for a configured server.
  if (s.opened == 0 || std::ranges::find(known_, server) == known_.end()) {
    servers_.erase(it);
    return had_failed;
  }
  s.failures.clear();
  s.state = BreakerState::kClosed;
  s.interval_ms = kFirstProbeMs;
  return had_failed;
}

void Breakers::open(Server& server, std::uint64_t steady_ms) {
  server.state = BreakerState::kOpen;
  // Within the bounds and never heaped upon one: nodes that lost the same server at once must not come back
  // to it at once.
  std::uniform_int_distribution<std::uint64_t> jitter(std::max(kFirstProbeMs, server.interval_ms * 3 / 4),
                                                      std::min(kLastProbeMs, server.interval_ms * 5 / 4));
  server.probe_at = steady_ms + jitter(random_);
  server.interval_ms = std::min(server.interval_ms * 2, kLastProbeMs);
}

Breakers::Server* Breakers::entry(const Endpoint& server, std::uint64_t steady_ms) {
  const auto it = servers_.find(server);
  if (it != servers_.end()) return &it->second;
  if (servers_.size() >= kMostServers) {
    // Forget those whose failures are old; when none are, this one goes unrecorded.
    std::erase_if(servers_, [&](const auto& item) {
      const Server& s = item.second;
      return s.state == BreakerState::kClosed &&
             (s.failures.empty() || s.failures.back() + kWindowMs < steady_ms);
    });
    if (servers_.size() >= kMostServers) return nullptr;
  }
  return &servers_[server];
}

void Breakers::failed(const Endpoint& server, std::uint64_t steady_ms) {
  const std::scoped_lock lock(mutex_);
  if (failures_ == 0) return;
  Server* s = entry(server, steady_ms);
  if (s == nullptr) return;
  s->failures.push_back(steady_ms);
  while (s->failures.front() + kWindowMs < steady_ms || s->failures.size() > failures_) {
    s->failures.pop_front();
  }
  if (s->state == BreakerState::kProbing) {
    open(*s, steady_ms);
  } else if (s->state == BreakerState::kClosed && s->failures.size() >= failures_) {
    ++s->opened;
    open(*s, steady_ms);
  }
}

void Breakers::abandoned(const Endpoint& server) {
  const std::scoped_lock lock(mutex_);
  const auto it = servers_.find(server);
  if (it == servers_.end() || it->second.state != BreakerState::kProbing) return;
  it->second.state = BreakerState::kOpen;
  it->second.probe_at = 0;
}

std::vector<ServerState> Breakers::states() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ServerState> states;
  const auto add = [&](const Endpoint& endpoint, const Server& s) {
    states.push_back({endpoint, s.state, static_cast<std::uint32_t>(s.failures.size()), s.opened});
  };
  for (const Endpoint& endpoint : known_) {
    const auto it = servers_.find(endpoint);
    add(endpoint, it == servers_.end() ? Server{} : it->second);
  }
  for (const auto& [endpoint, server] : servers_) {
    if (std::ranges::find(known_, endpoint) == known_.end()) add(endpoint, server);
  }
  return states;
}

}  // namespace idnode
