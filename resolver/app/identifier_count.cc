#include "resolver/app/identifier_count.h"

#include <algorithm>

#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

// +1 for a record that came into being, -1 for one that was deleted. `created` is stamped with the commit's
// time on the first image only.
std::int64_t change(const Committed& commit, const WriteView& write) {
  if (write.key.empty() || write.key.front() != static_cast<char>(Table::kRecords)) return 0;
  const auto record = parse_record(write.image);
  if (!record) return 0;
  if (record->tombstone) return -1;
  const bool creates = commit.action == "create" && record->created == commit.time_ms;
  return record->previous == 0 || creates ? 1 : 0;
}

}  // namespace

IdentifierCount::IdentifierCount(const Store& store) {
  const KeyRange range = table_range(Table::kRecords);
  cursor_ = store.scan(range.from, range.to);
  thread_ = std::thread([this] { count(*cursor_); });
}

IdentifierCount::~IdentifierCount() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
}

void IdentifierCount::count(Cursor& cursor) {
  std::int64_t live = 0;
  while (!stop_.load(std::memory_order_relaxed) && cursor.next()) {
    const auto record = parse_record(cursor.image());
    live += record && !record->tombstone ? 1 : 0;
  }
  const bool whole = cursor.status().has_value() && !stop_.load(std::memory_order_relaxed);
  cursor_.reset();  // the snapshot holds old files
  total_.fetch_add(live, std::memory_order_relaxed);
  counted_.store(whole, std::memory_order_release);
}

void IdentifierCount::committed(std::span<const Committed> group) {
  std::int64_t sum = 0;
  for (const Committed& commit : group) {
    for (const WriteView& write : commit.writes) sum += change(commit, write);
  }
  if (sum != 0) total_.fetch_add(sum, std::memory_order_relaxed);
}

std::uint64_t IdentifierCount::value() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, total_.load(std::memory_order_relaxed)));
}

}  // namespace idnode
