// A real node that lives for a tenth of a second and is killed, again and again, with two clients that write
// all the time, and between two lives dies a tenth of a second into its start. What it leaves behind must not
// grow beyond three times what was written plus 64 MB (stores have left a file of some megabytes behind at
// every start), and everything acknowledged is there.
//
// IDNODE_CRASH_LOOPS sets the number of lives (60).
#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/system/disks.h"
#include "tests/system/kill_clients.h"
#include "tests/system/lives.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using Number = unsigned long long;

constexpr int kClients = 2;
constexpr std::chrono::milliseconds kLife{100};
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kAllowance = 64 * kMegabyte;
constexpr std::size_t kTenth = 10;

int run() {
  const int loops = count_from("IDNODE_CRASH_LOOPS", 60);
  NodeProcess node({"88.118"});
  const std::uint64_t before = allocated_bytes(node.data());
  std::vector<KillClient> clients = make_clients(node, kClients);
  std::vector<double> openings;
  std::uint64_t most = 0;
  for (int i = 0; i < loops; ++i) {
    if (i % 2 == 1) {
      node.launch();
      pause(kLife);
      node.kill();
    }
    openings.push_back(start_timed(node));
    for (KillClient& c : clients) c.verify(node.endpoint(), false);
    Life life;
    Writing writing(clients, node, life);
    pause(kLife);
    node.kill();
    writing.join();
    most = std::max(most, allocated_bytes(node.data()) - before);
  }
  openings.push_back(start_timed(node));
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  const bool ended = node.stop() == 0 && chain_holds(node);

  const Word w = sum(clients);
  const std::uint64_t bound = 3 * w.octets + kAllowance;
  const std::size_t part = std::min(kTenth, openings.size());
  const std::vector<double> first(openings.begin(), openings.begin() + static_cast<std::ptrdiff_t>(part));
  const std::vector<double> last(openings.end() - static_cast<std::ptrdiff_t>(part), openings.end());
  std::printf(
      "durability: crash_loops=%d growth_mb=%.1f bound_mb=%.1f written_mb=%.1f acked=%llu lost=%llu "
      "torn=%llu unexpected=%llu open_ms_first=%.0f open_ms_last=%.0f open_ms_max=%.0f skipped=0\n",
      loops, static_cast<double>(most) / kMegabyte, static_cast<double>(bound) / kMegabyte,
      static_cast<double>(w.octets) / kMegabyte, Number{w.acked}, Number{w.lost}, Number{w.torn},
      Number{w.unexpected}, spread(first).median, spread(last).median, spread(openings).most);
  const bool good = ended && most > 0 && most <= bound && w.acked >= static_cast<std::uint64_t>(loops) &&
                    w.lost == 0 && w.torn == 0 && w.unexpected == 0;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() { return idnode::run_test("crash_loop_test", idnode::run); }
