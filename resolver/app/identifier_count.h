// How many records the store holds: counted once in the background, then kept up with what is committed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>

#include "storage/commit/committer.h"
#include "storage/store.h"

namespace idnode {

class IdentifierCount {
 public:
  // Takes its snapshot now: made before the committer, so that every later commit is added. `store` outlives
  // it.
  explicit IdentifierCount(const Store& store);
  // Gives up counting.
  ~IdentifierCount();
  IdentifierCount(const IdentifierCount&) = delete;
  IdentifierCount& operator=(const IdentifierCount&) = delete;

  // Commit thread.
  void committed(std::span<const Committed> group);

  // Any thread. value() means something once counted().
  bool counted() const { return counted_.load(std::memory_order_acquire); }
  std::uint64_t value() const;

 private:
  void count(Cursor& cursor);

  std::atomic<std::int64_t> total_{0};
  std::atomic<bool> counted_{false};
  std::atomic<bool> stop_{false};
  std::unique_ptr<Cursor> cursor_;  // thread_ only, once started
  std::thread thread_;
};

}  // namespace idnode
