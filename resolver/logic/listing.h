// The walk behind a list operation: names of a range of the store, so many a message, over one snapshot
// (BEHAVIOUR.md §10.1 rules 5-7). Read pool: it reads the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/result.h"
#include "resolver/logic/outcome.h"
#include "storage/store.h"

namespace idnode {

class Listing {
 public:
  static constexpr std::uint32_t kNamesPerMessage = 50;

  // The snapshot is that of the first call of read().
  void begin(const Store& store, Stream stream);
  void end() { cursor_.reset(); }
  bool open() const { return cursor_ != nullptr; }

  // Reads the next names. Names, then whether more follow: the last message is never an extra empty one.
  Result<void> read();
  std::uint32_t count() const { return count_; }
  std::string_view encoded() const { return encoded_; }  // list of bytes without its count
  bool more() const { return has_next_; }

 private:
  // To the next entry that lives.
  Result<bool> advance();

  const Store* store_ = nullptr;
  Stream stream_;
  std::unique_ptr<Cursor> cursor_;
  std::string next_;
  bool has_next_ = false;
  std::uint32_t count_ = 0;
  std::string encoded_;
};

}  // namespace idnode
