#include "tests/system/lives.h"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "storage/log/replay.h"

namespace idnode {

ConfigTables on_disk(const Disk& disk, ConfigTables more) {
  more["node"]["data"] = '"' + disk.path() + "/data\"";
  return more;
}

std::vector<KillClient> make_clients(const NodeProcess& node, int count, std::size_t padding) {
  std::vector<KillClient> clients;
  for (int i = 0; i < count; ++i) clients.emplace_back("88.118", i, node.administrator(), padding);
  return clients;
}

Writing::Writing(std::vector<KillClient>& clients, const NodeProcess& node, Life& life) : life_(life) {
  for (KillClient& c : clients)
    threads_.emplace_back([&c, &life, where = node.endpoint()] { c.write(where, life); });
}

void Writing::wait_acked(std::uint64_t count) const {
  wait_until([&] { return life_.acked.load(std::memory_order_relaxed) >= count; }, kLifeWait,
             "acknowledged writes");
}

double start_timed(NodeProcess& node) {
  const auto before = std::chrono::steady_clock::now();
  node.start();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
}

Spread spread(std::vector<double> figures) {
  if (figures.empty()) return {};
  std::ranges::sort(figures);
  return {.median = figures[figures.size() / 2], .most = figures.back()};
}

bool chain_holds(const NodeProcess& node) {
  const auto chain = verify_chain(node.data() + "/log");
  if (!chain) std::printf("CHAIN BROKEN: %s\n", chain.error().text.c_str());
  return chain.has_value();
}

int run_test(const char* name, int (*body)()) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return body();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", name, e.what());
    return 1;
  }
}

}  // namespace idnode
