#include "storage/log/log.h"

#include <cassert>
#include <utility>

namespace idnode {

Log::Log(std::string folder, const LogOptions& options, LogPosition position,
         std::unique_ptr<LogFile> segment, std::uint64_t size)
    : folder_(std::move(folder)),
      files_(*options.files),
      segment_bytes_(options.segment_bytes),
      position_(std::move(position)),
      segment_(std::move(segment)),
      size_(size) {}

Result<void> Log::append(const GroupBuilder& group) {
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
  return {};
}

Result<void> Log::begin_segment() {
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
