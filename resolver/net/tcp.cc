#include "resolver/net/tcp.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <iterator>
#include <system_error>

#include "resolver/net/clock.h"

namespace idnode {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);
constexpr std::uint64_t kLooksPerSweep = 10;
constexpr std::size_t kReports = 64;           // of the set at a time
constexpr int kRounds = 4;                     // of them in one turn, then others get theirs
constexpr std::size_t kTogether = 32;          // steps of connections that are taken together
constexpr std::size_t kLeastRoom = 16'384;     // to read into: with less the next ones wait
constexpr std::size_t kLargestSpare = 65'536;  // a larger buffer is given back

int make_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return set;
}

}  // namespace

Connections::Connections(Lane& lane)
    : lane_(lane), timer_(lane.worker.context()), set_(lane.worker.context(), make_set()) {
  wait();
}

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
  all_.push_back(std::make_unique<Connection>(lane_, *this, std::move(socket), source, std::move(ticket)));
  Connection& connection = *all_.back();
  connection.place_ = std::prev(all_.end());
  lane_.probe.connections.set(all_.size());
  epoll_event what{};
  what.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
  what.data.ptr = &connection;
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, connection.socket(), &what) != 0) connection.cut();
}

void Connections::wait() {
  set_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& error) {
                    if (error) return;
                    poll();
                    wait();
                  });
}

void Connections::poll() {
  std::array<epoll_event, kReports> reports;
  for (int round = 0; round < kRounds; ++round) {
    const int n = ::epoll_wait(set_.native_handle(), reports.data(), kReports, 0);
    for (int i = 0; i < n; ++i) {
      const epoll_event& report = reports[static_cast<std::size_t>(i)];
      auto* const connection = static_cast<Connection*>(report.data.ptr);
      connection->reported(report.events);
      stepping_.push_back(connection);
    }
    step();
    if (n < static_cast<int>(kReports)) return;
  }
}

void Connections::wake(Connection& connection) {
  woken_.push_back(&connection);
  if (woken_.size() == 1) boost::asio::post(lane_.worker.context(), [this] { step_woken(); });
}

void Connections::step_woken() {
  std::swap(stepping_, woken_);
  std::erase_if(stepping_, [this](Connection* connection) {
    connection->woken_ = false;
    const bool over = connection->over();
    if (over) destroy(*connection);
    return over;
  });
  step();
}

void Connections::step() {
  for (std::span<Connection* const> rest = stepping_; !rest.empty();) rest = rest.subspan(step_some(rest));
  stepping_.clear();
}

// Reading, answering and writing each need more code and data than the processor's nearest caches hold, and
// push out what the others need: so some do the one before any of them does the next. Returns how many.
std::size_t Connections::step_some(std::span<Connection* const> rest) {
  const std::uint64_t now_us = steady_us();
  const Now now = clock_now(now_us);
  std::span<char> room = lane_.scratch;
  std::size_t n = 0;
  while (n < std::min(rest.size(), kTogether) && room.size() >= kLeastRoom)
    rest[n++]->read(now, now_us, room);
  const auto some = rest.first(n);
  for (Connection* connection : some) connection->foresee(foresight_);
  foresight_.fetch(*lane_.services);
  for (Connection* connection : some) connection->work();
  for (Connection* connection : some) connection->write();
  return n;
}

void Connections::destroy(Connection& connection) {
  all_.erase(connection.place_);
  lane_.probe.connections.set(all_.size());
  open_.fetch_sub(1, std::memory_order_relaxed);
}

std::shared_ptr<Drive>& Connections::fast_drive() {
  if (!fast_ || fast_->services() != lane_.services) fast_ = lane_.take_drive();
  return fast_;
}

void Connections::lend(std::string& buffer) {
  if (spares_.empty()) return;
  buffer.swap(spares_.back());
  spares_.pop_back();
  buffer.clear();
}

void Connections::take_back(std::string& buffer) {
  if (spares_.size() < kTogether && buffer.capacity() <= kLargestSpare) spares_.push_back(std::move(buffer));
  std::string().swap(buffer);
}

void Connections::look() {
  const std::uint64_t now_ms = steady_us() / 1'000;
  std::uint64_t idle_since = 0;
  for (const auto& connection : all_) {
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
  for (const auto& connection : all_) {
    if (!connection->idle()) continue;
    connection->cut();
    return true;
  }
  return false;
}

void Connections::drain() {
  draining_ = true;
  for (const auto& connection : all_) connection->drain();
}

void Connections::cut_all() {
  for (const auto& connection : all_) connection->cut();
}

}  // namespace idnode
