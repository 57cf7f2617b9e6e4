#include "bench/load/run.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include <ctime>

#include "bench/load/tcp_lane.h"
#include "bench/load/udp_lane.h"
#include "resolver/net/client.h"

namespace idnode::load {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kGiveUpUdp = kSecond;  // an answer that has not come by then is lost
constexpr std::uint64_t kGiveUpTcp = 10 * kSecond;
constexpr std::uint64_t kLookAgain = kSecond / 10;  // for lost answers
constexpr std::uint64_t kAfter = kSecond / 2;       // answers still waited for at the end
constexpr std::uint64_t kSpin = 100'000;            // shorter waits are not slept
constexpr std::size_t kDueAtOnce = 64;              // open loop: requests of one turn
constexpr std::uint32_t kIdStep = 0x01000193;       // between the first request ids of two connections
constexpr int kReceiveBuffer = 4 << 20;
constexpr int kConnectMs = 5'000;

std::optional<Address> source_of(const ResolveOptions& options, unsigned lane) {
  if (options.sources == 0) return std::nullopt;
  Address source = options.first_source;
  source.octets[15] = static_cast<std::uint8_t>(source.octets[15] + lane % options.sources);
  return source;
}

// One resolution over TCP from each source: whoever completes one has shown that the address is his.
void verify_sources(const ResolveOptions& options, const Questions& questions) {
  ResolveOptions once = options;
  once.udp = false;
  for (unsigned i = 0; i < std::max(1U, options.sources); ++i) {
    const Descriptor socket = connect_lane(once, source_of(options, i));
    const std::string_view frame = questions[0].frame;
    char answer[64];
    pollfd p{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (::send(socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL) < 0 ||
        ::poll(&p, 1, kConnectMs) <= 0 || ::read(socket.get(), answer, sizeof answer) <= 0)
      throw Stop{kUnreachable, to_text(options.target) + " gives no answer over TCP"};
  }
}

template <class Dialect, class Lane>
class Engine {
 public:
  Engine(const ResolveOptions& options, const Questions& questions)
      : options_(options), bench_(options, questions), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (unsigned i = 0; i < options.connections; ++i) {
      lanes_.push_back(std::make_unique<Lane>(options, bench_, connect_lane(options, source_of(options, i)),
                                              i * kIdStep + 1));
      epoll_event event{.events = EPOLLIN, .data = {.u32 = i}};
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, lanes_[i]->descriptor(), &event);
    }
    writes_.resize(lanes_.size());
  }

  Measured run() {
    begin_ = steady_ns();
    const std::uint64_t from = begin_ + seconds_ns(options_.warmup);
    if (options_.rate == 0) refill_all();
    turn_until(from);
    const CpuReading before(options_.watch);
    const std::uint64_t started = steady_ns();
    take_lost();
    bench_.tally = {};
    turn_until(started + seconds_ns(options_.seconds));
    Measured out;
    out.seconds = static_cast<double>(steady_ns() - started) / kSecond;
    out.cpu = CpuReading(options_.watch).since(before);
    out.within = bench_.tally.answered;
    finish();
    out.tally = bench_.tally;
    out.connection_lost = lost_connection_;
    if (out.tally.answered == 0 && refused_)
      throw Stop{kUnreachable, to_text(options_.target) + ": nobody listens there"};
    return out;
  }

 private:
  static std::uint64_t seconds_ns(double seconds) { return static_cast<std::uint64_t>(seconds * kSecond); }

  void turn_until(std::uint64_t end) {
    for (std::uint64_t now = steady_ns(); now < end && open_lanes() > 0; now = steady_ns()) {
      std::uint64_t wait = std::min(end - now, kLookAgain);
      if (options_.rate > 0) wait = std::min(wait, ask_due(now));
      receive(wait, options_.rate == 0);
      if (now - looked_ > kLookAgain) look_for_lost(now);
    }
  }

  // Open loop: asks what is due; how long until the next is.
  std::uint64_t ask_due(std::uint64_t now) {
    const double gap = kSecond / options_.rate;
    for (std::size_t turn = 0; turn < kDueAtOnce; ++turn) {
      const std::uint64_t due = begin_ + static_cast<std::uint64_t>(gap * static_cast<double>(due_));
      if (due > now) return due - now;
      // Several that are due go together to one connection, so that they are sent together.
      std::uint64_t since[kDueAtOnce];
      std::size_t n = 0;
      while (n < std::max<std::size_t>(1, kDueAtOnce / lanes_.size())) {
        const std::uint64_t next = begin_ + static_cast<std::uint64_t>(gap * static_cast<double>(due_));
        if (next > now) break;
        since[n++] = next;
        ++due_;
      }
      Lane& lane = next_open_lane();
      lane.ask(since, n);
      watch_writes(lane);
    }
    return 0;
  }

  Lane& next_open_lane() {
    do turn_ = (turn_ + 1) % lanes_.size();
    while (!lanes_[turn_]->open() && open_lanes() > 0);
    return *lanes_[turn_];
  }

  void receive(std::uint64_t wait_ns, bool ask_again) {
    epoll_event events[64];
    const bool spins = options_.spin || (wait_ns < kSpin && options_.rate > 0);
    const timespec wait{.tv_sec = 0, .tv_nsec = spins ? 0 : static_cast<long>(wait_ns)};
    const int n = ::epoll_pwait2(epoll_.get(), events, 64, &wait, nullptr);
    for (int i = 0; i < n; ++i) {
      Lane& lane = *lanes_[events[i].data.u32];
      turn_ = events[i].data.u32;
      const std::size_t answered = lane.receive();
      if (!lane.open()) {
        close(lane);
      } else if (ask_again && answered > 0) {
        refill(lane);
      }
      refused_ = refused_ || lane.refused();
      watch_writes(lane);
    }
  }

  // Closed loop: as many under way as there should be.
  void refill(Lane& lane) {
    if (!lane.open() || lane.window().size() >= options_.depth) return;
    const std::size_t n = options_.depth - lane.window().size();
    since_.assign(n, steady_ns());
    lane.ask(since_.data(), n);
  }
  void refill_all() {
    for (auto& lane : lanes_) {
      refill(*lane);
      turn_ = static_cast<std::size_t>(&lane - lanes_.data());
      watch_writes(*lane);
    }
  }

  void look_for_lost(std::uint64_t now) {
    looked_ = now;
    for (auto& lane : lanes_) lane->window().expire(now - (options_.udp ? kGiveUpUdp : kGiveUpTcp));
    take_lost();
    if (options_.rate == 0) refill_all();
  }
  void take_lost() {
    for (auto& lane : lanes_) bench_.tally.lost += lane->window().take_lost();
  }

  // Waits for answers to what is under way, then gives up.
  void finish() {
    const std::uint64_t end = steady_ns() + kAfter;
    while (steady_ns() < end && under_way() > 0 && open_lanes() > 0) receive(kSecond / 100, false);
    for (auto& lane : lanes_) lane->window().expire(~std::uint64_t{0});
    take_lost();
  }

  // epoll tells of room to write only while something waits for it.
  void watch_writes(Lane& lane) {
    if (!lane.open() || lane.wants_write() == writes_[turn_]) return;
    writes_[turn_] = lane.wants_write();
    epoll_event event{.events = EPOLLIN | (writes_[turn_] ? EPOLLOUT : 0U),
                      .data = {.u32 = static_cast<std::uint32_t>(turn_)}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, lane.descriptor(), &event);
  }

  void close(Lane& lane) {
    lost_connection_ = true;
    lane.window().expire(~std::uint64_t{0});
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, lane.descriptor(), nullptr);
  }

  std::size_t open_lanes() const {
    std::size_t n = 0;
    if (!lost_connection_) return lanes_.size();
    for (const auto& lane : lanes_) n += lane->open() ? 1 : 0;
    return n;
  }
  std::size_t under_way() {
    std::size_t n = 0;
    for (auto& lane : lanes_) n += lane->window().size();
    return n;
  }

  const ResolveOptions& options_;
  Bench<Dialect> bench_;
  Descriptor epoll_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<bool> writes_;  // by lane: whether epoll tells of room to write
  std::vector<std::uint64_t> since_;
  std::size_t turn_ = 0;  // the lane that is being served
  std::uint64_t begin_ = 0;
  std::uint64_t due_ = 0;  // open loop: number of the next request
  std::uint64_t looked_ = 0;
  bool lost_connection_ = false;
  bool refused_ = false;
};

}  // namespace

Descriptor connect_lane(const ResolveOptions& options, std::optional<Address> source) {
  auto socket = make_socket(options.target, options.udp ? SOCK_DGRAM : SOCK_STREAM);
  if (!socket) throw Stop{kUnreachable, "no socket: too many connections for this process?"};
  const int fd = socket->get();
  const int on = 1;
  if (!options.udp)
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  else if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_storage address{};
  if (source) {
    const socklen_t size = to_sockaddr({.address = *source, .port = 0}, address);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0)
      throw Stop{kUnreachable, to_text(*source) + ": cannot come from there"};
  }
  const socklen_t size = to_sockaddr(options.target, address);
  int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 ? 0 : errno;
  pollfd p{.fd = fd, .events = POLLOUT, .revents = 0};
  if (error == EINPROGRESS && ::poll(&p, 1, kConnectMs) > 0) {
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (error != 0)
    throw Stop{kUnreachable, to_text(options.target) + " cannot be reached: is it running there?"};
  return std::move(*socket);
}

Measured measure(const ResolveOptions& options, const Questions& questions) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  if (options.verify_sources) verify_sources(options, questions);
  if (options.dns) return Engine<DnsDialect, UdpLane<DnsDialect>>(options, questions).run();
  if (options.udp) return Engine<HandleDialect, UdpLane<HandleDialect>>(options, questions).run();
  return Engine<HandleDialect, TcpLane<HandleDialect>>(options, questions).run();
}

}  // namespace idnode::load
