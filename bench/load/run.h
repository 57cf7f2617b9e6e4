// The engine of a load: one thread, all connections, closed or open loop.
#pragma once

#include <cstdint>

#include "bench/load/cpu.h"
#include "bench/load/histogram.h"
#include "bench/load/options.h"
#include "bench/load/questions.h"

namespace idnode::load {

struct Tally {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t wrong = 0;  // of those
  std::uint64_t lost = 0;   // given up, or lost with their connection
  std::uint64_t stray = 0;  // to nothing under way: late, repeated, or to another request id
  Histogram latency;
};

struct Measured {
  Tally tally;               // of what was asked in the measured time, answers until shortly after it
  std::uint64_t within = 0;  // answers within the measured time
  double seconds = 0;
  CpuUse cpu;
  bool connection_lost = false;
};

// Opens the connections, warms up, measures. Throws Stop when the target cannot be reached.
Measured measure(const ResolveOptions& options, const Questions& questions);

}  // namespace idnode::load
