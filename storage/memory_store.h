// The store of tests and models: an ordered map in memory. Nothing survives the object; a node on it replays
// its whole log at every start.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "storage/store.h"

namespace idnode {

class MemoryStore final : public Store {
 public:
  using Image = std::shared_ptr<const std::string>;

  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override;
  // Copies the keys of the range, shares the images.
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override;
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override;
  std::uint64_t applied() const override { return applied_.load(std::memory_order_acquire); }
  Result<void> flush() override { return {}; }
  std::uint64_t approximate_bytes() const override { return bytes_.load(std::memory_order_relaxed); }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Image, std::less<>> images_;
  std::atomic<std::uint64_t> applied_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace idnode
