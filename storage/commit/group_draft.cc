#include "storage/commit/group_draft.h"

#include <algorithm>
#include <functional>

#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

// Half a megabyte. With a few thousand mutations between a decision and its commit some per cent of the reads
// meet the slot of another key.
constexpr std::size_t kSlots = std::size_t{1} << 16;

std::size_t slot_of(std::string_view key) { return std::hash<std::string_view>()(key) % kSlots; }

}  // namespace

GroupDraft::GroupDraft(const Store& store)
    : store_(store), opened_(store.applied()), written_(kSlots, 0), sums_(store) {}

bool has_versions(std::string_view key) {
  return !key.empty() &&
         (key[0] == static_cast<char>(Table::kRecords) || key[0] == static_cast<char>(Table::kHomed));
}

void GroupDraft::begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous) {
  versions_.clear();
  sums_.clear();
  parts_.clear();
  committed_.clear();
  builder_.begin(first, time_ms, previous);
}

Result<std::uint64_t> GroupDraft::version(std::string_view key) {
  const auto [place, unknown] = versions_.try_emplace(key, 0);
  if (!unknown) return place->second;
  Result<bool> found = store_.get(key, image_, Depth::kDisk);
  if (found && *found) {
    const Result<RecordView> record = parse_record(image_);
    if (record)
      place->second = record->sequence;
    else
      found = std::unexpected(record.error());
  }
  if (found) return place->second;
  versions_.erase(place);
  return std::unexpected(found.error());
}

Result<CommitStatus> GroupDraft::check(const Mutation& mutation) {
  for (const Read& read : mutation.reads) {
    if (unwritten_since(read.key, mutation.as_of)) continue;
    const Result<std::uint64_t> now = version(read.key);
    if (!now) return std::unexpected(now.error());
    if (*now != read.version) return CommitStatus::kAgain;
  }
  if (const Result<void> known = look_up_previous(mutation); !known) return std::unexpected(known.error());
  const Result<bool> fits = sums_.add(mutation.deltas);
  if (!fits) return std::unexpected(fits.error());
  return *fits ? CommitStatus::kCommitted : CommitStatus::kCeiling;
}

bool GroupDraft::unwritten_since(std::string_view key, std::uint64_t as_of) const {
  return as_of >= opened_ && as_of != 0 && written_[slot_of(key)] <= as_of;
}

// Everything that may fail comes before the first change of the draft. What was read has been checked.
Result<void> GroupDraft::look_up_previous(const Mutation& mutation) {
  for (const Write& write : mutation.writes) {
    const auto read = std::ranges::find(mutation.reads, write.key, &Read::key);
    if (read != mutation.reads.end()) {
      versions_.try_emplace(write.key, read->version);
      continue;
    }
    if (const Result<std::uint64_t> before = version(write.key); !before) {
      return std::unexpected(before.error());
    }
  }
  return {};
}

void GroupDraft::stage(Mutation& mutation, std::uint64_t sequence) {
  for (Write& write : mutation.writes) {
    std::uint64_t& version_of_key = versions_[write.key];
    stamp_record(write.image, sequence, version_of_key, builder_.time_ms());
    version_of_key = sequence;
    written_[slot_of(write.key)] = sequence;
  }
  builder_.add(mutation);
  parts_.emplace_back(mutation.writes);
  committed_.push_back({sequence, builder_.time_ms(), &mutation});
}

CommitResult GroupDraft::enter(Mutation& mutation) {
  const Result<CommitStatus> status = check(mutation);
  if (!status) return {CommitStatus::kUnknown, 0, 0};
  if (*status != CommitStatus::kCommitted) return {*status, 0, 0};
  const std::uint64_t sequence = builder_.first() + committed_.size();
  stage(mutation, sequence);
  return {CommitStatus::kCommitted, sequence, builder_.time_ms()};
}

const GroupBuilder& GroupDraft::seal() {
  parts_.emplace_back(sums_.writes());
  builder_.finish();
  return builder_;
}

}  // namespace idnode
