#include "tests/storage/model/operations.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <map>
#include <semaphore>
#include <stdexcept>

#include "storage/commit/committer.h"
#include "storage/commit/counters.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/memory_store.h"
#include "storage/record.h"
#include "storage/rocks_store.h"
#include "tests/storage/simulated_disk.h"

namespace idnode::model {
namespace {

struct Entry {
  std::uint64_t version = 0;
  std::uint64_t previous = 0;
  bool tombstone = false;
  std::string values;
  bool operator==(const Entry&) const = default;
};

// What should be there: plain maps.
struct Oracle {
  std::uint64_t sequence = 0;
  std::map<std::string, Entry> records;
  std::map<std::string, std::int64_t> counters;
  bool operator==(const Oracle&) const = default;

  std::uint64_t version(const std::string& name) const {
    const auto found = records.find(name);
    return found == records.end() ? 0 : found->second.version;
  }
  void put(const std::string& name, bool tombstone, const std::string& values) {
    Entry& entry = records[name];
    entry = {++sequence, entry.version, tombstone, tombstone ? "" : values};
  }
};

std::string name_of(unsigned key) { return "88.118/" + std::to_string(key % 12); }
std::string counter_of(unsigned counter) { return "quota/" + std::to_string(counter % 3); }

Mutation change(const std::string& name, std::uint64_t version, bool tombstone, const std::string& values) {
  Mutation mutation;
  mutation.id = std::string(16, '#');
  mutation.reads.push_back({record_key(name, false), version});
  mutation.writes.push_back(
      {record_key(name, false), tombstone ? make_tombstone(name) : make_record(name, 0, 1, values)});
  return mutation;
}

// The node under test and its oracle.
class Run {
 public:
  explicit Run(const Subject& subject)
      : subject_(subject), env_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    open();
  }
  ~Run() { close(true); }

  void step(const Operation& operation);
  void compare() const;
  std::string contents() const;

 private:
  struct Expected {
    std::vector<Mutation> mutations;
    std::vector<CommitStatus> statuses;
    Oracle after;
  };

  void require(bool holds, const std::string& what) const {
    if (!holds) throw std::runtime_error(what + " at sequence " + std::to_string(oracle_.sequence));
  }
  void open();
  void close(bool cleanly);
  Expected expect(const Operation& operation) const;
  std::vector<CommitStatus> submit(std::vector<Mutation> mutations);
  void commit(const Operation& operation);
  void tear(const Operation& operation);
  void fill(const Operation& operation);
  void fail_sync(const Operation& operation);
  void settle_unknown(const Oracle& other);
  Oracle seen() const;

  const Subject& subject_;
  std::unique_ptr<rocksdb::Env> env_;
  SimulatedDisk disk_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Committer> committer_;
  std::uint64_t published_ = 0;
  Oracle oracle_;
};

void Run::open() {
  if (subject_.rocks) {
    if (!store_) {
      RocksSettings settings;
      settings.memory_bytes = std::size_t{4} << 20;
      settings.env = env_.get();
      settings.flush_at_close = false;
      auto opened = RocksStore::open("/store", settings);
      require(opened.has_value(), opened ? "" : opened.error().text);
      store_ = std::move(*opened);
      if (subject_.wrap) store_ = subject_.wrap(std::move(store_));
    }
  } else {
    store_ = std::make_unique<MemoryStore>();
    if (subject_.wrap) store_ = subject_.wrap(std::move(store_));
  }
  auto opened = open_committed("log", *store_, {&disk_, 4096});
  require(opened.has_value(), opened ? "" : opened.error().text);
  log_ = std::move(opened->log);
  published_ = log_->position().sequence;
  committer_ = std::make_unique<Committer>(*store_, *log_, CommitLimits(), [this](auto group) {
    for (const Committed& one : group) require(one.sequence == ++published_, "published out of order");
  });
}

void Run::close(bool cleanly) {
  committer_.reset();
  log_.reset();
  if (cleanly && store_) (void)store_->flush();
  store_.reset();
}

Run::Expected Run::expect(const Operation& operation) const {
  Expected expected{{}, {}, oracle_};
  Oracle& after = expected.after;
  const std::string name = name_of(operation.key);
  const std::string values(operation.size % 600, static_cast<char>('a' + operation.random % 26));
  const auto add = [&](Mutation mutation, CommitStatus status) {
    expected.mutations.push_back(std::move(mutation));
    expected.statuses.push_back(status);
  };
  switch (operation.kind) {
    case Kind::kStale:
      add(change(name, after.version(name) + 1 + operation.random % 3, false, values), CommitStatus::kAgain);
      break;
    case Kind::kDelta: {
      Mutation mutation = change(name, after.version(name), false, values);
      const std::string counter = counter_of(operation.counter);
      const std::int64_t amount = operation.amount % 50;
      mutation.deltas.push_back({counter, amount, 100});
      const auto found = after.counters.find(counter);
      const std::int64_t sum = (found == after.counters.end() ? 0 : found->second) + amount;
      if (sum < 0 || (amount > 0 && sum > 100)) {
        add(std::move(mutation), CommitStatus::kCeiling);
        break;
      }
      after.counters[counter] = sum;
      after.put(name, false, values);
      add(std::move(mutation), CommitStatus::kCommitted);
      break;
    }
    case Kind::kBurst:
      for (unsigned i = 0; i < 2 + operation.random % 9; ++i) {
        const std::string one = name_of(operation.key + i % 3);
        const bool stale = (operation.random >> i & 7) == 7;
        add(change(one, after.version(one) + stale, i % 4 == 3, values),
            stale ? CommitStatus::kAgain : CommitStatus::kCommitted);
        if (!stale) after.put(one, i % 4 == 3, values);
      }
      break;
    default: {
      const bool tombstone = operation.kind == Kind::kDelete;
      add(change(name, after.version(name), tombstone, values), CommitStatus::kCommitted);
      after.put(name, tombstone, values);
    }
  }
  return expected;
}

// All in one group, so that a run does not depend on the threads' pace: the commit thread is kept in the
// answer to a mutation that does nothing until all have been queued.
std::vector<CommitStatus> Run::submit(std::vector<Mutation> mutations) {
  std::vector<CommitStatus> statuses(mutations.size());
  std::binary_semaphore held(0);
  std::binary_semaphore queued(0);
  committer_->submit(change("88.118/nobody", 1, true, ""), [&](const CommitResult& result) {
    held.release();
    // kReadOnly comes from this thread.
    if (result.status != CommitStatus::kReadOnly) queued.acquire();
  });
  held.acquire();
  for (std::size_t i = 0; i < mutations.size(); ++i) {
    committer_->submit(std::move(mutations[i]),
                       [&statuses, i](const CommitResult& result) { statuses[i] = result.status; });
  }
  queued.release();
  committer_->drain();
  return statuses;
}

void Run::commit(const Operation& operation) {
  Expected expected = expect(operation);
  require(submit(std::move(expected.mutations)) == expected.statuses, "another answer than expected");
  oracle_ = std::move(expected.after);
  require(published_ == oracle_.sequence, "something was not published");
  const std::string name = name_of(operation.key);
  std::string image;
  const Result<bool> found = store_->get(record_key(name, false), image, Depth::kDisk);
  require(found.has_value() && *found == oracle_.records.contains(name), "a record is there or not there");
  if (*found) require(parse_record(image)->sequence == oracle_.version(name), "another version of a record");
}

// What is in the store, as the oracle would say it.
Oracle Run::seen() const {
  Oracle seen;
  seen.sequence = store_->applied();
  const KeyRange records = table_range(Table::kRecords);
  const auto cursor = store_->scan(records.from, records.to);
  while (cursor->next()) {
    const auto record = parse_record(cursor->image());
    require(record.has_value(), "an image that is none");
    require(record->created > 0, "a record that was never created");
    seen.records[std::string(record->name)] = {record->sequence, record->previous, record->tombstone,
                                               std::string(record->values)};
  }
  require(cursor->status().has_value(), "a walk that failed");
  for (unsigned i = 0; i < 3; ++i) {
    const auto sum = read_counter(*store_, counter_of(i));
    require(sum.has_value(), "a counter that cannot be read");
    if (oracle_.counters.contains(counter_of(i)) || *sum != 0) seen.counters[counter_of(i)] = *sum;
  }
  return seen;
}

void Run::compare() const { require(seen() == oracle_, "the store holds something else"); }

// A group whose fate is open: all of it is there, or nothing.
void Run::settle_unknown(const Oracle& other) {
  if (store_->applied() == other.sequence && other.sequence != oracle_.sequence) oracle_ = other;
  compare();
}

void Run::tear(const Operation& operation) {
  Operation burst = operation;
  burst.kind = Kind::kBurst;
  Expected expected = expect(burst);
  const std::size_t got = operation.size;
  // The write gets only so far; then there is no power.
  const std::uint64_t now = disk_.operations();
  disk_.plan([=](std::uint64_t number, DiskOperation) -> std::optional<SimulatedDisk::Fault> {
    if (number <= now + operation.random % 3) return std::nullopt;
    return SimulatedDisk::Fault{Errc::kIo, got};
  });
  const auto statuses = submit(std::move(expected.mutations));
  const bool acknowledged = std::ranges::count(statuses, CommitStatus::kCommitted) > 0;
  close(false);
  disk_.heal();
  disk_.cut_power([&](std::size_t growth) { return operation.random % (growth + 1); });
  open();
  require(!acknowledged || store_->applied() == expected.after.sequence, "an acknowledged group is lost");
  settle_unknown(expected.after);
}

void Run::fill(const Operation& operation) {
  std::uint64_t used = 0;
  for (const auto& [path, octets] : disk_.files()) used += octets.size();
  disk_.capacity(used + operation.random % 150);
  Operation put = operation;
  put.kind = Kind::kPut;
  Expected expected = expect(put);
  const auto statuses = submit(std::move(expected.mutations));
  require(statuses[0] == CommitStatus::kNoSpace, "a full disk took a group");
  disk_.capacity(~std::uint64_t{0});
  commit(put);
}

void Run::fail_sync(const Operation& operation) {
  disk_.plan([](std::uint64_t, DiskOperation kind) {
    return kind == DiskOperation::kSync ? std::optional(SimulatedDisk::Fault{}) : std::nullopt;
  });
  Operation put = operation;
  put.kind = Kind::kPut;
  Expected expected = expect(put);
  require(submit(std::move(expected.mutations))[0] == CommitStatus::kUnknown, "a failed sync was no failure");
  disk_.heal();
  require(submit(expect(put).mutations)[0] == CommitStatus::kReadOnly, "written after a failed sync");
  compare();
  close(false);
  disk_.cut_power([&](std::size_t growth) { return operation.random % 2 == 0 ? growth : 0; });
  open();
  settle_unknown(expected.after);
}

void Run::step(const Operation& operation) {
  switch (operation.kind) {
    case Kind::kFlush: require(store_->flush().has_value(), "a flush failed"); return;
    case Kind::kReopen:
      close(true);
      disk_.kill_process();
      open();
      return compare();
    case Kind::kCrash:
      close(false);
      disk_.cut_power([](std::size_t) { return 0; });
      open();
      return compare();
    case Kind::kTorn: return tear(operation);
    case Kind::kFull: return fill(operation);
    case Kind::kBadSync: return fail_sync(operation);
    default: return commit(operation);
  }
}

std::string Run::contents() const {
  const Oracle all = seen();
  std::string text = std::to_string(all.sequence) + "\n";
  for (const auto& [name, entry] : all.records) {
    text += name + " " + std::to_string(entry.version) + " " + std::to_string(entry.previous) +
            (entry.tombstone ? " gone " : " ") + entry.values + "\n";
  }
  for (const auto& [name, sum] : all.counters) text += name + " " + std::to_string(sum) + "\n";
  return text;
}

}  // namespace

Outcome run(const std::vector<Operation>& operations, const Subject& subject) {
  Outcome outcome;
  std::size_t step = 0;
  try {
    Run node(subject);
    for (; step < operations.size(); ++step) node.step(operations[step]);
    node.compare();
    outcome.contents = node.contents();
  } catch (const std::runtime_error& difference) {
    outcome.difference = "operation " + std::to_string(step) + ": " + difference.what();
  }
  return outcome;
}

}  // namespace idnode::model
