#include "storage/log/log.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace idnode {

Log::Log(std::string folder, const LogOptions& options, LogPosition position,
         std::unique_ptr<LogFile> segment, std::uint64_t size, std::unique_ptr<Watermark> watermark)
    : folder_(std::move(folder)),
      files_(*options.files),
      segment_bytes_(options.segment_bytes),
      position_(std::move(position)),
      segment_(std::move(segment)),
      size_(size),
      watermark_(std::move(watermark)) {}

Result<void> Log::append(const GroupBuilder& group, std::uint64_t store_durable) {
  assert(group.first() == position_.sequence + 1);
  if (failed_) return std::unexpected(Errc::kReadOnly);
  if (!segment_ || size_ >= segment_bytes_) {
    if (const Result<void> begun = begin_segment(); !begun) return begun;
  }
  if (const Result<void> written = segment_->write(size_, group.octets()); !written) {
    if (written.error() != Errc::kNoSpace || !segment_->truncate(size_)) return give_up();
    return written;
  }
  if (!segment_->sync()) return give_up();
  size_ += group.size();
  position_.sequence = group.first() + group.count() - 1;
  position_.time_ms = group.time_ms();
  position_.hash.assign(group.hash());
  // The group is durable, whatever becomes of its mark; but a disk that fails gets nothing more.
  if (!mark_end(store_durable)) failed_ = true;
  return {};
}

Result<void> Log::settle(std::uint64_t store_durable) {
  if (failed_) return std::unexpected(Errc::kReadOnly);
  if (!watermark_) return {};
  if (const Result<void> marked = mark_end(store_durable); !marked) return give_up();
  if (!watermark_->sync()) return give_up();
  return {};
}

// A full disk leaves the older mark, which is true as well.
Result<void> Log::mark_end(std::uint64_t store_durable) {
  if (!watermark_) return {};
  store_durable_ = std::max(store_durable_, store_durable);
  const Result<void> written = watermark_->write({position_.sequence, position_.hash, store_durable_});
  if (!written && written.error() != Errc::kNoSpace) return written;
  return {};
}

Result<void> Log::begin_segment() {
  // So that a mark is never older than the newest segment.
  if (watermark_ && !watermark_->sync()) return give_up();
  const std::string path = folder_ + "/" + segment_name(position_.sequence + 1);
  const std::string header = encode(SegmentHeader{position_.sequence + 1, position_.time_ms, position_.hash});
  auto file = files_.create(path);
  if (!file) {
    // Nothing has happened yet.
    if (file.error() == Errc::kNoSpace || file.error() == Errc::kBusy) return std::unexpected(file.error());
    return give_up();
  }
  if (const Result<void> written = (*file)->write(0, header); !written) {
    // A segment without its header would be in the way of the next try.
    if (written.error() != Errc::kNoSpace || !files_.remove(path)) return give_up();
    return written;
  }
  if (!(*file)->sync() || !files_.sync_folder(folder_)) return give_up();
  segment_ = std::move(*file);
  size_ = header.size();
  return {};
}

Result<void> Log::give_up() {
  failed_ = true;
  return std::unexpected(Errc::kIo);
}

}  // namespace idnode
