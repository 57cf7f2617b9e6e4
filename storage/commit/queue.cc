#include "storage/commit/queue.h"

#include <iterator>
#include <utility>

namespace idnode {

bool CommitQueue::push(std::unique_ptr<CommitItem>& item) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    const bool full =
        size_.items >= most_items_ || (size_.items > 0 && size_.bytes + item->bytes > most_bytes_);
    if (closed_ || full) return false;
    size_.items += 1;
    size_.bytes += item->bytes;
    ++pushed_;
    waiting_.push_back(std::move(item));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) arrived_.notify_one();
  return true;
}

void CommitQueue::take(CommitItems& items, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (waiting_.empty() && !closed_ && patience.count() > 0) {
    sleeping_ = true;
    arrived_.wait_for(lock, patience, [this] { return !waiting_.empty() || closed_; });
    sleeping_ = false;
  }
  if (items.empty()) {
    items.swap(waiting_);
  } else {
    items.insert(items.end(), std::make_move_iterator(waiting_.begin()),
                 std::make_move_iterator(waiting_.end()));
    waiting_.clear();
  }
}

void CommitQueue::settle(std::size_t count, std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    size_.items -= count;
    size_.bytes -= bytes;
    done_ += count;
  }
  settled_.notify_all();
}

void CommitQueue::drain() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this, target = pushed_] { return done_ >= target; });
}

void CommitQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  arrived_.notify_one();
}

bool CommitQueue::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

CommitQueue::Size CommitQueue::size() const {
  std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace idnode
