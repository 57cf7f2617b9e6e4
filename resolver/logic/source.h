// Who asks, and when.
#pragma once

#include <cstdint>

#include "protocol/address.h"

namespace idnode {

enum class Transport : std::uint8_t { kUdp, kTcp, kHttp };

struct Source {
  Transport transport = Transport::kUdp;
  Endpoint peer;
  std::uint64_t connection = 0;  // unique per TCP connection, 0 for UDP: connection sessions are bound to it
  bool trusted = false;          // [limits] trusted
  bool may_recurse = false;      // [upstream] clients
  bool takes_queries = true;     // of the listener (BEHAVIOUR.md §4.3)
  bool takes_administration = true;
};

// Logic reads no clock: whoever calls it says what time it is.
struct Now {
  std::uint64_t ms = 0;         // since 1970
  std::uint64_t steady_ms = 0;  // monotonic
  std::uint32_t seconds() const { return static_cast<std::uint32_t>(ms / 1000); }
};

}  // namespace idnode
