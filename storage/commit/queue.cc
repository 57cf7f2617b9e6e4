#include "storage/commit/queue.h"

#include <iterator>
#include <utility>

namespace idnode {

bool CommitQueue::room_for(const CommitItem& item) const {
  if (closed_ || size_.items >= most_items_) return false;
  return size_.items == 0 || size_.bytes + item.bytes() <= most_bytes_;
}

std::vector<CommitItem> CommitQueue::push(std::shared_ptr<CommitBatch> batch) {
  std::vector<CommitItem> refused;
  std::vector<CommitItem>& items = batch->items;
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    std::size_t taken = 0;
    for (; taken < items.size() && room_for(items[taken]); ++taken) {
      size_.items += 1;
      size_.bytes += items[taken].bytes();
    }
    pushed_ += taken;
    const auto first_refused = items.begin() + static_cast<std::ptrdiff_t>(taken);
    refused.assign(std::make_move_iterator(first_refused), std::make_move_iterator(items.end()));
    items.erase(first_refused, items.end());
    if (taken != 0) waiting_.push_back(std::move(batch));
    wake = !waiting_.empty() && std::exchange(sleeping_, false);
  }
  if (wake) arrived_.notify_one();
  return refused;
}

void CommitQueue::take(CommitBatches& batches, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (waiting_.empty() && !closed_ && patience.count() > 0) {
    sleeping_ = true;
    arrived_.wait_for(lock, patience, [this] { return !waiting_.empty() || closed_ || nudged_; });
    sleeping_ = false;
  }
  nudged_ = false;
  if (batches.empty()) {
    batches.swap(waiting_);
  } else {
    batches.insert(batches.end(), std::make_move_iterator(waiting_.begin()),
                   std::make_move_iterator(waiting_.end()));
    waiting_.clear();
  }
}

void CommitQueue::nudge() {
  {
    std::lock_guard lock(mutex_);
    nudged_ = true;
    if (!sleeping_) return;
  }
  arrived_.notify_one();
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
