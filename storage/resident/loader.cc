#include "storage/resident/loader.h"

#include <string>
#include <vector>

#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {

ResidentLoader::ResidentLoader(const Store& store, Resident& resident)
    : store_(store), resident_(resident), thread_([this] { run(); }) {}

ResidentLoader::~ResidentLoader() {
  stop_.store(true, std::memory_order_relaxed);
  resident_.close();
  thread_.join();
}

void ResidentLoader::run() {
  if (!load_all()) return;
  while (true) {
    const std::vector<std::string> late = resident_.loaded();
    if (late.empty()) return;
    for (const std::string& key : late) {
      if (!load(key)) return;
    }
  }
}

// The cursor's images are of its snapshot: one is current when nothing was committed at its hash since.
bool ResidentLoader::load_all() {
  const std::vector<std::uint64_t> written = resident_.written();
  const KeyRange range = table_range(Table::kRecords);
  const auto cursor = store_.scan(range.from, range.to);
  while (cursor->next()) {
    if (stop_.load(std::memory_order_relaxed)) return false;
    const FillTicket ticket = resident_.ticket(cursor->key());
    if (ticket.counter != written[resident_.counter_of(ticket.hash)]) {
      if (!load(std::string(cursor->key()))) return false;
      continue;
    }
    const auto record = parse_record(cursor->image());
    if (record && record->tombstone) continue;
    if (!resident_.load(ticket, cursor->key(), cursor->image())) return false;
  }
  return cursor->status().has_value();
}

bool ResidentLoader::load(const std::string& key) {
  const FillTicket ticket = resident_.ticket(key);
  const Result<bool> got = store_.get(key, image_, Depth::kDisk);
  if (!got) return false;
  if (!*got) return true;
  const auto record = parse_record(image_);
  if (record && record->tombstone) return true;
  return resident_.load(ticket, key, image_);
}

}  // namespace idnode
