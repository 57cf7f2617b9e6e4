#include "resolver/net/accept.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace idnode {
namespace {

using boost::system::error_code;

constexpr int kTakenAtOnce = 64;
constexpr int kMostPressed = 64;
constexpr auto kPause = std::chrono::milliseconds(100);

// The kernel hands out the lowest free number, so a high one means that few are left.
bool touches_reserve(int fd) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  return fd + kReservedDescriptors >= static_cast<int>(limit.rlim_cur);
}

}  // namespace

Acceptor::Acceptor(Lane& lane, Descriptor listening, const std::vector<Seat>& seats,
                   std::shared_ptr<Admission> admission)
    : lane_(lane),
      listening_(lane.worker.context(), listening.release()),
      pause_(lane.worker.context()),
      seats_(seats),
      admission_(std::move(admission)) {}

void Acceptor::start() { wait(); }

void Acceptor::stop() {
  stopped_ = true;
  error_code ignored;
  listening_.close(ignored);
  pause_.cancel();
}

void Acceptor::wait() {
  listening_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
    if (!error && !stopped_) take();
  });
}

void Acceptor::take() {
  for (int i = 0; i < kTakenAtOnce; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(::accept4(listening_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket), to_endpoint(address), false);
      continue;
    }
    if (errno == EAGAIN) break;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // Nothing can be taken for now; the calls wait in the kernel.
      lane_.probe.bite(Bite::kDescriptors);
      pause_.expires_after(kPause);
      pause_.async_wait([this](const error_code& error) {
        if (!error && !stopped_) wait();
      });
      return;
    }
  }
  wait();
}

void Acceptor::admit(Descriptor socket, const Endpoint& peer, bool after_pressure) {
  const bool trusted = any_contains(lane_.services->settings->trusted, peer.address);
  const bool reserve = touches_reserve(socket.get());
  Admission::Ticket ticket;
  const auto verdict = admission_->admit(peer.address, trusted, lane_.limits(), ticket);
  if (verdict == Admission::Verdict::kSourceFull) return lane_.probe.bite(Bite::kConnectionsPerSource);
  if (verdict == Admission::Verdict::kAdmitted && !reserve)
    return deal(std::move(socket), peer, std::move(ticket));
  ticket.give_back();
  if (!after_pressure && press(socket, peer)) return;
  lane_.probe.bite(reserve ? Bite::kDescriptors : Bite::kConnections);
}

// Asks the worker whose idle connection is quiet for longest to close it; the new one waits for that.
bool Acceptor::press(Descriptor& socket, const Endpoint& peer) {
  const Seat* oldest = nullptr;
  for (const Seat& seat : seats_) {
    const std::uint64_t since = seat.connections->idle_since_ms();
    if (since != 0 && (oldest == nullptr || since < oldest->connections->idle_since_ms())) oldest = &seat;
  }
  if (oldest == nullptr || pressed_ >= kMostPressed) return false;
  ++pressed_;
  const Seat seat = *oldest;
  seat.lane->worker.mailbox()->post(
      [this, seat, peer, fd = std::move(socket), home = lane_.worker.mailbox()]() mutable {
        const bool closed = seat.connections->close_longest_idle();
        if (closed) seat.lane->probe.bite(Bite::kConnectionsPressure);
        home->post([this, peer, waiting = std::move(fd)]() mutable {
          --pressed_;
          if (!stopped_) admit(std::move(waiting), peer, true);
        });
      });
  return true;
}

void Acceptor::deal(Descriptor socket, const Endpoint& peer, Admission::Ticket ticket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const Seat& seat =
      *std::ranges::min_element(seats_, {}, [](const Seat& s) { return s.connections->open(); });
  seat.connections->announce();
  Connections* const to = seat.connections;
  seat.lane->worker.mailbox()->post([to, peer, fd = std::move(socket), t = std::move(ticket)]() mutable {
    to->adopt(std::move(fd), peer, std::move(t));
  });
}

}  // namespace idnode
