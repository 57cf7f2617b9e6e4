// A real node on a disk of 64 MB that gets full while four clients write and two read: once with the
// low-water mark, which refuses before the disk does, and once without it, so that log and store meet the end
// of the disk themselves. Nothing aborts, every read is answered, writes answer 7, the alarm shows; after the
// ballast is gone writes go on within ten seconds, and after a kill everything acknowledged is there.
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "tests/system/asking.h"
#include "tests/system/disks.h"
#include "tests/system/kill_clients.h"
#include "tests/system/lives.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Number = unsigned long long;

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
constexpr int kWriters = 4;
constexpr int kReaders = 2;
constexpr int kReaderNumber = 100;  // names of their own
constexpr std::uint64_t kReaderRecords = 40;
constexpr std::uint64_t kLeastRefused = 100;
constexpr std::uint64_t kLeastReads = 500;
constexpr std::size_t kPadding = 2'000;  // octets of each value
constexpr milliseconds kFullWait{120'000};
constexpr milliseconds kFullFor{1'000};
constexpr milliseconds kResumeWait{10'000};

struct Scene {
  DiskKind disk;
  std::uint64_t mark;   // free_space_mb
  std::uint64_t leave;  // megabytes that the ballast leaves at first
};

constexpr Scene kScenes[] = {
    {DiskKind::kTmpfs, 8, 4},
    {DiskKind::kExt4, 8, 4},
    // One memtable is 16 MB: the store wants to write it about when the log has filled the rest.
    {DiskKind::kTmpfs, 0, 18},
    {DiskKind::kExt4, 0, 18},
};

bool low_space_shows(const NodeProcess& node) {
  const std::string ready = node.page("/readyz");
  return node.metric("idnode_commit_low_space") == 1 && node.metric("idnode_ready") == 0 &&
         node.metric("idnode_limit_refused_total", {R"(limit="free_space_mb")"}) > 0 &&
         ready.find(" 503 ") != std::string::npos && ready.find("low_space") != std::string::npos;
}

bool all_is_well(const NodeProcess& node) {
  return node.metric("idnode_commit_low_space") == 0 && node.metric("idnode_ready") == 1 &&
         node.page("/readyz").find(" 200 ") != std::string::npos;
}

class Readers {
 public:
  Readers(const KillClient& records, const NodeProcess& node, const Life& life) {
    for (int i = 0; i < kReaders; ++i) {
      all_.push_back(std::async(std::launch::async, [&records, &life, where = node.endpoint()] {
        return records.read(where, life);
      }));
    }
  }
  KillClient::Reads join() {
    KillClient::Reads sum;
    for (auto& each : all_) {
      const KillClient::Reads reads = each.get();
      sum.good += reads.good;
      sum.bad += reads.bad;
    }
    return sum;
  }

 private:
  std::vector<std::future<KillClient::Reads>> all_;
};

// On a disk without any room the node either starts, and answers what it knows, or says what is wrong.
const char* start_when_full(Disk& disk, NodeProcess& node, KillClient& known) {
  disk.fill(0);
  const char* outcome = "started";
  try {
    node.start();
    known.verify(node.endpoint(), true);
    node.kill();
  } catch (const std::exception& e) {
    const std::string said = e.what();
    outcome = said.find(" error " + node.data()) != std::string::npos ? "refused" : "BROKEN";
    std::printf("on a full disk: %s\n", e.what());
  }
  disk.drop_ballast();
  return outcome;
}

bool play(const Scene& scene) {
  Disk disk(scene.disk, 64);
  NodeProcess node({"88.118"}, on_disk(disk, {{"limits", {{"free_space_mb", std::to_string(scene.mark)}}},
                                              {"storage", {{"memory_mb", "64"}}}}));
  std::vector<KillClient> clients = make_clients(node, kWriters, kPadding);
  KillClient known("88.118", kReaderNumber, node.administrator());
  node.start();
  Life quiet;
  known.write(node.endpoint(), quiet, kReaderRecords);

  Life life;
  life.refusals = true;
  Readers readers(known, node, life);
  Writing writing(clients, node, life);
  writing.wait_acked(kLeastAcked);
  disk.fill(scene.leave * kMegabyte);
  wait_until([&] { return life.refused.load() > 0; }, kFullWait, "the first refusal");
  disk.fill(0);
  const std::uint64_t refused = life.refused.load();
  wait_until([&] { return life.refused.load() >= refused + kLeastRefused; }, kFullWait, "refusals");
  pause(kFullFor);
  wait_until([&] { return low_space_shows(node); }, kFullWait, "the alarm");
  const bool alive = node.running();

  disk.drop_ballast();
  const auto freed = steady_clock::now();
  const std::uint64_t acked = life.acked.load();
  wait_until([&] { return life.acked.load() >= acked + kLeastAcked; }, kResumeWait, "writes to go on");
  const double resume = std::chrono::duration<double>(steady_clock::now() - freed).count();
  wait_until([&] { return all_is_well(node); }, kResumeWait, "the end of the alarm");
  life.over.store(true);
  writing.join();
  const KillClient::Reads reads = readers.join();

  node.kill();
  const std::string when_full = start_when_full(disk, node, known);
  node.start();
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  known.verify(node.endpoint(), true);
  const bool ended = node.stop() == 0 && chain_holds(node);
  bool each_resumed = true;
  for (const KillClient& c : clients) each_resumed = each_resumed && c.word().resumed > 0;
  Word w = sum(clients);
  w += known.word();
  std::printf(
      "durability: full_disk disk=%s free_space_mb=%llu aborted=%d reads_ok=%llu reads_bad=%llu "
      "refused=%llu resume_s=%.2f start_when_full=%s acked=%llu uncertain=%llu kept=%llu lost=%llu torn=%llu "
      "unexpected=%llu skipped=0\n",
      name(scene.disk), Number{scene.mark}, alive ? 0 : 1, Number{reads.good}, Number{reads.bad},
      Number{w.refused}, resume, when_full.c_str(), Number{w.acked}, Number{w.uncertain}, Number{w.kept},
      Number{w.lost}, Number{w.torn}, Number{w.unexpected});
  return alive && ended && each_resumed && when_full != "BROKEN" && reads.bad == 0 &&
         reads.good >= kLeastReads && w.lost == 0 && w.torn == 0 && w.unexpected == 0;
}

int run() {
  const std::string alone = enter_own_mounts();
  const std::string without_ext4 = alone.empty() ? ext4_missing() : alone;
  int skipped = 0;
  bool good = true;
  for (const Scene& scene : kScenes) {
    const std::string& why = scene.disk == DiskKind::kExt4 ? without_ext4 : alone;
    if (why.empty()) {
      good = play(scene) && good;
      continue;
    }
    ++skipped;
    std::printf("SKIP full disk: %s\n", why.c_str());
    std::printf("durability: full_disk disk=%s free_space_mb=%llu skipped=1\n", name(scene.disk),
                Number{scene.mark});
  }
  if (!good) return 1;
  return skipped == static_cast<int>(std::size(kScenes)) ? kSkipped : 0;
}

}  // namespace
}  // namespace idnode

int main() { return idnode::run_test("full_disk_test", idnode::run); }
