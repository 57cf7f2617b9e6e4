// A shared pointer that one thread replaces and others copy.
//
// std::atomic<std::shared_ptr> of libstdc++ 12 releases its reader's side with a relaxed store, which is a
// data race that TSan reports; this one orders both sides. The bit is held for as long as a reference count
// takes.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>

namespace idnode {

template <class T>
class Snapshot {
 public:
  Snapshot() = default;
  explicit Snapshot(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  std::shared_ptr<const T> load() const {
    hold();
    std::shared_ptr<const T> copy = value_;
    busy_.store(false, std::memory_order_release);
    return copy;
  }
  // The old value, if this was its last owner, is destroyed by the caller's thread after the exchange.
  void store(std::shared_ptr<const T> value) {
    hold();
    value_.swap(value);
    busy_.store(false, std::memory_order_release);
  }

 private:
  void hold() const {
    for (int spins = 0; busy_.exchange(true, std::memory_order_acquire); ++spins) {
      // Whoever holds it may have been put to sleep.
      if (spins >= 64) std::this_thread::yield();
    }
  }
  mutable std::atomic<bool> busy_{false};
  std::shared_ptr<const T> value_;
};

}  // namespace idnode
