// What /metrics shows. A snapshot of numbers goes in, Prometheus text comes out; tests/golden/metrics.txt
// lists every name. No label holds an identifier or an address.
#pragma once

#include <prometheus/collectable.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "resolver/app/access_log.h"
#include "resolver/logic/challenges.h"
#include "resolver/logic/sessions.h"
#include "resolver/net/answer_cache.h"
#include "resolver/net/pools.h"
#include "resolver/net/probe.h"
#include "resolver/net/upstream.h"
#include "storage/commit/committer.h"
#include "storage/resident/resident.h"

namespace idnode {

// All counters since the start.
struct NodeNumbers {
  double started_seconds = 0;  // since 1970
  bool ready = false;
  bool last_reload_good = true;
  std::uint64_t reloads_good = 0;
  std::uint64_t reloads_refused = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t identifiers = 0;
  bool identifiers_counted = true;  // false while the store is still being counted
  std::uint64_t prefixes_homed = 0;
  std::uint64_t prefixes_pointer = 0;
  std::uint64_t store_bytes = 0;
  ResidentCounters resident;
  ProbeTotals requests;
  std::uint64_t reassembly_bytes = 0;
  Pool::Counters crypto_pool;
  Pool::Counters read_pool;
  CommitCounters commits;
  CommitHistogram commit_seconds;
  CommitHistogram commit_mutations;
  Challenges::Counters challenges;
  Sessions::Counters sessions;
  UpstreamCounters upstream;
  std::uint64_t upstream_servers_open = 0;  // whose breaker is not closed
  AnswerCache::Counters cache;
  AccessLog::Counters access_log;
};

class Metrics final : public prometheus::Collectable {
 public:
  explicit Metrics(std::function<NodeNumbers()> numbers) : numbers_(std::move(numbers)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;
  // The text format, and one flat JSON object (for value 2 of 0.SITE/status).
  std::string text() const;
  std::string json() const;
  // One line a family: name, type, names of its labels.
  std::string listing() const;

 private:
  std::function<NodeNumbers()> numbers_;
};

// Octets in memory and descriptors of this process, from /proc.
std::uint64_t resident_bytes();
std::uint64_t open_descriptors();

}  // namespace idnode
