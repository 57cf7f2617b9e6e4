#include "storage/log/scan.h"

#include <algorithm>
#include <utility>

namespace idnode {
namespace {

constexpr std::string_view kRestore =
    "; restore the data folder from a backup, or this file from the archive";
constexpr std::size_t kWholeSegment = std::size_t{1} << 32;

std::unexpected<OpenError> unreadable(const std::string& path, Errc code) {
  return open_error(
      code, path + ": cannot be read (" + std::string(name(code)) + "); check the disk and the permissions");
}

Result<std::string> read_file(LogFiles& files, const std::string& path, std::size_t most) {
  auto file = files.open(path);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return (*file)->read(0, std::min<std::uint64_t>(*size, most));
}

Result<std::string> read_end(LogFiles& files, const std::string& path, std::size_t most) {
  auto file = files.open(path);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return (*file)->read(*size - std::min<std::uint64_t>(*size, most), most);
}

std::unexpected<OpenError> later_version(const std::string& path) {
  return open_error(Errc::kNewerFormat, path + ": written by a later version; start that version");
}

}  // namespace

LogScan::LogScan(LogFiles& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

std::string LogScan::path_of(std::size_t segment) const {
  return folder_ + "/" + segment_name(firsts_[segment]);
}

std::unexpected<OpenError> LogScan::damaged(std::uint64_t offset, std::string_view problem) const {
  return open_error(Errc::kCorrupt, path_ + ": offset " + std::to_string(offset) + ": " +
                                        std::string(problem) + std::string(kRestore));
}

Opened<void> LogScan::list() {
  const auto names = files_.list(folder_);
  if (!names) return unreadable(folder_, names.error());
  for (const std::string& file : *names) {
    if (const auto first = segment_first(file)) firsts_.push_back(*first);
  }
  if (firsts_.empty()) return {};
  const std::string newest = path_of(firsts_.size() - 1);
  const auto start = read_file(files_, newest, kSegmentHeaderSize);
  if (!start) return unreadable(newest, start.error());
  const auto header = decode_segment_header(*start);
  if (header || header.error() != Errc::kTruncated) return {};
  // It was being made; but zeros there before something else are damage, which load() names.
  const auto octets = read_file(files_, newest, kWholeSegment);
  if (!octets) return unreadable(newest, octets.error());
  const auto again = decode_segment_header(*octets);
  if (!again && again.error() == Errc::kTruncated) {
    torn_ = Torn{newest, 0, octets->size()};
    firsts_.pop_back();
  }
  return {};
}

Opened<void> LogScan::begin(std::uint64_t needed, std::uint64_t from) {
  if (const auto listed = list(); !listed) return listed;
  if (firsts_.empty()) return {};
  if (needed < firsts_[0]) {
    return open_error(Errc::kCorrupt, folder_ + ": the log begins at sequence " + std::to_string(firsts_[0]) +
                                          " but the store needs " + std::to_string(needed) +
                                          "; put the missing segments back from the archive");
  }
  const auto after = std::ranges::upper_bound(firsts_, std::max(firsts_[0], std::min(from, needed)));
  const auto segment = static_cast<std::size_t>(after - firsts_.begin()) - 1;
  for (std::size_t later = 1; later <= segment; ++later) {
    if (const auto joined = check_joint(later); !joined) return joined;
  }
  return stand_before(segment);
}

// A segment ends with the hash of its last group, which is the "previous" of the next one's header: nothing
// is missing between the two, and no whole group at the end of the first.
Opened<void> LogScan::check_joint(std::size_t segment) {
  path_ = path_of(segment);
  const auto start = read_file(files_, path_, kSegmentHeaderSize);
  if (!start) return unreadable(path_, start.error());
  const auto header = decode_segment_header(*start);
  if (!header && header.error() == Errc::kNewerFormat) return later_version(path_);
  if (!header || header->first != firsts_[segment]) return damaged(0, "the header of the segment is damaged");
  const std::string before = path_of(segment - 1);
  const auto end = read_end(files_, before, kHashSize);
  if (!end) return unreadable(before, end.error());
  if (*end != header->previous) {
    return damaged(0, "segments are missing before it, or the end of " + segment_name(firsts_[segment - 1]) +
                          ", which does not reach sequence " + std::to_string(header->first - 1));
  }
  return {};
}

Opened<void> LogScan::begin_oldest() {
  if (const auto listed = list(); !listed) return listed;
  return stand_before(0);
}

Opened<void> LogScan::stand_before(std::size_t segment) {
  segment_ = segment;
  positioned_ = false;
  return {};
}

Opened<void> LogScan::load(std::size_t segment) {
  path_ = path_of(segment);
  auto octets = read_file(files_, path_, kWholeSegment);
  if (!octets) return unreadable(path_, octets.error());
  octets_ = std::move(*octets);
  size_ = octets_.size();
  last_write_ = 0;
  const auto header = decode_segment_header(octets_);
  if (!header && header.error() == Errc::kNewerFormat) return later_version(path_);
  if (!header || header->first != firsts_[segment]) return damaged(0, "the header of the segment is damaged");
  if (!positioned_) {
    position_ = {header->first - 1, header->time_ms, header->previous};
    positioned_ = true;
  }
  if (header->first != position_.sequence + 1) {
    return damaged(0, "sequence " + std::to_string(position_.sequence + 1) + " is missing before it");
  }
  if (header->previous != position_.hash) return damaged(0, "the chain is broken before it");
  walk_.emplace(octets_);
  return {};
}

Opened<bool> LogScan::next(GroupView& group) {
  while (true) {
    if (!walk_) {
      if (segment_ == firsts_.size()) return false;
      if (const auto loaded = load(segment_); !loaded) return std::unexpected(loaded.error());
      ++segment_;
    }
    switch (walk_->next(group)) {
      case GroupStep::kGroup: return met(group);
      case GroupStep::kTorn: return met_torn();
      case GroupStep::kDamaged: return damaged(walk_->offset(), walk_->problem());
      case GroupStep::kEnd:
        if (segment_ == firsts_.size()) return false;
        walk_.reset();
    }
  }
}

Opened<bool> LogScan::met(const GroupView& group) {
  if (group.previous != position_.hash) return damaged(group.offset, "the chain is broken");
  if (group.first != position_.sequence + 1) {
    return damaged(group.offset, "sequence " + std::to_string(position_.sequence + 1) + " is missing");
  }
  position_.sequence = group.last();
  position_.time_ms = group.time_ms;
  position_.hash.assign(group.hash);
  last_write_ = group.offset;
  return true;
}

Opened<bool> LogScan::met_torn() {
  // A segment is only begun after the one before it was synced, so two ends cannot both be torn.
  if (segment_ != firsts_.size() || torn_) return damaged(walk_->offset(), "a group is cut short");
  torn_ = Torn{path_, walk_->offset(), size_};
  size_ = walk_->offset();
  return false;
}

}  // namespace idnode
