#include "resolver/net/tcp.h"

#include "resolver/net/clock.h"

namespace idnode {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr std::uint64_t kLooksPerSweep = 10;

}  // namespace

Connections::Connections(Lane& lane) : lane_(lane), timer_(lane.worker.context()) {}

void Connections::start() { look(); }

void Connections::adopt(Descriptor socket, const Endpoint& peer, Admission::Ticket ticket) {
  static std::atomic<std::uint64_t> next_id{1};
  if (draining_) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Source source = lane_.source_of(Transport::kTcp, peer, true);
  source.connection = next_id.fetch_add(1, std::memory_order_relaxed);
  lane_.probe.accepted.add();
  std::make_shared<Connection>(lane_, *this, std::move(socket), source, std::move(ticket))->start();
}

void Connections::enter(Connection& connection) {
  connection.place_ = all_.insert(all_.end(), &connection);
  lane_.probe.connections.set(all_.size());
}

void Connections::leave(Connection& connection) {
  all_.erase(connection.place_);
  lane_.probe.connections.set(all_.size());
  open_.fetch_sub(1, std::memory_order_relaxed);
}

std::shared_ptr<Drive>& Connections::fast_drive() {
  if (!fast_ || fast_->services() != lane_.services) fast_ = lane_.take_drive();
  return fast_;
}

void Connections::lend(std::string& buffer) {
  if (spare_.capacity() > buffer.capacity()) buffer.swap(spare_);
  buffer.clear();
}

void Connections::take_back(std::string& buffer) {
  buffer.clear();
  if (spare_.capacity() < buffer.capacity()) spare_.swap(buffer);
  if (buffer.capacity() != 0) std::string().swap(buffer);
}

void Connections::look() {
  const std::uint64_t now_ms = steady_us() / 1'000;
  std::uint64_t idle_since = 0;
  for (Connection* connection : all_) {
    connection->check(now_ms);
    if (idle_since == 0 && connection->idle()) idle_since = connection->quiet_since_ms();
  }
  idle_since_ms_.store(idle_since, std::memory_order_relaxed);
  const std::uint64_t expired = lane_.reassembly.sweep(lane_.limits(), now_ms);
  if (expired != 0) lane_.probe.bite(Bite::kUdpReassemblySeconds, expired);
  // What has expired elsewhere is dropped by whoever meets it; this is for what nobody meets.
  if (lane_.index == 0 && ++looks_ % kLooksPerSweep == 0) {
    if (lane_.services->challenges != nullptr) lane_.services->challenges->sweep(clock_now());
    if (lane_.services->sessions != nullptr) lane_.services->sessions->sweep(clock_now());
  }
  timer_.expires_after(kLook);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

bool Connections::close_longest_idle() {
  for (Connection* connection : all_) {
    if (!connection->idle()) continue;
    connection->cut();
    return true;
  }
  return false;
}

void Connections::drain() {
  draining_ = true;
  for (Connection* connection : all_) connection->drain();
}

void Connections::cut_all() {
  for (Connection* connection : all_) connection->cut();
}

}  // namespace idnode
