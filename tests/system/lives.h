// Lives of a node under writing clients: what the tests of power, disks and crashes have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/system/disks.h"
#include "tests/system/kill_clients.h"
#include "tests/system/node_process.h"

namespace idnode {

inline constexpr std::chrono::milliseconds kLifeWait{60'000};
inline constexpr std::uint64_t kLeastAcked = 50;  // in each life
inline constexpr int kSkipped = 77;               // exit code that CTest counts as skipped

// `data` for the settings of a node that lives on `disk`.
ConfigTables on_disk(const Disk& disk, ConfigTables more = {});

std::vector<KillClient> make_clients(const NodeProcess& node, int count, std::size_t padding = 0);

// One thread for each client, which writes as long as the life lasts.
class Writing {
 public:
  Writing(std::vector<KillClient>& clients, const NodeProcess& node, Life& life);
  // Waits for so many acknowledged changes of this life.
  void wait_acked(std::uint64_t count) const;
  // Waits for the clients to end.
  void join() { threads_.clear(); }

 private:
  Life& life_;
  std::vector<std::jthread> threads_;
};

// Milliseconds that the start took.
double start_timed(NodeProcess& node);
struct Spread {
  double median = 0;
  double most = 0;
};
Spread spread(std::vector<double> figures);

// Whether the hash chain of the log is whole; prints why it is not.
bool chain_holds(const NodeProcess& node);

// Runs a test's body; exceptions become a line and exit code 1.
int run_test(const char* name, int (*body)());

}  // namespace idnode
