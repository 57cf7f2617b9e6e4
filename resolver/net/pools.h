// Threads for what must not run on a worker: proofs and signatures (crypto pool), reads from the disk (read
// pool). Two pools, so that proofs never queue behind disks.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace idnode {

class Pool {
 public:
  // `name`: of the threads; `bound`: tasks that may wait.
  Pool(std::string name, unsigned threads, std::size_t bound);
  // Finishes the tasks that run; those that wait are destroyed without running.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Any thread. False when `bound` tasks wait already; the task is then destroyed.
  bool submit(std::move_only_function<void()> task);
  // The same, not before so much time has passed. It counts as waiting meanwhile.
  bool submit_later(std::chrono::microseconds delay, std::move_only_function<void()> task);

  struct Counters {
    std::uint64_t done = 0, refused = 0, waiting = 0, running = 0;
  };
  Counters counters() const;

 private:
  void run();

  const std::size_t bound_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::move_only_function<void()>> waiting_;
  // By the time they are due; a multimap, since tasks can only be moved.
  std::multimap<std::chrono::steady_clock::time_point, std::move_only_function<void()>> later_;
  bool stopping_ = false;
  Counters counters_;
  std::vector<std::thread> threads_;
};

}  // namespace idnode
