#include "storage/memory_store.h"

#include <mutex>
#include <utility>
#include <vector>

namespace idnode {
namespace {

using Entry = std::pair<std::string, MemoryStore::Image>;

class CopiedRange final : public Cursor {
 public:
  explicit CopiedRange(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  bool next() override {
    if (at_ == entries_.size()) return false;
    ++at_;
    return true;
  }
  std::string_view key() const override { return entries_[at_ - 1].first; }
  std::string_view image() const override { return *entries_[at_ - 1].second; }
  Result<void> status() const override { return {}; }

 private:
  std::vector<Entry> entries_;
  std::size_t at_ = 0;  // one past the current entry
};

}  // namespace

Result<bool> MemoryStore::get(std::string_view key, std::string& image, Depth) const {
  std::shared_lock lock(mutex_);
  const auto found = images_.find(key);
  if (found == images_.end()) return false;
  image = *found->second;
  return true;
}

std::unique_ptr<Cursor> MemoryStore::scan(std::string_view from, std::string_view to) const {
  std::vector<Entry> entries;
  {
    std::shared_lock lock(mutex_);
    for (auto it = images_.lower_bound(from); it != images_.end() && it->first < to; ++it) {
      entries.emplace_back(it->first, it->second);
    }
  }
  return std::make_unique<CopiedRange>(std::move(entries));
}

Result<void> MemoryStore::apply_group(std::span<const WriteView> writes, std::uint64_t sequence) {
  std::unique_lock lock(mutex_);
  std::uint64_t bytes = bytes_.load(std::memory_order_relaxed);
  for (const WriteView& write : writes) {
    Image& image = images_[std::string(write.key)];
    bytes -= image ? image->size() : 0;
    bytes += write.image.size() + (image ? 0 : write.key.size());
    image = std::make_shared<const std::string>(write.image);
  }
  bytes_.store(bytes, std::memory_order_relaxed);
  applied_.store(sequence, std::memory_order_release);
  return {};
}

}  // namespace idnode
