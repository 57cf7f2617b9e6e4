// TCP connections to other nodes, kept for the next question. One question at a time is on a connection: a
// reference server answers one and closes, and answers then need no sorting. Upstream thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <optional>
#include <vector>

#include "resolver/net/attempt.h"

namespace idnode {

class UpstreamPool {
 public:
  static constexpr std::size_t kIdlePerServer = 64;
  static constexpr std::size_t kIdle = 256;
  static constexpr std::chrono::seconds kIdleTime{60};

  UpstreamPool(boost::asio::io_context& io, Alarms& alarms, UpstreamCounts& counts)
      : io_(io), alarms_(alarms), counts_(counts) {}

  // Sends and waits until `until` for an answer that counts; what does not is dropped and counted. A wrong
  // request id closes the connection. A kept connection that turns out closed is replaced once, which costs
  // another message of the budget. References must live until the coroutine ends.
  boost::asio::awaitable<Attempt> exchange(const Target& target, const Outgoing& sent, SteadyTime until,
                                           MessageBudget& budget);
  // Closes what has been idle for long; everything when `all`.
  void sweep(bool all = false);

 private:
  using Socket = boost::asio::ip::tcp::socket;
  struct Idle {
    Socket socket;
    SteadyTime since;
  };
  struct Round;
  std::optional<Socket> take_idle(const Endpoint& endpoint);
  void keep(const Endpoint& endpoint, Socket socket);
  void forget(const Endpoint& endpoint);
  boost::asio::awaitable<void> round(Round& r);
  void count_connections() { counts_.connections.set(idle_ + busy_); }

  boost::asio::io_context& io_;
  Alarms& alarms_;
  UpstreamCounts& counts_;
  std::map<Endpoint, std::vector<Idle>> idle_by_server_;
  std::size_t idle_ = 0;
  std::size_t busy_ = 0;
};

}  // namespace idnode
