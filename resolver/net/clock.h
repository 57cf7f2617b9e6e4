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

inline std::uint64_t wall_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// With the steady clock as it was read just now.
inline Now clock_now(std::uint64_t steady_us) { return {.ms = wall_ms(), .steady_ms = steady_us / 1'000}; }
inline Now clock_now() { return clock_now(steady_us()); }

// When an answer was ready, and how long it took.
struct Timing {
  std::uint64_t ended_ms = 0;  // since 1970
  std::chrono::microseconds took{};
};

}  // namespace idnode
