// One thread with its own event loop. Everything that a worker owns is touched by its thread alone; others
// post to its mailbox.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace idnode {

// Outlives its worker: whoever finishes something later (commit thread, pools, upstream) may still post and
// is told that nobody is there.
class Mailbox {
 public:
  // Any thread. Runs `task` on the worker; false (and `task` is destroyed here) when the worker has ended.
  bool post(std::move_only_function<void()> task);

 private:
  friend class Worker;
  std::mutex mutex_;
  boost::asio::io_context* context_ = nullptr;
};

class Worker {
 public:
  explicit Worker(unsigned index);
  // Stops; what was posted and has not run is destroyed.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // `spin`: how long it polls when there is nothing to do, before it sleeps.
  void start(std::chrono::microseconds spin = {});
  // Ends the loop after the task that runs, and joins. Not from the worker itself.
  void stop();

  unsigned index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  // Runs `task` on the worker and waits for its end; runs it here when the worker's thread is not running.
  void call(std::move_only_function<void()> task);

 private:
  void run(std::chrono::microseconds spin);

  unsigned index_;
  boost::asio::io_context context_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_;
  std::shared_ptr<Mailbox> mailbox_;
  std::thread thread_;
};

}  // namespace idnode
