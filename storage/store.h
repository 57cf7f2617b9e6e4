// Where images are kept. Two real implementations: MemoryStore (tests, models) and RocksStore.
//
// Reads from any thread. Only the commit thread applies. An image is what storage/record.h describes,
// tombstones included: whoever reads decides what absent means.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace idnode {

// One key of the store and its new octets.
struct Write {
  std::string key;
  std::string image;
};

// The same, borrowed.
struct WriteView {
  std::string_view key;
  std::string_view image;
};
std::vector<WriteView> views_of(std::span<const Write> writes);

enum class Depth {
  kMemory,  // never touches the disk: kWouldBlock when the answer is not in memory
  kDisk,
};

// Walks a snapshot in key order.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // Moves to the next entry, the first time to the first; false at the end or on failure (see error()).
  virtual bool next() = 0;
  virtual std::string_view key() const = 0;    // until the next call of next()
  virtual std::string_view image() const = 0;  // until the next call of next()
  // kCorrupt or kIo after a failed walk; empty after a whole one.
  virtual Result<void> status() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // True: `image` holds the octets. False: no such key. kWouldBlock (kMemory only), kIo, kCorrupt.
  virtual Result<bool> get(std::string_view key, std::string& image, Depth depth) const = 0;
  // A consistent walk over [from, to). The store must outlive the cursor.
  virtual std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const = 0;

  // Commit thread only. All writes, in order, and the applied sequence, or nothing.
  // kNoSpace and kIo: the same call may be repeated.
  virtual Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) = 0;
  Result<void> apply(std::span<const Write> writes, std::uint64_t sequence) {
    return apply_group(views_of(writes), sequence);
  }
  // Sequence of the last applied mutation; 0 for a new store.
  virtual std::uint64_t applied() const = 0;
  // Makes everything applied so far durable in the store itself (so that the log before it may be archived).
  virtual Result<void> flush() = 0;
  // A sequence up to which the store is durable by itself: a lower bound. Commit thread only.
  virtual std::uint64_t durable() const { return 0; }

  // Octets on disk (or in memory), for status and metrics; approximate.
  virtual std::uint64_t approximate_bytes() const = 0;
};

}  // namespace idnode
