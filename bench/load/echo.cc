// `idload echo-server`: what the machine gives without any protocol work. UDP: the plainest loop of
// recvmmsg and sendmmsg; TCP: Asio callbacks, all complete requests of a read answered in one write. One
// thread.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/check.h"
#include "bench/load/options.h"
#include "protocol/handle/envelope.h"
#include "resolver/net/sockets.h"

namespace idnode::load {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kRead = std::size_t{64} << 10;
constexpr std::size_t kLengthAt = 16;
constexpr int kReceiveBuffer = 4 << 20;

void say_ready(const Endpoint& endpoint) { fmt::print(stderr, "READY {}\n", to_text(endpoint)); }

[[noreturn]] void cannot_listen(const Endpoint& endpoint, const char* why) {
  throw Stop{kUnreachable, fmt::format("{}: cannot listen there: {}", to_text(endpoint), why)};
}

volatile std::sig_atomic_t ended = 0;

void end_on_signals() {
  struct sigaction action{};
  action.sa_handler = [](int) { ended = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
}

struct Datagrams {
  std::array<std::array<char, 2'048>, kBatch> octets{};
  std::array<sockaddr_storage, kBatch> names{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> heads{};
};

int echo_udp(const EchoOptions& options) {
  auto socket = make_socket(options.listen, SOCK_DGRAM);
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(options.listen, address);
  if (!socket || ::bind(socket->get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    cannot_listen(options.listen, std::strerror(errno));
  const int fd = socket->get();
  // A burst of all that a load has under way must find room.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  ::fcntl(fd, F_SETFL, 0);  // waits in recvmmsg
  // A signal between the look at `ended` and the wait must not be missed for good.
  const timeval wait{.tv_sec = 0, .tv_usec = 200'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  end_on_signals();
  say_ready(local_endpoint(fd));
  auto d = std::make_unique<Datagrams>();
  for (std::size_t i = 0; i < kBatch; ++i) {
    d->heads[i].msg_hdr = {};
    d->heads[i].msg_hdr.msg_name = &d->names[i];
    d->heads[i].msg_hdr.msg_iov = &d->parts[i];
    d->heads[i].msg_hdr.msg_iovlen = 1;
  }
  while (ended == 0) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      d->parts[i] = {.iov_base = d->octets[i].data(), .iov_len = d->octets[i].size()};
      d->heads[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    }
    const int n = ::recvmmsg(fd, d->heads.data(), kBatch, MSG_WAITFORONE, nullptr);
    for (std::size_t i = 0; n > 0 && i < static_cast<std::size_t>(n); ++i)
      d->parts[i].iov_len = options.answer_bytes != 0 ? options.answer_bytes : d->heads[i].msg_len;
    for (int sent = 0; sent < n;) {
      const int some = ::sendmmsg(fd, d->heads.data() + sent, static_cast<unsigned>(n - sent), 0);
      if (some <= 0 && errno != EINTR) break;
      if (some > 0) sent += some;
    }
  }
  return kRight;
}

namespace asio = boost::asio;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, unsigned answer_bytes)
      : socket_(std::move(socket)), answer_bytes_(answer_bytes), in_(kRead) {
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }

  void read() {
    socket_.async_read_some(
        asio::buffer(in_.data() + held_, in_.size() - held_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t n) {
          if (!error) self->take(n);
        });
  }

 private:
  void take(std::size_t n) {
    held_ += n;
    out_.clear();
    std::size_t at = 0;
    for (;;) {
      const std::string_view rest(in_.data() + at, held_ - at);
      const std::size_t size = HandleDialect::frame_size(rest);
      if (size > rest.size()) return;  // framing is lost
      if (size == 0) break;
      answer(rest.substr(0, size));
      at += size;
    }
    std::memmove(in_.data(), in_.data() + at, held_ - at);
    held_ -= at;
    if (held_ == in_.size()) in_.resize(in_.size() * 2);
    if (out_.empty()) return read();
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  // The envelope with the length of the answer, then the request, cut or filled up with zeros.
  void answer(std::string_view request) {
    if (answer_bytes_ == 0) {
      out_.append(request);
      return;
    }
    const std::size_t at = out_.size();
    out_.append(request.substr(0, answer_bytes_));
    out_.resize(at + answer_bytes_);
    const std::uint32_t length =
        __builtin_bswap32(answer_bytes_ - static_cast<std::uint32_t>(handle::kEnvelopeSize));
    std::memcpy(out_.data() + at + kLengthAt, &length, sizeof length);
  }

  asio::ip::tcp::socket socket_;
  unsigned answer_bytes_;
  std::vector<char> in_;
  std::size_t held_ = 0;
  std::string out_;
};

void accept(asio::ip::tcp::acceptor& acceptor, unsigned answer_bytes) {
  acceptor.async_accept(
      [&acceptor, answer_bytes](const boost::system::error_code& error, asio::ip::tcp::socket socket) {
        if (!acceptor.is_open()) return;
        if (!error) std::make_shared<Connection>(std::move(socket), answer_bytes)->read();
        accept(acceptor, answer_bytes);
      });
}

int echo_tcp(const EchoOptions& options) {
  asio::io_context context(1);
  asio::ip::tcp::acceptor acceptor(context);
  const std::string text = to_text(options.listen);
  const auto address = asio::ip::make_address(to_text(options.listen.address));
  boost::system::error_code error;
  const asio::ip::tcp::endpoint endpoint(address, options.listen.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) cannot_listen(options.listen, error.message().c_str());
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&context](const boost::system::error_code&, int) { context.stop(); });
  say_ready({options.listen.address, acceptor.local_endpoint().port()});
  accept(acceptor, options.answer_bytes);
  context.run();
  return kRight;
}

}  // namespace

int run(const EchoOptions& options) { return options.udp ? echo_udp(options) : echo_tcp(options); }

}  // namespace idnode::load
