// One try at one server.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <memory>

#include "protocol/address.h"
#include "resolver/net/alarm.h"
#include "resolver/net/upstream_counts.h"
#include "resolver/net/upstream_message.h"

namespace idnode {

struct Attempt {
  enum class End {
    kAnswer,       // an answer that counts
    kTimeout,      // none in time
    kUnreachable,  // refused, no route
    kClosed,       // the peer closed, or said what makes the connection useless
    kLocal,        // our own lack (descriptors, the message bound): says nothing about the server
  };
  End end = End::kLocal;
  std::unique_ptr<Incoming> answer;
};

Now wall_and_steady();
boost::asio::ip::address to_asio(const Address& address);
// Whether an error of opening or connecting a socket is ours, not the peer's.
bool is_local_lack(const boost::system::error_code& ec);

}  // namespace idnode
