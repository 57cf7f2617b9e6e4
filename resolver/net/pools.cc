#include "resolver/net/pools.h"

#include <pthread.h>

#include <algorithm>

namespace idnode {

Pool::Pool(std::string name, unsigned threads, std::size_t bound) : bound_(bound) {
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
    threads_.emplace_back([this, label = name + "-" + std::to_string(i)] {
      pthread_setname_np(pthread_self(), label.substr(0, 15).c_str());
      run();
    });
  }
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Pool::submit(std::move_only_function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() + later_.size() >= bound_) {
      ++counters_.refused;
      return false;
    }
    waiting_.push_back(std::move(task));
  }
  arrived_.notify_one();
  return true;
}

bool Pool::submit_later(std::chrono::microseconds delay, std::move_only_function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() + later_.size() >= bound_) {
      ++counters_.refused;
      return false;
    }
    later_.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
  }
  arrived_.notify_one();  // one of the threads watches the time
  return true;
}

Pool::Counters Pool::counters() const {
  const std::lock_guard lock(mutex_);
  Counters copy = counters_;
  copy.waiting = waiting_.size() + later_.size();
  return copy;
}

void Pool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!stopping_) {
      const auto now = std::chrono::steady_clock::now();
      for (auto due = later_.begin(); due != later_.end() && due->first <= now; due = later_.begin()) {
        waiting_.push_back(std::move(due->second));
        later_.erase(due);
      }
      if (!waiting_.empty()) break;
      if (later_.empty()) {
        arrived_.wait(lock);
      } else {
        arrived_.wait_until(lock, later_.begin()->first);
      }
    }
    if (stopping_) return;
    {
      auto task = std::move(waiting_.front());
      waiting_.pop_front();
      ++counters_.running;
      lock.unlock();
      task();
    }
    lock.lock();
    --counters_.running;
    ++counters_.done;
  }
}

}  // namespace idnode
