#include "resolver/net/upstream_pool.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace idnode {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Grows with what arrives, never with what is announced.
constexpr std::size_t kReadStep = 16'384;

// Still open and silent: a kept connection with an end or stray octets in it is of no use.
bool is_quiet(asio::ip::tcp::socket& socket) {
  char octet = 0;
  const ssize_t n = ::recv(socket.native_handle(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

// One use of one connection.
struct UpstreamPool::Round {
  Socket& socket;
  const Target& target;
  const Outgoing& sent;
  bool connected = false;
  std::size_t received = 0;
  Attempt result{Attempt::End::kClosed, nullptr};
};

std::optional<UpstreamPool::Socket> UpstreamPool::take_idle(const Endpoint& endpoint) {
  const auto it = idle_by_server_.find(endpoint);
  if (it == idle_by_server_.end()) return std::nullopt;
  std::optional<Socket> found;
  while (!it->second.empty() && !found) {
    Socket socket = std::move(it->second.back().socket);
    it->second.pop_back();
    --idle_;
    if (is_quiet(socket)) found.emplace(std::move(socket));
  }
  if (it->second.empty()) idle_by_server_.erase(it);
  return found;
}

void UpstreamPool::keep(const Endpoint& endpoint, Socket socket) {
  if (idle_ >= kIdle) return;
  std::vector<Idle>& list = idle_by_server_[endpoint];
  if (list.size() >= kIdlePerServer) return;
  list.push_back({std::move(socket), std::chrono::steady_clock::now()});
  ++idle_;
}

void UpstreamPool::forget(const Endpoint& endpoint) {
  const auto it = idle_by_server_.find(endpoint);
  if (it == idle_by_server_.end()) return;
  idle_ -= it->second.size();
  idle_by_server_.erase(it);
}

void UpstreamPool::sweep(bool all) {
  const SteadyTime limit = std::chrono::steady_clock::now() - kIdleTime;
  for (auto it = idle_by_server_.begin(); it != idle_by_server_.end();) {
    idle_ -=
        std::erase_if(it->second, [&](Idle& i) { return all || i.since < limit || !is_quiet(i.socket); });
    it = it->second.empty() ? idle_by_server_.erase(it) : std::next(it);
  }
  count_connections();
}

asio::awaitable<void> UpstreamPool::round(Round& r) {
  error_code ec;
  if (!r.connected) {
    const asio::ip::tcp::endpoint peer(to_asio(r.target.endpoint.address), r.target.endpoint.port);
    r.socket.open(peer.protocol(), ec);
    if (!ec) {
      counts_.connects.add();
      co_await r.socket.async_connect(peer, asio::redirect_error(asio::use_awaitable, ec));
    }
    if (ec) {
      r.result.end = is_local_lack(ec) ? Attempt::End::kLocal : Attempt::End::kUnreachable;
      co_return;
    }
    r.socket.set_option(asio::ip::tcp::no_delay(true), ec);
  }
  co_await asio::async_write(r.socket, asio::buffer(r.sent.frame),
                             asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return;
  for (;;) {
    std::string octets(handle::kEnvelopeSize, '\0');
    std::size_t n = co_await asio::async_read(r.socket, asio::buffer(octets),
                                              asio::redirect_error(asio::use_awaitable, ec));
    r.received += n;
    if (ec) co_return;
    const auto envelope = handle::decode_envelope(octets);
    if (!envelope || envelope->length > handle::kMaxMessage || envelope->length < handle::kHeaderSize) {
      counts_.drop(Dropped::kMalformed);
      co_return;
    }
    if (envelope->request_id != r.sent.request_id) {
      counts_.drop(Dropped::kRequestId);
      co_return;
    }
    std::string message;
    while (message.size() < envelope->length) {
      const std::size_t had = message.size();
      message.resize(std::min<std::size_t>(envelope->length, had + kReadStep));
      n = co_await asio::async_read(r.socket, asio::buffer(message.data() + had, message.size() - had),
                                    asio::redirect_error(asio::use_awaitable, ec));
      r.received += n;
      if (ec) co_return;
    }
    auto checked = check_incoming(r.sent, *envelope, std::move(message), wall_and_steady());
    if (checked) {
      r.result = {Attempt::End::kAnswer, std::move(*checked)};
      co_return;
    }
    counts_.drop(checked.error());
  }
}

asio::awaitable<Attempt> UpstreamPool::exchange(const Target& target, const Outgoing& sent, SteadyTime until,
                                                MessageBudget& budget) {
  std::optional<Socket> kept = take_idle(target.endpoint);
  for (;;) {
    if (!budget.take()) co_return Attempt{};
    const bool reused = kept.has_value();
    Socket socket = reused ? std::move(*kept) : Socket(io_);
    kept.reset();
    Round r{socket, target, sent, reused};
    bool late = false;
    {
      Alarm alarm(alarms_, until, [&socket] {
        error_code ignored;
        socket.close(ignored);
      });
      ++busy_;
      count_connections();
      co_await round(r);
      --busy_;
      late = alarm.rang();
    }
    if (r.result.end == Attempt::End::kAnswer) {
      if (socket.is_open()) keep(target.endpoint, std::move(socket));
    } else if (late) {
      r.result.end = Attempt::End::kTimeout;
      // A peer that has vanished leaves connections that look open: the retry has to begin anew.
      if (reused) forget(target.endpoint);
    } else if (reused && r.received == 0) {
      // The peer had closed it meanwhile, which says nothing about the peer.
      continue;
    }
    count_connections();
    co_return std::move(r.result);
  }
}

}  // namespace idnode
