#include "tests/storage/durability/node_on_disk.h"

#include <cstdlib>
#include <future>

#include "storage/commit/counters.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode::durability {
namespace {

struct Entry {
  std::uint64_t version = 0;
  const Change* change = nullptr;
};

// The records after the first `count` changes.
std::map<std::string, Entry> state(const History& history, std::uint64_t count) {
  std::map<std::string, Entry> records;
  for (std::uint64_t i = 0; i < count; ++i) records[history.changes[i].name] = {i + 1, &history.changes[i]};
  return records;
}

Mutation mutation_of(const Change& change, std::uint64_t version) {
  Mutation mutation;
  mutation.id = std::string(16, 'i');
  mutation.action = change.gone ? "delete" : "modify";
  mutation.reads.push_back({record_key(change.name, false), version});
  mutation.deltas.push_back({"changes", 1, INT64_MAX});
  mutation.writes.push_back(
      {record_key(change.name, false),
       change.gone ? make_tombstone(change.name) : make_record(change.name, 0, 1, change.values)});
  return mutation;
}

bool same(const Entry& entry, std::string_view image) {
  const auto record = parse_record(image);
  return record && record->sequence == entry.version && record->tombstone == entry.change->gone &&
         (entry.change->gone || record->values == entry.change->values);
}

}  // namespace

int setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

std::vector<Change> random_burst(std::mt19937_64& random) {
  std::vector<Change> burst(1 + random() % 6);
  for (Change& change : burst) {
    change.name = "88.118/" + std::to_string(random() % 30);
    change.gone = random() % 6 == 0;
    change.values = std::string(random() % 700, static_cast<char>('a' + random() % 26));
  }
  return burst;
}

Opened<void> NodeOnDisk::open(bool first) {
  RocksSettings settings;
  settings.memory_bytes = std::size_t{4} << 20;
  settings.env = &env_;
  settings.flush_at_close = false;
  auto store = RocksStore::open(kStore, settings);
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  auto opened = open_committed(kLog, *store_, {&disk_, 4096, kMark, first});
  if (!opened) return std::unexpected(opened.error());
  log_ = std::move(opened->log);
  committer_ = std::make_unique<Committer>(*store_, *log_, CommitLimits(), OnCommitted());
  return {};
}

void NodeOnDisk::stop() {
  committer_.reset();
  log_.reset();
  store_.reset();
}

CommitStatus NodeOnDisk::ask() {
  std::promise<CommitStatus> answer;
  committer_->submit(mutation_of({"88.118/nobody", "", true}, 1),
                     [&](const CommitResult& result) { answer.set_value(result.status); });
  return answer.get_future().get();
}

CommitStatus NodeOnDisk::commit(const std::vector<Change>& burst, History& history) {
  if (history.changes.size() != history.acked) {
    // What a full disk refused is gone; what the store has not taken yet comes true.
    if (const CommitStatus status = ask(); status != CommitStatus::kAgain) return status;
    if (applied() != history.acked) history.acked = history.changes.size();
  }
  auto records = state(history, history.acked);
  std::uint64_t sequence = history.acked;
  history.changes.resize(history.acked);
  std::vector<std::promise<CommitStatus>> answers(burst.size());
  CommitBatch batch;
  for (std::size_t i = 0; i < burst.size(); ++i) {
    const std::uint64_t version = records[burst[i].name].version;
    records[burst[i].name].version = ++sequence;
    batch.add(mutation_of(burst[i], version),
              [&answers, i](const CommitResult& result) { answers[i].set_value(result.status); });
    history.changes.push_back(burst[i]);
  }
  committer_->submit(std::move(batch));
  CommitStatus status = CommitStatus::kCommitted;
  for (auto& answer : answers) {
    const CommitStatus one = answer.get_future().get();
    if (one != CommitStatus::kCommitted) status = one;
  }
  if (status == CommitStatus::kCommitted) history.acked = sequence;
  return status;
}

std::string NodeOnDisk::settle(History& history) const {
  const std::uint64_t applied = store_->applied();
  const std::string at = ", the store at " + std::to_string(applied) + " of " +
                         std::to_string(history.acked) + "/" + std::to_string(history.changes.size());
  if (applied < history.acked) return "acknowledged changes are lost" + at;
  if (applied != history.acked && applied != history.changes.size()) return "a part of a group" + at;
  history.changes.resize(applied);
  history.acked = applied;
  const auto expected = state(history, applied);
  std::size_t met = 0;
  const KeyRange all = table_range(Table::kRecords);
  const auto cursor = store_->scan(all.from, all.to);
  while (cursor->next()) {
    const auto record = parse_record(cursor->image());
    const auto found = record ? expected.find(std::string(record->name)) : expected.end();
    if (found == expected.end() || !same(found->second, cursor->image())) return "another record" + at;
    ++met;
  }
  if (!cursor->status()) return "a walk that failed" + at;
  if (met != expected.size()) return "records are missing" + at;
  if (read_counter(*store_, "changes") != static_cast<std::int64_t>(applied)) return "another count" + at;
  return {};
}

std::string NodeOnDisk::lies(const History& history) const {
  std::string image;
  const auto then = state(history, history.changes.size());
  for (const auto& [name, entry] : state(history, history.acked)) {
    const Result<bool> found = store_->get(record_key(name, false), image, Depth::kDisk);
    if (!found) continue;
    if (!*found) return name + " is said not to be there";
    if (!same(entry, image) && !same(then.at(name), image)) return name + " is another one";
  }
  return {};
}

}  // namespace idnode::durability
