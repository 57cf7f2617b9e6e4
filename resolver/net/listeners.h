// The sockets of the Handle listeners: TCP and UDP on the same number, one UDP socket a worker.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "protocol/address.h"
#include "resolver/net/sockets.h"

namespace idnode {

struct Listener {
  Endpoint endpoint;            // with the port that was got
  Descriptor tcp;               // listening
  std::vector<Descriptor> udp;  // one a worker, in the order of the workers
};

// Binds them all, or none: the error is one line that names the address and says what to do. A port of 0
// takes a free one; TCP and UDP share it. IPv6 sockets take IPv6 only.
std::expected<std::vector<Listener>, std::string> open_listeners(const std::vector<Endpoint>& endpoints,
                                                                 unsigned workers);

// Several calls may wait in the kernel before the acceptor takes them.
inline constexpr int kBacklog = 1'024;

}  // namespace idnode
