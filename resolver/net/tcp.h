// The TCP connections of one worker.
//
// Their sockets are in an epoll set of their own, which says once when something has come (edge-triggered):
// a request costs no call but its reading and its writing, where a wait of the event loop would cost a third.
// The event loop waits for the set. Those that are ready at the same time are stepped together. A connection
// ends by cut(), and is destroyed when it is stepped next, never while it or another one is at work.
#pragma once

#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "resolver/net/connection.h"
#include "resolver/net/lane.h"

namespace idnode {

class Connections {
 public:
  explicit Connections(Lane& lane);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Worker thread, but for the two numbers below.
  void adopt(Descriptor socket, const Endpoint& peer, Admission::Ticket ticket);
  // Starts the timer that looks at deadlines.
  void start();
  // Closes the connection that has been idle for longest; false when none is idle.
  bool close_longest_idle();
  void drain();
  bool empty() const { return all_.empty(); }
  void cut_all();

  // Any thread: how many are open (or on their way here), and since when the longest idle one is quiet
  // (steady milliseconds; 0: none is idle; as old as the last look at deadlines).
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  std::uint64_t idle_since_ms() const { return idle_since_ms_.load(std::memory_order_relaxed); }
  // Acceptor: one more is on its way.
  void announce() { open_.fetch_add(1, std::memory_order_relaxed); }

  // For connections.
  // Steps it after what is at work now.
  void wake(Connection& connection);
  void touch(Connection& connection) { all_.splice(all_.end(), all_, connection.place_); }
  std::shared_ptr<Drive>& fast_drive();
  // Buffers that go from connection to connection, so that idle ones need none.
  void lend(std::string& buffer);
  void take_back(std::string& buffer);

 private:
  void wait();
  void poll();
  void step_woken();
  void step();
  std::size_t step_some(std::span<Connection* const> rest);
  void destroy(Connection& connection);
  void look();

  Lane& lane_;
  boost::asio::steady_timer timer_;
  boost::asio::posix::stream_descriptor set_;
  std::list<std::unique_ptr<Connection>> all_;  // the longest quiet first
  std::vector<Connection*> woken_;              // each once
  std::vector<Connection*> stepping_;           // those of this turn
  std::shared_ptr<Drive> fast_;
  std::vector<std::string> spares_;
  Foresight foresight_;
  bool draining_ = false;
  std::uint64_t looks_ = 0;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::uint64_t> idle_since_ms_{0};
};

}  // namespace idnode
