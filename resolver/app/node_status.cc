// What a node says about itself: numbers and readiness.
#include <fmt/format.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "protocol/identifier.h"
#include "resolver/app/log.h"
#include "resolver/app/node.h"

namespace idnode {

namespace {

// A worker that has not turned for so long will not come back by itself.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

bool Node::alive() const { return service_->responsive(kPatience); }

NodeNumbers Node::numbers() const {
  NodeNumbers n;
  n.started_seconds = static_cast<double>(started_ms_) / 1'000;
  n.last_reload_good = last_reload_good_.load(std::memory_order_relaxed);
  n.reloads_good = reloads_good_.load(std::memory_order_relaxed);
  n.reloads_refused = reloads_refused_.load(std::memory_order_relaxed);
  n.resident_bytes = resident_bytes();
  n.open_descriptors = open_descriptors();
  n.identifiers_counted = count_->counted();
  n.identifiers = count_->value();
  const auto routes = routes_.current();
  // Markers are homed too, but they are no prefixes.
  n.prefixes_homed = static_cast<std::uint64_t>(std::ranges::count_if(
      routes->prefixes, [](const auto& each) { return each.second->homed && !is_marker(each.first); }));
  n.prefixes_pointer = routes->pointers;
  n.store_bytes = store_->approximate_bytes();
  if (resident_) n.resident = resident_->counters();
  n.requests = service_->totals();
  n.reassembly_bytes = service_->reassembly_octets();
  n.crypto_pool = service_->crypto_pool();
  n.read_pool = service_->read_pool();
  n.commits = committer_->counters();
  n.commit_seconds = committer_->commit_seconds();
  n.commit_mutations = committer_->group_mutations();
  n.challenges = challenges_->counters();
  n.sessions = sessions_->counters();
  n.upstream = upstream_->counters();
  n.upstream_servers_open = static_cast<std::uint64_t>(std::ranges::count_if(
      upstream_->servers(), [](const ServerState& server) { return server.state != BreakerState::kClosed; }));
  n.cache = upstream_->cache().counters();
  if (access_log_) n.access_log = access_log_->counters();
  n.ready = serving_.load(std::memory_order_acquire) && !n.commits.read_only && !n.commits.low_space;
  return n;
}

StatusNumbers Node::status_numbers() const {
  struct sysinfo memory{};
  if (sysinfo(&memory) != 0) return {};
  StatusNumbers n;
  n.free_memory = std::uint64_t{memory.freeram} * memory.mem_unit;
  n.total_memory = resident_bytes();
  n.most_memory = std::uint64_t{memory.totalram} * memory.mem_unit;
  for (const auto& transport : service_->totals().answers) {
    for (const auto& operation : transport) {
      for (const std::uint64_t count : operation) n.requests += count;
    }
  }
  return n;
}

AdminAnswer Node::ready(const AdminRequest& request) const {
  struct Check {
    std::string_view name;
    bool good;
    std::string reason;
  };
  const CommitCounters commits = committer_->counters();
  const std::string trouble = store_->trouble();
  // Others being away is told, but local answers go on.
  const auto servers = upstream_->servers();
  const auto away =
      std::ranges::count_if(servers, [](const ServerState& s) { return s.state != BreakerState::kClosed; });
  const bool serving = serving_.load(std::memory_order_acquire);
  const Check checks[] = {
      {"serving", serving, serving ? "" : "starting or stopping"},
      {"writes", !commits.read_only, commits.read_only ? "read_only" : ""},
      {"disk", !commits.low_space, commits.low_space ? "low_space" : ""},
      {"store", trouble.empty(), trouble},
  };
  const bool good = std::ranges::all_of(checks, &Check::good);
  const int status = good ? 200 : 503;
  if (!has_query_flag(request.query, "verbose")) {
    const auto bad = std::ranges::find(checks, false, &Check::good);
    return {status, "text/plain", good ? "ok\n" : std::string(bad->name) + ": " + bad->reason + "\n"};
  }
  std::string body = fmt::format(R"({{"ready":{},"checks":{{)", good);
  for (const Check& check : checks) {
    if (body.back() != '{') body += ',';
    body += fmt::format(R"("{}":{{"ok":{},"reason":")", check.name, check.good);
    append_json(check.reason, body);
    body += "\"}";
  }
  body += fmt::format(R"(}},"upstream":{{"servers":{},"away":{}}}}})", servers.size(), away);
  return {status, "application/json", body + "\n"};
}

}  // namespace idnode
