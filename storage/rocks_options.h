// How RocksDB is set up (ARCHITECTURE.md, "Storage"). The only place where its settings are.
#pragma once

#include <rocksdb/options.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "storage/rocks_store.h"

namespace idnode {

// What RocksDB's background threads last complained about. Any thread.
class RocksTrouble {
 public:
  void set(std::string text);
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

rocksdb::Options rocks_options(const RocksSettings& settings, std::shared_ptr<RocksTrouble> trouble);

}  // namespace idnode
