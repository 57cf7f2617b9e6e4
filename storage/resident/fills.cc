#include "storage/resident/fills.h"

#include <utility>

namespace idnode {

void Fills::put(Fill&& fill, std::unique_lock<std::mutex>& lock) {
  waiting_.push_back(std::move(fill));
  const std::function<void()> wake = waiting_.size() == 1 ? wake_ : nullptr;
  lock.unlock();
  if (wake) wake();
}

void Fills::offer(Fill fill) {
  std::unique_lock lock(mutex_);
  if (closed_ || waiting_.size() >= kMost) {
    ++dropped_;
  } else {
    put(std::move(fill), lock);
  }
}

bool Fills::load(Fill fill) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || waiting_.size() < kMost; });
  if (closed_) return false;
  put(std::move(fill), lock);
  return true;
}

bool Fills::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || (waiting_.empty() && !taken_); });
  return !closed_;
}

void Fills::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    wake_ = nullptr;
  }
  changed_.notify_all();
}

void Fills::take(std::vector<Fill>& to) {
  std::lock_guard lock(mutex_);
  to.swap(waiting_);
  taken_ = !to.empty();
}

void Fills::settle() {
  {
    std::lock_guard lock(mutex_);
    taken_ = false;
  }
  changed_.notify_all();
}

void Fills::on_first(std::function<void()> wake) {
  std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

std::uint64_t Fills::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace idnode
