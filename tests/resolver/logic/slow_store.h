// A disk under tests: a store whose reads can be cold or fail.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "storage/memory_store.h"

namespace idnode::test {

class SlowStore final : public Store {
 public:
  explicit SlowStore(MemoryStore& store) : store_(store) {}
  bool slow = false;                          // nothing is in memory until it was read once with Depth::kDisk
  std::set<std::string, std::less<>> broken;  // keys whose reads fail
  mutable std::size_t reads = 0;
  bool walks_fail = false;  // every walk ends with an error

  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override {
    ++reads;
    if (broken.contains(key)) return std::unexpected(Errc::kIo);
    if (depth == Depth::kDisk) warm_.emplace(key);
    if (slow && !warm_.contains(key)) return std::unexpected(Errc::kWouldBlock);
    return store_.get(key, image, depth);
  }
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override {
    if (walks_fail) return std::make_unique<FailedWalk>();
    return store_.scan(from, to);
  }
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override {
    return store_.apply_group(writes, sequence);
  }
  std::uint64_t applied() const override { return store_.applied(); }
  Result<void> flush() override { return store_.flush(); }
  std::uint64_t approximate_bytes() const override { return store_.approximate_bytes(); }
  void forget() { warm_.clear(); }

 private:
  struct FailedWalk final : Cursor {
    bool next() override { return false; }
    std::string_view key() const override { return {}; }
    std::string_view image() const override { return {}; }
    Result<void> status() const override { return std::unexpected(Errc::kIo); }
  };

  MemoryStore& store_;
  mutable std::set<std::string, std::less<>> warm_;
};

}  // namespace idnode::test
