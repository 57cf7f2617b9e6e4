// The store of a node: RocksDB as an index of the commit log. It has no log of its own: what a crash takes
// from it is replayed (storage/log/replay.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/open_error.h"
#include "storage/store.h"

namespace rocksdb {
class DB;
class Env;
class WriteBatch;
}  // namespace rocksdb

namespace idnode {

class RocksTrouble;

struct RocksSettings {
  std::size_t memory_bytes = std::size_t{256} << 20;  // blocks, filters, indexes and memtables together
  std::string journal_path;                           // RocksDB's own messages; "" drops them
  rocksdb::Env* env = nullptr;                        // for tests; must outlive the store
  bool flush_at_close = true;                         // off: closing is like a crash, for tests
};

class RocksStore final : public Store {
 public:
  // Makes `folder` when it is not there. Errors: in use by another process, damaged, newer format.
  static Opened<std::unique_ptr<RocksStore>> open(const std::string& folder, const RocksSettings& settings);
  // Reads all of it without changing anything and compares every checksum; nobody else may write to it. Its
  // sequence; 0 also when there is no store. Errors as open().
  static Opened<std::uint64_t> verify(const std::string& folder);
  // Flushes, unless told not to.
  ~RocksStore() override;

  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override;
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override;
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override;
  std::uint64_t applied() const override { return applied_.load(std::memory_order_acquire); }
  Result<void> flush() override;
  std::uint64_t durable() const override;
  std::uint64_t approximate_bytes() const override;

  // What RocksDB's background work last failed with; "" when it is well.
  std::string trouble() const;

 private:
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::shared_ptr<RocksTrouble> trouble, bool flush_at_close);
  Opened<void> start(const std::string& folder);

  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<rocksdb::WriteBatch> batch_;  // of the commit thread; keeps its memory
  std::shared_ptr<RocksTrouble> trouble_;
  bool flush_at_close_;
  std::atomic<std::uint64_t> applied_ = 0;
  mutable std::uint64_t durable_ = 0;
};

}  // namespace idnode
