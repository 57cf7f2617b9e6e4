// micro_commit [SECONDS] [FOLDER]: batches of 1,000 records through log, store and commit thread, against a
// RocksDB batch of the same records with its own log and sync. Prints one line; the ratio is what counts.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

// Records a second of one writer that waits for each batch.
double bare(const std::string& folder, double seconds) {
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
  const auto start = steady::now();
  while (since(start) < seconds) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < kBatch; ++i, ++n) {
      const std::string name = name_of(n);
      batch.Put(record_key(name, false), make_record(name, 0, 1, values));
    }
    if (!db->Write(synced, &batch).ok()) std::abort();
  }
  return static_cast<double>(n) / since(start);
}

Mutation create(std::uint64_t n, const std::string& prefix_key, const std::string& values) {
  const std::string name = name_of(n);
  Mutation mutation;
  Writer(mutation.id).u64(n);
  mutation.id.append(8, 'i');
  mutation.actor = "300:88.118/ADMIN";
  mutation.source = "127.0.0.1";
  mutation.action = "create";
  mutation.reads = {{record_key(name, false), 0}, {prefix_key, 0}};
  mutation.writes.push_back({mutation.reads[0].key, make_record(name, 0, 1, values)});
  return mutation;
}

double committed(const std::string& folder, double seconds) {
  std::filesystem::create_directories(folder);
  auto store = RocksStore::open(folder + "/store", {kMemory, ""});
  if (!store) std::abort();
  auto log = open_committed(folder + "/log", **store);
  if (!log) std::abort();
  Committer committer(**store, *log->log, {}, {});
  const std::string prefix_key = homed_key("0.NA/88.118.1");
  const std::string values(kValues, 'v');
  std::uint64_t n = 0;
  const auto start = steady::now();
  while (since(start) < seconds) {
    std::latch answered(kBatch);
    std::vector<Submission> batch;
    batch.reserve(kBatch);
    for (int i = 0; i < kBatch; ++i, ++n) {
      batch.push_back({create(n, prefix_key, values), [&](const CommitResult& result) {
                         if (result.status != CommitStatus::kCommitted) std::abort();
                         answered.count_down();
                       }});
    }
    committer.submit(std::move(batch));
    answered.wait();
  }
  return static_cast<double>(n) / since(start);
}

int run(double seconds, const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  double ratios[3];
  double ours = 0;
  double theirs = 0;
  // In turns: what else the machine does hits both.
  for (int i = 0; i < 3; ++i) {
    theirs = bare(folder + "/bare" + std::to_string(i), seconds);
    ours = committed(folder + "/node" + std::to_string(i), seconds);
    ratios[i] = ours / theirs;
  }
  std::sort(std::begin(ratios), std::end(ratios));
  std::printf(
      "micro_commit batch=%d committed_per_s=%.0f rocksdb_sync_per_s=%.0f ratio_median=%.2f ratio_min=%.2f "
      "ratio_max=%.2f\n",
      kBatch, ours, theirs, ratios[1], ratios[0], ratios[2]);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace idnode

int main(int count, char** arguments) {
  const double seconds = count > 1 ? std::atof(arguments[1]) : 5;
  return idnode::run(seconds, count > 2 ? arguments[2] : "micro_commit.tmp");
}
