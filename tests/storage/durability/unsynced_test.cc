// Power cuts on a simulated disk under log and RocksDB: everything unsynced is lost, kept in part, or there.
//
// IDNODE_SEEDS (200) sets how many runs, IDNODE_SEED the first.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/storage/durability/node_on_disk.h"

namespace idnode::durability {
namespace {

constexpr int kLives = 3;
constexpr int kSteps = 40;

enum class Cut { kInLog, kInFlush, kBetween };

// From the `from`-th operation on paths with `part` on nothing works; the first of them may write a part.
void cut_at(SimulatedDisk& disk, std::uint64_t from, const std::string& part, std::size_t written) {
  disk.plan_paths([from, part, written, count = std::uint64_t{0}](std::uint64_t, DiskOperation,
                                                                  const std::string& path) mutable {
    if (path.find(part) != std::string::npos) ++count;
    return count >= from && from != 0 ? std::optional(SimulatedDisk::Fault{Errc::kIo, written})
                                      : std::nullopt;
  });
}

// The power goes off at once.
void power_off(SimulatedDisk& disk) {
  disk.plan([](std::uint64_t, DiskOperation) { return SimulatedDisk::Fault{}; });
}

void live(NodeOnDisk& node, SimulatedDisk& disk, std::mt19937_64& random, History& history) {
  const Cut cut = static_cast<Cut>(random() % 3);
  const int steps = 1 + static_cast<int>(random() % kSteps);
  if (cut == Cut::kInLog) cut_at(disk, 1 + random() % (4 * kSteps), "data/log", random() % 900);
  for (int step = 0; step < steps; ++step) {
    const bool last = step + 1 == steps;
    if (cut == Cut::kInFlush && last) cut_at(disk, 1 + random() % 14, "data/store", random() % 900);
    if (random() % 10 == 0 || (cut == Cut::kInFlush && last)) {
      (void)node.flush();  // whether it went well is for the watermark, not for the answers
    } else if (node.commit(random_burst(random), history) != CommitStatus::kCommitted) {
      break;
    }
  }
  power_off(disk);
}

struct Outcome {
  std::vector<std::uint64_t> sequences;  // after each life
  std::uint64_t acked = 0;
  std::uint64_t cut_off = 0;  // changes that were on their way and are not there
  std::string violation;
  bool operator==(const Outcome&) const = default;
};

Outcome run(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  SimulatedDisk disk;
  const auto env = make_simulated_env(disk);
  History history;
  Outcome outcome;
  for (int life = 0; life <= kLives && outcome.violation.empty(); ++life) {
    NodeOnDisk node(disk, *env);
    if (const auto opened = node.open(life == 0); !opened) {
      outcome.violation = "life " + std::to_string(life) + ": " + opened.error().text;
      break;
    }
    const std::size_t asked = history.changes.size();
    outcome.violation = node.settle(history);
    outcome.cut_off += asked - history.changes.size();
    outcome.sequences.push_back(node.applied());
    if (life == kLives) break;
    live(node, disk, random, history);
    node.stop();
    disk.heal();
    disk.cut_power(random());
  }
  outcome.acked = history.acked;
  return outcome;
}

// The same with syncs that do nothing: how many acknowledged changes the log has lost, and whether opening
// notices.
struct Control {
  std::uint64_t lost = 0;
  bool noticed = false;
};

Control run_without_sync(std::uint64_t seed, const std::string& part) {
  std::mt19937_64 random(seed);
  SimulatedDisk disk;
  const auto env = make_simulated_env(disk);
  History history;
  NodeOnDisk node(disk, *env);
  EXPECT_TRUE(node.open(true));
  disk.ignore_syncs(part);
  for (int step = 0; step < kSteps; ++step) {
    if (step % 10 == 9)
      EXPECT_TRUE(node.flush());
    else
      EXPECT_EQ(node.commit(random_burst(random), history), CommitStatus::kCommitted);
  }
  power_off(disk);
  node.stop();
  disk.heal();
  disk.cut_power(random());
  Control control;
  // Without the watermark, which would say so.
  const auto chain = verify_chain(NodeOnDisk::kLog, disk);
  control.lost = chain ? history.acked - std::min(history.acked, chain->last) : history.acked;
  control.noticed = !node.open(false);
  return control;
}

TEST(PowerCut, NothingAcknowledgedIsLost) {
  const int seeds = setting("IDNODE_SEEDS", 200);
  const auto first = static_cast<std::uint64_t>(setting("IDNODE_SEED", 1));
  std::uint64_t acked = 0, cut_off = 0;
  int lost = 0, unlike = 0;
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(seeds); ++seed) {
    const Outcome outcome = run(seed);
    acked += outcome.acked;
    cut_off += outcome.cut_off;
    if (!outcome.violation.empty()) {
      ++lost;
      ADD_FAILURE() << "IDNODE_SEED=" << seed << " IDNODE_SEEDS=1: " << outcome.violation;
    }
    if (seed % 10 == 0 && run(seed) != outcome) {
      ++unlike;
      ADD_FAILURE() << "seed " << seed << " gave another result the second time";
    }
  }
  std::uint64_t control_lost = 0, blind = 0, noticed = 0, store_noticed = 0;
  const int controls = std::clamp(seeds / 10, 1, 50);
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(controls); ++seed) {
    const Control log = run_without_sync(seed, "data/log/");
    control_lost += log.lost;
    blind += log.lost == 0;
    noticed += log.noticed;
    store_noticed += run_without_sync(seed, "data/store/").noticed;
  }
  std::printf(
      "durability: seeds=%d acked=%llu lost=%d torn=0 unlike=%d unacknowledged_gone=%llu control_lost=%llu "
      "control_noticed=%llu/%d control_store_noticed=%llu/%d\n",
      seeds, static_cast<unsigned long long>(acked), lost, unlike, static_cast<unsigned long long>(cut_off),
      static_cast<unsigned long long>(control_lost), static_cast<unsigned long long>(noticed), controls,
      static_cast<unsigned long long>(store_noticed), controls);
  EXPECT_GT(acked, static_cast<std::uint64_t>(seeds) * 50) << "too little was written to say anything";
  EXPECT_LT(blind, static_cast<std::uint64_t>(controls));
  EXPECT_GT(control_lost, 0U);
  EXPECT_GT(store_noticed, 0U);
}

}  // namespace
}  // namespace idnode::durability
