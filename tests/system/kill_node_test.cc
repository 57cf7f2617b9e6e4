// A real node is killed with SIGKILL again and again while six clients write through the protocol, each
// change proved with a signature. After every restart each record that was being written is compared with
// what had been acknowledged; at the end every record ever written, and the hash chain of the log.
//
// IDNODE_KILLS sets the number of kills (100).
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <thread>
#include <vector>

#include "storage/log/replay.h"
#include "tests/system/asking.h"
#include "tests/system/kill_clients.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using std::chrono::milliseconds;

constexpr int kClients = 6;
constexpr std::uint64_t kLeastAcked = 50;  // in each life
constexpr milliseconds kLifeWait{60'000};

std::vector<KillClient> make_clients(const NodeProcess& node) {
  std::vector<KillClient> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back("88.118", i, node.administrator());
  return clients;
}

// One life: the clients write, the node dies at some moment after its fifty acknowledgements.
std::uint64_t live(NodeProcess& node, std::vector<KillClient>& clients, std::mt19937& random) {
  Life life;
  std::vector<std::jthread> threads;
  for (KillClient& c : clients) threads.emplace_back([&c, &node, &life] { c.write(node.endpoint(), life); });
  wait_until([&] { return life.acked.load(std::memory_order_relaxed) >= kLeastAcked; }, kLifeWait,
             "50 acknowledged writes");
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
  node.kill();
  threads.clear();
  return life.acked.load(std::memory_order_relaxed);
}

bool chain_holds(const NodeProcess& node, const char* when) {
  const auto chain = verify_chain(node.data() + "/log");
  if (chain) {
    std::printf("chain %s: %llu groups, %llu mutations, %s\n", when,
                static_cast<unsigned long long>(chain->groups), static_cast<unsigned long long>(chain->last),
                chain->torn ? "torn end" : "whole");
    return true;
  }
  std::printf("CHAIN BROKEN %s: %s\n", when, chain.error().text.c_str());
  return false;
}

// The check must see a change that is gone and a record of two halves.
bool control(NodeProcess& node) {
  node.start();
  std::puts("control: two records are spoiled on purpose, which must show:");
  KillClient victim("88.118", kClients, node.administrator());
  Life life;
  victim.write(node.endpoint(), life, 40);
  const std::vector<std::string> names = victim.present();
  Client other = node.connect();
  need(ask_name(other, node.administrator(), handle::OpCode::kDelete, names.at(0)), 1, "control");
  need(ask_values(other, node.administrator(), handle::OpCode::kModifyValues, names.at(1),
                  {text_value(2, "TEXT", "of another version")}),
       1, "control");
  victim.verify(node.endpoint(), true);
  node.kill();
  const Word& w = victim.word();
  std::printf("control: lost=%llu torn=%llu after one record was deleted and one half changed\n",
              static_cast<unsigned long long>(w.lost), static_cast<unsigned long long>(w.torn));
  return w.acked == 40 && w.lost == 1 && w.torn == 1;
}

int run() {
  const int kills = count_from("IDNODE_KILLS", 100);
  std::mt19937 random(20'260'101);
  NodeProcess node({"88.118"});
  if (!control(node)) return 1;
  std::vector<KillClient> clients = make_clients(node);
  std::uint64_t least = UINT64_MAX;
  bool chain = true;
  for (int i = 0; i < kills; ++i) {
    node.start();
    for (KillClient& c : clients) c.verify(node.endpoint(), false);
    least = std::min(least, live(node, clients, random));
    // What the dead left, before anything repairs it.
    if (i % 10 == 0) chain = chain_holds(node, "after a kill") && chain;
  }
  node.start();
  for (KillClient& c : clients) c.verify(node.endpoint(), true);
  const int code = node.stop();
  chain = chain_holds(node, "at the end") && chain;

  const Word w = sum(clients);
  const auto n = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "acknowledged: %llu created, %llu added to, %llu modified, %llu removed from, %llu deleted, "
      "least in a life %llu\n",
      n(w.creates), n(w.adds), n(w.modifies), n(w.removes), n(w.deletes), n(least));
  std::printf("uncertain: %llu, of which %llu were done; unexpected answers: %llu; exit code %d\n",
              n(w.uncertain), n(w.kept), n(w.unexpected), code);
  std::printf("kills: node kills=%d acked=%llu lost=%llu torn=%llu\n", kills, n(w.acked), n(w.lost),
              n(w.torn));
  const bool worked =
      least >= kLeastAcked && w.creates > 0 && w.adds > 0 && w.modifies > 0 && w.removes > 0 && w.deletes > 0;
  return worked && chain && code == 0 && w.lost == 0 && w.torn == 0 && w.unexpected == 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return idnode::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kill_node_test: %s\n", e.what());
    return 1;
  }
}
