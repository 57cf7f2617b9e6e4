// The two clocks of the node, read by those who drive logic; logic itself reads none.
#pragma once

#include <chrono>
#include <cstdint>

#include "resolver/logic/source.h"

namespace idnode {

inline std::uint64_t steady_us() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

inline Now clock_now() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {
      .ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()),
      .steady_ms = steady_us() / 1'000};
}

}  // namespace idnode
