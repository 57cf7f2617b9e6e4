// How RocksDB is set up (ARCHITECTURE.md, "Storage"). The only place where its settings are.
#pragma once

#include <rocksdb/options.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "storage/rocks_store.h"

namespace idnode {

// What RocksDB's background threads last complained about, and whether they flushed. Any thread.
class RocksTrouble {
 public:
  void set(std::string text);
  std::string text() const;
  void flushed() { flushed_.store(true, std::memory_order_release); }
  // Whether something was flushed since the last call.
  bool take_flushed() {
    return flushed_.load(std::memory_order_relaxed) && flushed_.exchange(false, std::memory_order_acquire);
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
  std::atomic<bool> flushed_ = false;
};

// `folder`: the store's, which may not be there yet.
rocksdb::Options rocks_options(const RocksSettings& settings, const std::string& folder,
                               std::shared_ptr<RocksTrouble> trouble);

}  // namespace idnode
