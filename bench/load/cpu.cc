#include "bench/load/cpu.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace idnode::load {
namespace {

double own_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

// Of the kernel's scheduler statistics, which count nanoseconds; the ticks of /proc/PID/stat are 10 ms.
double process_seconds(pid_t process) {
  double sum = 0;
  std::error_code error;
  const std::string folder = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(folder, error)) {
    std::ifstream in(task.path() / "schedstat");
    double nanoseconds = 0;
    if (in >> nanoseconds) sum += nanoseconds / 1e9;
  }
  return sum;
}

// User, nice, system and stolen time of all processors. Interrupts belong to nobody.
double machine_seconds() {
  std::ifstream in("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0;
  in >> word >> user >> nice >> system >> idle >> wait >> irq >> softirq >> steal;
  return (user + nice + system + steal) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

CpuReading::CpuReading(const std::vector<pid_t>& watched) : own_(own_seconds()), all_(machine_seconds()) {
  for (const pid_t process : watched) watched_ += process_seconds(process);
}

CpuUse CpuReading::since(const CpuReading& earlier) const {
  CpuUse use{.own = own_ - earlier.own_, .watched = watched_ - earlier.watched_};
  use.foreign = std::max(0.0, all_ - earlier.all_ - use.own - use.watched);
  return use;
}

std::uint64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()) | 1;
}

}  // namespace idnode::load
