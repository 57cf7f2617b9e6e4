#include "storage/commit/group_draft.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "storage/record.h"

namespace idnode {

GroupDraft::GroupDraft(const Store& store)
    : store_(store), opened_(store.applied()), slots_(kSlots), sums_(store) {}

void GroupDraft::begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous) {
  sums_.clear();
  writes_.clear();
  links_.clear();
  committed_.clear();
  builder_.begin(first, time_ms, previous);
}

std::size_t GroupDraft::slot_number(std::string_view key) {
  return std::hash<std::string_view>()(key) % kSlots;
}

std::optional<std::uint64_t> GroupDraft::version_here(const Slot& slot, std::string_view key) const {
  for (std::uint32_t at = last_here(slot); at != kNone; at = links_[at].before) {
    if (writes_[at].key == key) return links_[at].sequence;
  }
  return std::nullopt;
}

Result<std::uint64_t> GroupDraft::version(std::string_view key) {
  if (const auto here = version_here(slot_of(key), key)) return *here;
  const Result<bool> found = store_.get(key, image_, Depth::kDisk);
  if (!found) return std::unexpected(found.error());
  if (!*found) return 0;
  const Result<RecordView> record = parse_record(image_);
  if (!record) return std::unexpected(record.error());
  return record->sequence;
}

bool GroupDraft::unwritten_since(std::string_view key, std::uint64_t as_of) {
  return as_of >= opened_ && as_of != 0 && slot_of(key).sequence <= as_of;
}

Result<CommitStatus> GroupDraft::check(std::uint64_t as_of) {
  for (const ReadView& read : mutation_.reads) {
    if (unwritten_since(read.key, as_of)) continue;
    const Result<std::uint64_t> now = version(read.key);
    if (!now) return std::unexpected(now.error());
    if (*now != read.version) return CommitStatus::kAgain;
  }
  if (const Result<void> known = look_up_previous(); !known) return std::unexpected(known.error());
  const Result<bool> fits = sums_.add(mutation_.deltas);
  if (!fits) return std::unexpected(fits.error());
  return *fits ? CommitStatus::kCommitted : CommitStatus::kCeiling;
}

// Everything that may fail comes before the first change of the draft. What was read has been checked.
Result<void> GroupDraft::look_up_previous() {
  previous_.clear();
  for (const WriteView& write : mutation_.writes) {
    const auto read = std::ranges::find(mutation_.reads, write.key, &ReadView::key);
    const Result<std::uint64_t> before =
        read != mutation_.reads.end() ? Result<std::uint64_t>(read->version) : version(write.key);
    if (!before) return std::unexpected(before.error());
    previous_.push_back(*before);
  }
  return {};
}

void GroupDraft::stage(std::span<char> mutation, std::uint64_t sequence) {
  for (std::size_t i = 0; i < mutation_.writes.size(); ++i) {
    const WriteView& write = mutation_.writes[i];
    const auto image_at = static_cast<std::size_t>(write.image.data() - mutation.data());
    // One mutation may write a key twice.
    Slot& slot = slot_of(write.key);
    const std::uint64_t previous = version_here(slot, write.key).value_or(previous_[i]);
    stamp_record(mutation.subspan(image_at, write.image.size()), sequence, previous, builder_.time_ms());
    links_.push_back({sequence, last_here(slot)});
    slot = {sequence, static_cast<std::uint32_t>(writes_.size())};
    writes_.push_back(write);
  }
  builder_.add({mutation.data(), mutation.size()});
  // seal() says which writes are its own: their list may still move.
  committed_.push_back({sequence, builder_.time_ms(), mutation_.action, {}});
}

CommitResult GroupDraft::enter(std::span<char> mutation, std::uint64_t as_of) {
  constexpr CommitResult kBad{CommitStatus::kUnknown, 0, 0};
  if (!decode_mutation({mutation.data(), mutation.size()}, mutation_)) return kBad;
  const Result<CommitStatus> status = check(as_of);
  if (!status) return kBad;
  if (*status != CommitStatus::kCommitted) return {*status, 0, 0};
  const std::uint64_t sequence = builder_.first() + committed_.size();
  stage(mutation, sequence);
  return {CommitStatus::kCommitted, sequence, builder_.time_ms()};
}

const GroupBuilder& GroupDraft::seal() {
  std::ranges::copy(sums_.writes(), std::back_inserter(writes_));
  std::size_t from = 0;
  for (Committed& each : committed_) {
    std::size_t to = from;
    while (to < links_.size() && links_[to].sequence == each.sequence) ++to;
    each.writes = std::span<const WriteView>(writes_).subspan(from, to - from);
    from = to;
  }
  builder_.finish();
  return builder_;
}

}  // namespace idnode
