// micro_store: what the store costs below the protocol (Google Benchmark): reads of cached records from
// tables and from the memory tier, reads of names that are not there, batches. Works in micro_store*.tmp.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/value.h"
#include "storage/keys.h"
#include "storage/record.h"
#include "storage/resident/resident.h"
#include "storage/rocks_store.h"

namespace idnode {
namespace {

constexpr std::uint64_t kRecords = 200'000;
constexpr std::uint64_t kStep = 7'919;  // walks all records in another order than the stored one

std::string key_of(std::uint64_t n) {
  return record_key("88.118.1/870101.X200." + std::to_string(1'000'000'000 + n), false);
}

// A record of one value of 200 octets.
std::string made_of_values() {
  std::string values;
  encode(Value{.index = 1, .type = "URL", .data = std::string(200, 'v')}, values);
  return make_record("88.118.1/x", 0, 1, values);
}

class Records {
 public:
  explicit Records(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::remove_all(folder_);
    auto opened = RocksStore::open(folder_, {});
    if (!opened) std::abort();
    store = std::move(*opened);
  }
  ~Records() {
    store.reset();
    std::filesystem::remove_all(folder_);
  }
  // Records [first, first + count) in one batch.
  void write(std::uint64_t first, std::uint64_t count) {
    std::vector<Write> writes;
    for (std::uint64_t n = first; n < first + count; ++n) {
      writes.push_back({key_of(n), make_record("88.118.1/x", 0, 1, std::string(220, 'v'))});
    }
    if (!store->apply(writes, first + count)) std::abort();
  }

  std::unique_ptr<RocksStore> store;

 private:
  const std::string folder_;
};

Records& filled() {
  static Records records("micro_store.tmp");
  static const bool ready = [] {
    for (std::uint64_t n = 0; n < kRecords; n += 1'000) records.write(n, 1'000);
    return records.store->flush().has_value();
  }();
  if (!ready) std::abort();
  return records;
}

void get(benchmark::State& state, std::uint64_t first, bool there) {
  const RocksStore& store = *filled().store;
  std::string image;
  std::uint64_t n = 0;
  for (auto _ : state) {
    n = (n + kStep) % kRecords;
    const Result<bool> found = store.get(key_of(first + n), image, Depth::kDisk);
    if (!found || *found != there) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}

void GetCached(benchmark::State& state) { get(state, 0, true); }
BENCHMARK(GetCached);

void GetAbsent(benchmark::State& state) { get(state, 10 * kRecords, false); }
BENCHMARK(GetAbsent);

// The same from the memory tier.
void FindResident(benchmark::State& state) {
  Resident resident(std::size_t{256} << 20, HashKey{1, 2});
  for (std::uint64_t n = 0; n < kRecords; n += 1'000) {
    std::vector<Write> writes;
    for (std::uint64_t k = n; k < n + 1'000; ++k) writes.push_back({key_of(k), made_of_values()});
    resident.stage(views_of(writes));
    resident.publish();
  }
  std::string values;
  std::uint64_t n = 0;
  for (auto _ : state) {
    n = (n + kStep) % kRecords;
    if (resident.find(key_of(n), values).kind != Resident::Kind::kValues) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FindResident);

void ApplyBatch(benchmark::State& state) {
  Records records("micro_store_batch.tmp");
  std::uint64_t n = 0;
  for (auto _ : state) {
    records.write(n, 1'000);
    n += 1'000;
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(ApplyBatch)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace idnode
