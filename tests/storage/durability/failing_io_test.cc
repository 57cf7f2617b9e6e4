// Operation number N of the disk under log and RocksDB fails, for every N of a scripted run: an error, a part
// of a write, a full disk; once or from then on. Each run ends in clean errors or success, and what was
// answered is there after the next start.
//
// IDNODE_FAULTS (0: all) sets how many numbers are tried, spread evenly.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tests/storage/durability/node_on_disk.h"

namespace idnode::durability {
namespace {

struct Kind {
  const char* name;
  Errc error;
  std::size_t written;
  bool for_ever;
};
constexpr Kind kKinds[] = {{"EIO", Errc::kIo, 0, false},
                           {"EIO for ever", Errc::kIo, 0, true},
                           {"short write", Errc::kIo, 37, false},
                           {"full", Errc::kNoSpace, 37, false},
                           {"full for ever", Errc::kNoSpace, 0, true}};

constexpr int kBursts = 30;
constexpr int kFlushEvery = 6;
constexpr int kRefusals = 3;  // in a row; each may take a wait of the commit thread

struct Played {
  std::uint64_t operations = 0;
  std::optional<DiskOperation> failed;
  std::string failed_path;
  bool errors = false;  // somebody was told
  std::uint64_t acked = 0;
  std::uint64_t lost = 0;
  std::string lie;
};

// A sync of the log that failed: from then on nothing may be acknowledged.
bool is_final(const Played& run, const Kind& kind) {
  return kind.error == Errc::kIo && run.failed == DiskOperation::kSync &&
         run.failed_path.find("data/log/") != std::string::npos;
}

void play(NodeOnDisk& node, const Kind& kind, History& history, Played& run) {
  std::mt19937_64 random(11);
  int refused = 0;
  for (int i = 1; i <= kBursts && run.lie.empty() && refused < kRefusals; ++i) {
    if (i % kFlushEvery == 0) run.errors |= !node.flush();
    const bool was_final = is_final(run, kind);
    const CommitStatus status = node.commit(random_burst(random), history);
    run.errors |= status != CommitStatus::kCommitted;
    refused = status == CommitStatus::kCommitted ? 0 : refused + 1;
    if (status == CommitStatus::kCommitted && was_final) run.lie = "acknowledged after a failed sync";
    if (run.lie.empty()) run.lie = node.lies(history);
  }
}

// A full disk that has space again takes changes without a restart.
std::string resumes(NodeOnDisk& node, History& history) {
  std::mt19937_64 random(12);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < end) {
    if (node.commit(random_burst(random), history) == CommitStatus::kCommitted) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return "writing did not resume when there was space";
}

Played run(std::uint64_t number, const Kind& kind) {
  SimulatedDisk disk;
  const auto env = make_simulated_env(disk);
  History history;
  Played run;
  disk.plan_paths([&](std::uint64_t at, DiskOperation operation,
                      const std::string& path) -> std::optional<SimulatedDisk::Fault> {
    if (at < number || (at > number && !kind.for_ever)) return std::nullopt;
    if (at == number) {
      run.failed = operation;
      run.failed_path = path;
    }
    return SimulatedDisk::Fault{kind.error, kind.written};
  });
  {
    NodeOnDisk node(disk, *env);
    if (node.open(true))
      play(node, kind, history, run);
    else
      run.errors = true;
    run.operations = disk.operations();
    if (kind.for_ever && kind.error == Errc::kNoSpace && history.acked != 0 && !node.read_only()) {
      disk.heal();
      if (run.lie.empty()) run.lie = resumes(node, history);
    }
  }
  disk.heal();
  run.acked = history.acked;
  if (number % 2 == 0)
    disk.kill_process();
  else
    disk.cut_power(number);
  NodeOnDisk again(disk, *env);
  if (const auto opened = again.open(history.acked == 0); !opened)
    run.lie = "the next start: " + opened.error().text;
  else if (const std::string difference = again.settle(history); !difference.empty()) {
    run.lie = difference;
    run.lost = run.acked - std::min(run.acked, again.applied());
  } else {
    std::mt19937_64 random(13);
    if (again.commit(random_burst(random), history) != CommitStatus::kCommitted) run.lie = "it takes nothing";
  }
  return run;
}

struct Sums {
  std::uint64_t faults = 0, told = 0, syncs = 0, lies = 0, acked = 0, lost = 0, not_met = 0;

  void add(const Kind& kind, std::uint64_t number, const Played& one) {
    // The background threads of RocksDB make a run a little longer or shorter.
    if (!one.failed) {
      ++not_met;
      return;
    }
    ++faults;
    told += one.errors;
    syncs += is_final(one, kind);
    acked += one.acked;
    lost += one.lost;
    if (one.lie.empty()) return;
    ++lies;
    ADD_FAILURE() << kind.name << " at operation " << number << " (" << one.failed_path << "): " << one.lie;
  }
};

// Runs wait for the commit thread's retries more than they compute.
constexpr int kAtOnce = 8;

TEST(FailingIo, EveryOperationMayFail) {
  const std::uint64_t all = run(UINT64_MAX, kKinds[0]).operations;
  ASSERT_GT(all, 100U);
  const auto wanted = static_cast<std::uint64_t>(setting("IDNODE_FAULTS", 0));
  const std::uint64_t step = wanted == 0 ? 1 : std::max<std::uint64_t>(1, all * std::size(kKinds) / wanted);
  Sums sums;
  std::mutex mutex;
  std::atomic<std::uint64_t> next = 0;
  const auto work = [&] {
    while (true) {
      const std::uint64_t each = next.fetch_add(step);
      if (each >= all * std::size(kKinds)) return;
      const Kind& kind = kKinds[each / all];
      const Played one = run(each % all + 1, kind);
      std::lock_guard lock(mutex);
      sums.add(kind, each % all + 1, one);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kAtOnce; ++i) threads.emplace_back(work);
  }
  const auto& [faults, told, syncs, lies, acked, lost, not_met] = sums;
  std::printf(
      "durability: faults=%llu operations=%llu told=%llu log_syncs=%llu acked=%llu lost=%llu lies=%llu "
      "not_met=%llu\n",
      static_cast<unsigned long long>(faults), static_cast<unsigned long long>(all),
      static_cast<unsigned long long>(told), static_cast<unsigned long long>(syncs),
      static_cast<unsigned long long>(acked), static_cast<unsigned long long>(lost),
      static_cast<unsigned long long>(lies), static_cast<unsigned long long>(not_met));
  EXPECT_GT(told, 0U);
  EXPECT_LT(not_met, faults / 10);
}

}  // namespace
}  // namespace idnode::durability
