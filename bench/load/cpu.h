// Who used the processors during a measurement, in CPU seconds.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace idnode::load {

struct CpuUse {
  double own = 0;      // this process
  double watched = 0;  // the processes of --watch, all threads
  double foreign = 0;  // everybody else on this machine, what the hypervisor took included
};

// Reads the counters now; since() is the use between two readings. Counters of a process that has ended, and
// of threads that end in between, are missing.
class CpuReading {
 public:
  explicit CpuReading(const std::vector<pid_t>& watched);
  CpuUse since(const CpuReading& earlier) const;

 private:
  double own_;
  double watched_ = 0;
  double all_;
};

// Nanoseconds of a clock that only goes forward; never 0.
std::uint64_t steady_ns();

}  // namespace idnode::load
