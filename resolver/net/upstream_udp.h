// Asking over UDP: one fresh socket a try, so every try has a port of its own beside its own random request
// id, and the kernel delivers only what comes from the server that was asked (WIRE.md §4). Upstream thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "resolver/net/attempt.h"

namespace idnode {

// Sends, repeats once after half a second, and waits until `until`. References must live until the coroutine
// ends.
boost::asio::awaitable<Attempt> exchange_udp(boost::asio::io_context& io, Alarms& alarms,
                                             UpstreamCounts& counts, const Target& target,
                                             const Outgoing& sent, SteadyTime until, MessageBudget& budget);

}  // namespace idnode
