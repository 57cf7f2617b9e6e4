// The syncs of a real node's disk fail with EIO (sync_shim.cc) while four clients write and two read: for
// 150 ms, for ever, and before the power is cut. The node stops writing at once and says so, answers every
// read, acknowledges nothing more although the disk may have healed, and after a restart everything
// acknowledged is there. On a disk that still fails it does not start.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
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

constexpr int kWriters = 4;
constexpr int kReaderNumber = 100;
constexpr std::uint64_t kReaderRecords = 40;
constexpr std::uint64_t kLeastRefused = 100;
constexpr std::uint64_t kLeastReads = 200;
constexpr milliseconds kBlip{150};
constexpr milliseconds kRefusalWait{30'000};

enum class Fault { kBlip, kForEver, kPowerCut };
const char* name(Fault fault) {
  return fault == Fault::kBlip ? "150ms" : fault == Fault::kForEver ? "for_ever" : "power_cut";
}

// The file whose presence makes the syncs fail.
class Trigger {
 public:
  explicit Trigger(const NodeProcess& node) : path_(node.folder() + "/syncs-fail") {}
  const std::string& path() const { return path_; }
  void pull() const { std::ofstream(path_).flush(); }
  void release() const { std::filesystem::remove(path_); }

 private:
  std::string path_;
};

struct Seen {
  double refused_after_ms = 0;  // from the fault to the first answer of 7
  bool told = false;            // /readyz and metrics
  bool alive = false;
  KillClient::Reads reads;
};

bool read_only_shows(const NodeProcess& node) {
  const std::string ready = node.page("/readyz");
  return node.metric("idnode_commit_read_only") == 1 && node.metric("idnode_ready") == 0 &&
         ready.find(" 503 ") != std::string::npos && ready.find("read_only") != std::string::npos;
}

// From a node that works to one that has stopped writing. The trigger stays pulled unless it was a blip.
Seen stop_writing(NodeProcess& node, std::vector<KillClient>& clients, const KillClient& known,
                  const Trigger& trigger, Fault fault) {
  Seen seen;
  Life life;
  life.refusals = true;
  std::jthread reader([&, where = node.endpoint()] { seen.reads = known.read(where, life); });
  Writing writing(clients, node, life);
  writing.wait_acked(kLeastAcked);
  trigger.pull();
  const auto start = steady_clock::now();
  wait_until([&] { return life.refused.load() > 0; }, kRefusalWait, "the first refusal");
  const auto refused = steady_clock::now();
  seen.refused_after_ms = std::chrono::duration<double, std::milli>(refused - start).count();
  std::this_thread::sleep_until(start + kBlip);
  if (fault == Fault::kBlip) trigger.release();
  wait_until([&] { return life.refused.load() >= kLeastRefused; }, kRefusalWait, "refusals");
  seen.told = read_only_shows(node);
  seen.alive = node.running();
  life.over.store(true);
  writing.join();
  reader.join();
  return seen;
}

// Starting is refused, by name, as long as the disk fails.
bool start_is_refused(NodeProcess& node) {
  try {
    node.start();
  } catch (const std::exception& e) {
    std::printf("on a disk that fails: %s\n", e.what());
    return std::string(e.what()).find(node.data()) != std::string::npos;
  }
  return false;
}

bool play(Fault fault) {
  std::unique_ptr<Disk> disk;
  if (fault == Fault::kPowerCut) disk = std::make_unique<Disk>(DiskKind::kExt4, 128);
  NodeProcess node({"88.118"}, disk ? on_disk(*disk) : ConfigTables{});
  if (disk) disk->sync();
  const Trigger trigger(node);
  node.set_environment("LD_PRELOAD", IDNODE_SYNC_SHIM);
  node.set_environment("SYNC_SHIM", "fail");
  node.set_environment("SYNC_SHIM_TRIGGER", trigger.path());
  std::vector<KillClient> clients = make_clients(node, kWriters);
  KillClient known("88.118", kReaderNumber, node.administrator());
  node.start();
  Life quiet;
  known.write(node.endpoint(), quiet, kReaderRecords);
  const Seen seen = stop_writing(node, clients, known, trigger, fault);

  bool refused_start = true;
  if (disk) {
    disk->cut_power();
    node.kill();
    disk->remount();
  } else {
    node.kill();
  }
  if (fault == Fault::kForEver) refused_start = start_is_refused(node);
  trigger.release();
  node.start();
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  known.verify(node.endpoint(), true);
  Life next;
  for (KillClient& c : clients) c.write(node.endpoint(), next, 5);
  const bool ended = node.stop() == 0 && chain_holds(node);
  Word w = sum(clients);
  w += known.word();
  std::printf(
      "durability: sync_error fault=%s aborted=%d refuse_ms=%.1f refused=%llu acked_after=%llu "
      "told=%d reads_ok=%llu reads_bad=%llu acked=%llu uncertain=%llu kept=%llu lost=%llu "
      "torn=%llu unexpected=%llu skipped=0\n",
      name(fault), seen.alive ? 0 : 1, seen.refused_after_ms, Number{w.refused}, Number{w.resumed},
      seen.told ? 1 : 0, Number{seen.reads.good}, Number{seen.reads.bad}, Number{w.acked},
      Number{w.uncertain}, Number{w.kept}, Number{w.lost}, Number{w.torn}, Number{w.unexpected});
  const bool stopped = seen.alive && seen.told && w.resumed == 0 && refused_start;
  const bool readable = seen.reads.bad == 0 && seen.reads.good >= kLeastReads;
  const bool works_again = next.acked.load() == 5 * static_cast<std::uint64_t>(kWriters);
  if (disk) disk->take_away();
  return stopped && readable && works_again && ended && w.lost == 0 && w.torn == 0 && w.unexpected == 0;
}

int run() {
  std::string without_ext4 = enter_own_mounts();
  if (without_ext4.empty()) without_ext4 = ext4_missing();
  bool good = play(Fault::kBlip);
  good = play(Fault::kForEver) && good;
  if (without_ext4.empty()) {
    good = play(Fault::kPowerCut) && good;
  } else {
    std::printf("SKIP sync errors with a power cut: %s\n", without_ext4.c_str());
    std::printf("durability: sync_error fault=%s skipped=1\n", name(Fault::kPowerCut));
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() { return idnode::run_test("sync_error_test", idnode::run); }
