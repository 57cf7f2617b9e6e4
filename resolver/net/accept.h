// Takes new TCP connections of one listener and deals each to the worker with the fewest.
//
// Runs on the first worker. When the total is reached, the connection that has been idle for longest gives
// way; when none is idle, the new one is refused (closed at once).
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "resolver/net/lane.h"
#include "resolver/net/limits_by_source.h"
#include "resolver/net/sockets.h"
#include "resolver/net/tcp.h"

namespace idnode {

// One worker as the acceptor sees it.
struct Seat {
  Lane* lane = nullptr;
  Connections* connections = nullptr;
};

// Descriptors that connections leave to the store and the log.
inline constexpr int kReservedDescriptors = 64;

class Acceptor {
 public:
  // `lane` is that of the first worker. `seats` outlive the acceptor.
  Acceptor(Lane& lane, Descriptor listening, const std::vector<Seat>& seats,
           std::shared_ptr<Admission> admission);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();
  // Closes the listening socket; calls that wait in it are refused by the kernel.
  void stop();

 private:
  void wait();
  void take();
  void admit(Descriptor socket, const Endpoint& peer, bool after_pressure);
  void deal(Descriptor socket, const Endpoint& peer, Admission::Ticket ticket);
  // False when nobody is idle.
  bool press(Descriptor& socket, const Endpoint& peer);

  Lane& lane_;
  boost::asio::posix::stream_descriptor listening_;
  boost::asio::steady_timer pause_;
  const std::vector<Seat>& seats_;
  std::shared_ptr<Admission> admission_;
  int pressed_ = 0;  // new connections that wait for an idle one to go
  bool stopped_ = false;
};

}  // namespace idnode
