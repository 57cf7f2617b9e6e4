// What waits for the commit thread: bounded by count and octets, first come first served.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/commit/batch.h"

namespace idnode {

// Any thread, but take(), settle() and closed() the commit thread only.
class CommitQueue {
 public:
  CommitQueue(std::size_t most_bytes, std::size_t most_items)
      : most_bytes_(most_bytes), most_items_(most_items) {}

  // Takes items from the front until it is full; the others are returned, as all are when it is closed. An
  // empty queue takes an item of any size.
  std::vector<CommitItem> push(std::shared_ptr<CommitBatch> batch);
  // Appends everything that waits to `batches`, waiting at most `patience` for the first. What is taken
  // counts against the bounds until settle().
  void take(CommitBatches& batches, std::chrono::milliseconds patience);
  // take() returns though there may be nothing.
  void nudge();
  // `count` items of `bytes` in all have been answered.
  void settle(std::size_t count, std::size_t bytes);
  // Blocks until everything pushed before has been settled.
  void drain();
  // No more push; wakes take().
  void close();
  bool closed() const;

  struct Size {
    std::size_t items = 0;
    std::size_t bytes = 0;
  };
  Size size() const;

 private:
  const std::size_t most_bytes_;
  const std::size_t most_items_;
  bool room_for(const CommitItem& item) const;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable settled_;
  CommitBatches waiting_;
  Size size_;  // waiting or taken
  std::uint64_t pushed_ = 0;
  std::uint64_t done_ = 0;
  bool sleeping_ = false;
  bool closed_ = false;
  bool nudged_ = false;
};

}  // namespace idnode
