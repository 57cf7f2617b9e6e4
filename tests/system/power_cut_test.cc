// The power of a real node's disk is cut again and again while six clients write through the protocol. The
// data folder is on an ext4 of its own; its shutdown drops everything that was not synced, the journal
// included. After each cut the disk is mounted anew, the node started, and every record that was being
// written compared with what had been acknowledged before the cut began; at the end every record ever
// written, the hash chain of the log, and the growth of the disk. The power also fails after init and while
// the node starts on what the last cut left.
//
// The negative control is the same with syncs that do nothing (sync_shim.cc): it must lose.
//
// IDNODE_CUTS sets the number of cuts (50).
#include <atomic>
#include <cstdio>
#include <random>
#include <vector>

#include "tests/system/disks.h"
#include "tests/system/kill_clients.h"
#include "tests/system/lives.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

constexpr int kClients = 6;
constexpr int kControlCuts = 5;
constexpr int kEach = 3;  // before each third life the power fails while the node starts, once or twice
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

using Number = unsigned long long;

// The clients write, and at some moment after the fiftieth acknowledgement the power is gone.
std::uint64_t live_and_cut(Disk& disk, NodeProcess& node, std::vector<KillClient>& clients,
                           std::mt19937& random) {
  Life life;
  Writing writing(clients, node, life);
  writing.wait_acked(kLeastAcked);
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
  life.cut.store(true);
  disk.cut_power();
  node.kill();
  writing.join();
  disk.remount();
  return life.acked.load();
}

// The node is still starting, or has just started, when the power is gone once more.
void cut_while_starting(Disk& disk, NodeProcess& node, double usual_ms, std::mt19937& random) {
  node.launch();
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(usual_ms * (random() % 100) / 100));
  disk.cut_power();
  node.kill();
  disk.remount();
}

struct Cuts {
  Word word;
  int while_starting = 0;
  std::uint64_t least = UINT64_MAX;  // acknowledged in a life
  std::uint64_t grown = 0;           // octets
  Spread opening;                    // ms
  bool good = false;                 // clean end and whole chain
};

Cuts cut(int count) {
  Disk disk(DiskKind::kExt4, 512 + 2 * static_cast<std::uint64_t>(count));
  NodeProcess node({"88.118"}, on_disk(disk));
  // What init made is promised as well.
  disk.cut_power();
  disk.remount();
  const std::uint64_t before = disk.used_bytes();
  std::vector<KillClient> clients = make_clients(node, kClients);
  std::mt19937 random(20'260'301);
  Cuts cuts;
  std::vector<double> openings;
  for (int i = 0; i < count; ++i) {
    for (int again = i % kEach == kEach - 1 ? 1 + i % 2 : 0; again > 0; --again) {
      cut_while_starting(disk, node, openings.back(), random);
      ++cuts.while_starting;
    }
    openings.push_back(start_timed(node));
    for (KillClient& c : clients) c.verify(node.endpoint(), false);
    cuts.least = std::min(cuts.least, live_and_cut(disk, node, clients, random));
  }
  openings.push_back(start_timed(node));
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  cuts.good = node.stop() == 0 && chain_holds(node);
  cuts.word = sum(clients);
  cuts.grown = disk.used_bytes() - before;
  cuts.opening = spread(openings);
  disk.take_away();
  return cuts;
}

// One cut of a node whose syncs do nothing. Returns what was lost: all of it when the node does not even
// start on what is left.
Word cut_without_sync(std::mt19937& random) {
  Disk disk(DiskKind::kExt4, 128);
  NodeProcess node({"88.118"}, on_disk(disk));
  disk.sync();
  std::vector<KillClient> clients = make_clients(node, kClients);
  node.set_environment("LD_PRELOAD", IDNODE_SYNC_SHIM);
  node.set_environment("SYNC_SHIM", "ignore");
  node.start();
  live_and_cut(disk, node, clients, random);
  node.set_environment("SYNC_SHIM", "");
  try {
    node.start();
  } catch (const std::exception& e) {
    std::printf("control: %s\n", e.what());
    Word word = sum(clients);
    word.lost = word.acked;
    return word;
  }
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  node.kill();
  disk.take_away();
  return sum(clients);
}

int skip(const std::string& why) {
  std::printf("SKIP power cuts: %s\n", why.c_str());
  std::puts("durability: cuts=0 acked=0 ambiguous=0 lost=0 torn=0 skipped=1");
  std::puts("durability: control cuts=0 control_lost=0 skipped=1");
  return kSkipped;
}

int run() {
  if (const std::string why = enter_own_mounts(); !why.empty()) return skip(why);
  if (const std::string why = ext4_missing(); !why.empty()) return skip(why);

  std::puts("control: syncs that do nothing; what is lost must show:");
  Word control;
  std::mt19937 random(20'260'302);
  for (int i = 0; i < kControlCuts; ++i) control += cut_without_sync(random);
  std::printf("durability: control cuts=%d control_acked=%llu control_lost=%llu\n", kControlCuts,
              Number{control.acked}, Number{control.lost});
  if (control.lost == 0) return 1;

  const int count = count_from("IDNODE_CUTS", 50);
  const Cuts cuts = cut(count);
  const Word& w = cuts.word;
  std::printf("acknowledged: %llu created, %llu added to, %llu modified, %llu removed from, %llu deleted\n",
              Number{w.creates}, Number{w.adds}, Number{w.modifies}, Number{w.removes}, Number{w.deletes});
  std::printf(
      "durability: cuts=%d acked=%llu ambiguous=%llu lost=%llu torn=%llu skipped=0 uncertain=%llu "
      "kept=%llu unexpected=%llu while_starting=%d least_acked=%llu growth_mb=%llu open_ms_median=%.0f "
      "open_ms_max=%.0f\n",
      count, Number{w.acked}, Number{w.ambiguous}, Number{w.lost}, Number{w.torn}, Number{w.uncertain},
      Number{w.kept}, Number{w.unexpected}, cuts.while_starting, Number{cuts.least},
      Number{cuts.grown / kMegabyte}, cuts.opening.median, cuts.opening.most);
  const bool bounded = cuts.grown <= 3 * w.octets + 64 * kMegabyte;
  const bool worked = bounded && cuts.least >= kLeastAcked && w.creates > 0 && w.adds > 0 && w.modifies > 0 &&
                      w.removes > 0 && w.deletes > 0;
  return worked && cuts.good && w.lost == 0 && w.torn == 0 && w.unexpected == 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() { return idnode::run_test("power_cut_test", idnode::run); }
