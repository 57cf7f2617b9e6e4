#include "resolver/logic/listing.h"

#include "protocol/bytes.h"
#include "storage/record.h"

namespace idnode {

void Listing::begin(const Store& store, Stream stream) {
  store_ = &store;
  stream_ = std::move(stream);
  cursor_.reset();
}

Result<void> Listing::read() {
  if (cursor_ == nullptr) {
    cursor_ = store_->scan(stream_.range.from, stream_.range.to);
    const Result<bool> first = advance();
    if (!first) return std::unexpected(first.error());
    has_next_ = *first;
  }
  count_ = 0;
  encoded_.clear();
  Writer writer(encoded_);
  while (has_next_ && count_ < kNamesPerMessage) {
    writer.bytes(next_);
    ++count_;
    const Result<bool> next = advance();
    if (!next) return std::unexpected(next.error());
    has_next_ = *next;
  }
  return {};
}

Result<bool> Listing::advance() {
  while (cursor_->next()) {
    const Result<RecordView> record = parse_record(cursor_->image());
    if (!record) return std::unexpected(record.error());
    if (record->tombstone) continue;
    next_ = stream_.stored_keys ? cursor_->key().substr(1) : record->name;
    return true;
  }
  if (const Result<void> status = cursor_->status(); !status) return std::unexpected(status.error());
  return false;
}

}  // namespace idnode
