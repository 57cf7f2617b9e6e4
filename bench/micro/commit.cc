// micro_commit [SECONDS] [FOLDER] [ROUNDS]: batches of 1,000 records through log, store and commit thread,
// against a RocksDB batch of the same records with its own log and sync, in turns of SECONDS. Prints one
// line; the median of the ratios is what counts. One caller waits for each batch, on both sides.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "storage/commit/committer.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "storage/rocks_store.h"

namespace idnode {
namespace {

using steady = std::chrono::steady_clock;

constexpr int kBatch = 1'000;
constexpr std::size_t kValues = 220;
constexpr std::size_t kMemory = std::size_t{256} << 20;

std::string name_of(std::uint64_t n) {
  std::string digits = std::to_string(n);
  return "88.118.1/870101.X200." + std::string(10 - digits.size(), '0') + digits;
}

double since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

struct Speed {
  double per_second = 0;
  double cpu_us = 0;  // of the whole process, a record
};

// From its making to stop(): what a number of records took.
class Clock {
 public:
  Speed stop(std::uint64_t records) const {
    const double cpu = static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC;
    return {static_cast<double>(records) / since(start_), cpu * 1e6 / static_cast<double>(records)};
  }
  double seconds() const { return since(start_); }

 private:
  steady::time_point start_ = steady::now();
  std::clock_t cpu_ = std::clock();
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// One writer that waits for each batch.
Speed bare(const std::string& folder, double seconds) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::Open(options, folder, &opened).ok()) std::abort();
  const std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::string values(kValues, 'v');
  std::uint64_t n = 0;
  const Clock clock;
  while (clock.seconds() < seconds) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < kBatch; ++i, ++n) {
      const std::string name = name_of(n);
      batch.Put(record_key(name, false), make_record(name, 0, 1, values));
    }
    if (!db->Write(synced, &batch).ok()) std::abort();
  }
  return clock.stop(n);
}

// `mutation` is used again and again, so that its texts keep their memory.
void create(std::uint64_t n, std::uint64_t as_of, const std::string& prefix_key, const std::string& values,
            Mutation& mutation) {
  const std::string name = name_of(n);
  mutation.id.clear();
  Writer(mutation.id).u64(n);
  mutation.id.append(8, 'i');
  mutation.actor = "300:88.118/ADMIN";
  mutation.source = "127.0.0.1";
  mutation.action = "create";
  mutation.as_of = as_of;
  mutation.reads.resize(2);
  mutation.reads[0] = {record_key(name, false), 0};
  mutation.reads[1].key = prefix_key;
  mutation.writes.resize(1);
  mutation.writes[0] = {mutation.reads[0].key, make_record(name, 0, 1, values)};
}

Speed committed(const std::string& folder, double seconds) {
  std::filesystem::create_directories(folder);
  auto store = RocksStore::open(folder + "/store", {kMemory, ""});
  if (!store) std::abort();
  auto log = open_committed(folder + "/log", **store);
  if (!log) std::abort();
  Committer committer(**store, *log->log, {}, {});
  const std::string prefix_key = homed_key("0.NA/88.118.1");
  const std::string values(kValues, 'v');
  Mutation mutation;
  std::uint64_t n = 0;
  const Clock clock;
  while (clock.seconds() < seconds) {
    std::latch answered(kBatch);
    CommitBatch batch;
    batch.items.reserve(kBatch);
    const std::uint64_t as_of = (*store)->applied();
    for (int i = 0; i < kBatch; ++i, ++n) {
      create(n, as_of, prefix_key, values, mutation);
      batch.add(mutation, [&](const CommitResult& result) {
        if (result.status != CommitStatus::kCommitted) std::abort();
        answered.count_down();
      });
    }
    committer.submit(std::move(batch));
    answered.wait();
  }
  return clock.stop(n);
}

int run(double seconds, const std::string& folder, int rounds) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::vector<double> ratios, ours, theirs, cpu, bare_cpu;
  // In turns: what else the machine does hits both.
  for (int i = 0; i < rounds; ++i) {
    const Speed reference = bare(folder + "/bare" + std::to_string(i), seconds);
    const Speed node = committed(folder + "/node" + std::to_string(i), seconds);
    theirs.push_back(reference.per_second);
    bare_cpu.push_back(reference.cpu_us);
    ours.push_back(node.per_second);
    cpu.push_back(node.cpu_us);
    ratios.push_back(node.per_second / reference.per_second);
  }
  std::printf(
      "micro_commit batch=%d rounds=%d committed_per_s=%.0f rocksdb_sync_per_s=%.0f cpu_us=%.2f "
      "rocksdb_cpu_us=%.2f ratio_median=%.2f ratio_min=%.2f ratio_max=%.2f\n",
      kBatch, rounds, median(ours), median(theirs), median(cpu), median(bare_cpu), median(ratios),
      *std::ranges::min_element(ratios), *std::ranges::max_element(ratios));
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace idnode

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 2;
  const int rounds = count > 3 ? std::max(std::atoi(arguments[3]), 1) : 3;
  return idnode::run(seconds, count > 2 ? arguments[2] : "micro_commit.tmp", rounds);
}
