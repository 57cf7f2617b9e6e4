// micro_log: what a group of the commit log costs to append (with its sync) and to replay (Google Benchmark).
// Works in micro_log.tmp of the folder it is started in: the disk below it is what is measured.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "storage/commit/mutation.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/memory_store.h"
#include "storage/record.h"

namespace idnode {
namespace {

class Folder {
 public:
  Folder() { std::filesystem::remove_all(path()); }
  ~Folder() { std::filesystem::remove_all(path()); }
  static std::string path() { return "micro_log.tmp"; }
};

Mutation create(std::uint64_t n) {
  const std::string name = "88.118.1/870101.X200." + std::to_string(1'000'000'000 + n);
  Mutation mutation;
  mutation.id = std::string(16, 'i');
  mutation.actor = "300:88.118/ADMIN";
  mutation.source = "127.0.0.1";
  mutation.action = "create";
  mutation.reads = {{record_key(name, false), 0}};
  mutation.writes.push_back({mutation.reads[0].key, make_record(name, 0, 1, std::string(220, 'v'))});
  return mutation;
}

std::unique_ptr<Log> open_log(Store& store) {
  auto opened = open_committed(Folder::path(), store);
  return opened ? std::move(opened->log) : nullptr;
}

// One group of `count` mutations that follows on what is there.
bool append(Log& log, GroupBuilder& group, std::uint64_t count) {
  const std::uint64_t first = log.position().sequence + 1;
  group.begin(first, 1'700'000'000'000, log.position().hash);
  for (std::uint64_t i = 0; i < count; ++i) {
    Mutation mutation = create(first + i);
    stamp_record(mutation.writes[0].image, first + i, 0, 1'700'000'000'000);
    std::string octets;
    encode(mutation, octets);
    group.add(octets);
  }
  group.finish();
  return log.append(group).has_value();
}

void AppendGroup(benchmark::State& state) {
  const Folder folder;
  MemoryStore store;
  const auto log = open_log(store);
  GroupBuilder group;
  for (auto _ : state) {
    if (!log || !append(*log, group, static_cast<std::uint64_t>(state.range(0)))) {
      state.SkipWithError("the log cannot be written");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(AppendGroup)->Arg(1)->Arg(100)->Arg(1'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

void EncodeGroup(benchmark::State& state) {
  GroupBuilder group;
  std::string mutation;
  encode(create(1), mutation);
  for (auto _ : state) {
    group.begin(1, 1'700'000'000'000, std::string(32, 'h'));
    for (int i = 0; i < 1'000; ++i) group.add(mutation);
    group.finish();
    benchmark::DoNotOptimize(group.hash().data());
  }
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(EncodeGroup)->Unit(benchmark::kMicrosecond);

// Opening a log of 20 groups of 1,000 on an empty store: check every hash, apply every write.
void Replay(benchmark::State& state) {
  const Folder folder;
  {
    MemoryStore store;
    const auto log = open_log(store);
    GroupBuilder group;
    for (int i = 0; log && i < 20; ++i) append(*log, group, 1'000);
  }
  for (auto _ : state) {
    MemoryStore store;
    const auto log = open_log(store);
    if (!log || store.applied() != 20'000) {
      state.SkipWithError("the log cannot be replayed");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * 20'000);
}
BENCHMARK(Replay)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace idnode
