#include "resolver/app/metrics.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "resolver/app/version.h"

namespace idnode {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// One family after the other; rows go to the last one begun.
class Page {
 public:
  Page& counter(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Counter);
  }
  Page& gauge(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Gauge);
  }
  Page& histogram(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), MetricType::Histogram);
  }
  Page& row(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    families_.back().type == MetricType::Counter ? metric.counter.value = value : metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Page& row(std::uint64_t value, Labels labels = {}) {
    return row(static_cast<double>(value), std::move(labels));
  }
  void row(ClientMetric::Histogram histogram, Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = std::move(histogram);
    families_.back().metric.push_back(std::move(metric));
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  Page& begin(std::string name, std::string help, MetricType type) {
    families_.push_back({"idnode_" + std::move(name), std::move(help), type, {}});
    return *this;
  }
  std::vector<MetricFamily> families_;
};

Labels label(std::string name, std::string_view value) { return {{std::move(name), std::string(value)}}; }

void add_process(const NodeNumbers& n, Page& page) {
  page.gauge("build_info", "Which build this is; always 1.")
      .row(1.0, {{"version", std::string(kVersion)}, {"commit", std::string(kCommit)}});
  page.gauge("start_time_seconds", "When the node started, in seconds since 1970.").row(n.started_seconds);
  page.gauge("ready", "1 when /readyz says 200.").row(n.ready ? 1.0 : 0.0);
  page.gauge("process_resident_bytes", "Memory of the process.").row(n.resident_bytes);
  page.gauge("process_open_descriptors", "Open descriptors of the process.").row(n.open_descriptors);
  page.gauge("config_last_reload_success", "0 when the last reload was refused.")
      .row(n.last_reload_good ? 1.0 : 0.0);
  page.counter("config_reloads_total", "Reloads of the configuration.")
      .row(n.reloads_good, label("outcome", "applied"))
      .row(n.reloads_refused, label("outcome", "refused"));
  page.counter("access_log_lines_total", "Lines of the access log.")
      .row(n.access_log.written, label("outcome", "written"))
      .row(n.access_log.dropped, label("outcome", "dropped"));
  page.counter("access_log_failed_writes_total", "Writes of the access log that the disk refused.")
      .row(n.access_log.failed_writes);
}

void add_requests(const NodeNumbers& n, Page& page) {
  const ProbeTotals& r = n.requests;
  page.counter("requests_total", "Requests by transport, operation and response code (0: not answered).");
  for (std::size_t t = 0; t < kTransports; ++t) {
    for (std::size_t o = 0; o < operation_rows(); ++o) {
      for (std::size_t c = 0; c < code_rows(); ++c) {
        if (r.answers[t][o][c] == 0) continue;
        page.row(r.answers[t][o][c], {{"transport", std::string(transport_name(static_cast<Transport>(t)))},
                                      {"operation", std::string(operation_label(o))},
                                      {"code", std::to_string(code_of_row(c))}});
      }
    }
  }
  page.histogram("request_seconds", "From a whole request to its answer.");
  for (std::size_t t = 0; t < kTransports; ++t) {
    for (std::size_t o = 0; o < operation_rows(); ++o) {
      const LatencyTotals& latency = r.latency[t][o];
      ClientMetric::Histogram histogram;
      for (std::size_t b = 0; b < latency.buckets.size(); ++b) {
        histogram.sample_count += latency.buckets[b];
        if (b < kLatencyBounds.size())
          histogram.bucket.push_back({histogram.sample_count, kLatencyBounds[b] / 1e6});
      }
      if (histogram.sample_count == 0) continue;
      histogram.bucket.push_back({histogram.sample_count, std::numeric_limits<double>::infinity()});
      histogram.sample_sum = static_cast<double>(latency.sum_us) / 1e6;
      page.row(std::move(histogram), {{"transport", std::string(transport_name(static_cast<Transport>(t)))},
                                      {"operation", std::string(operation_label(o))}});
    }
  }
}

void add_listeners(const NodeNumbers& n, Page& page) {
  const ProbeTotals& r = n.requests;
  const auto by_transport = [&](const auto& numbers) {
    for (std::size_t t = 0; t < kTransports; ++t) {
      page.row(numbers[t], label("transport", transport_name(static_cast<Transport>(t))));
    }
  };
  page.counter("received_bytes_total", "Octets of requests.");
  by_transport(r.octets_in);
  page.counter("sent_bytes_total", "Octets of answers.");
  by_transport(r.octets_out);
  page.gauge("connections", "Open TCP connections.").row(r.connections);
  page.counter("connections_accepted_total", "TCP connections taken.").row(r.accepted);
  page.counter("datagrams_dropped_total", "Datagrams without an answer.")
      .row(r.datagrams_dropped, label("reason", "broken"))
      .row(r.datagrams_repeated, label("reason", "repeated"));
  page.gauge("reassembly_bytes", "Octets of datagram trains that are not whole.").row(n.reassembly_bytes);
  page.counter("limit_refused_total", "What a limit refused, cut or held back.");
  for (std::size_t b = 0; b < kBites; ++b)
    page.row(r.bites[b], label("limit", limit_name(static_cast<Bite>(b))));
  page.row(n.challenges.refused, label("limit", "challenge_bytes"))
      .row(n.challenges.evicted, label("limit", "challenges_per_source"))
      .row(n.challenges.expired, label("limit", "challenge_seconds"))
      .row(n.sessions.expired, label("limit", "session_seconds"))
      .row(n.sessions.refused, label("limit", "sessions"))
      .row(n.sessions.evicted, label("limit", "sessions_per_source"))
      .row(n.commits.refused_busy, label("limit", "queue_mutations"))
      .row(n.commits.refused_space, label("limit", "free_space_mb"))
      .row(n.upstream.full, label("limit", "upstream_in_flight"))
      .row(n.upstream.source_full, label("limit", "upstream_in_flight_per_source"))
      .row(n.upstream.kept_failures, label("limit", "upstream_failure_seconds"))
      .row(n.upstream.waiting_full, label("limit", "upstream_waiting"));
  page.gauge("pool_tasks", "Tasks of a thread pool.");
  page.row(n.crypto_pool.waiting, {{"pool", "crypto"}, {"state", "waiting"}})
      .row(n.crypto_pool.running, {{"pool", "crypto"}, {"state", "running"}})
      .row(n.read_pool.waiting, {{"pool", "read"}, {"state", "waiting"}})
      .row(n.read_pool.running, {{"pool", "read"}, {"state", "running"}});
  page.counter("pool_tasks_done_total", "Tasks that a thread pool has done.")
      .row(n.crypto_pool.done, label("pool", "crypto"))
      .row(n.read_pool.done, label("pool", "read"));
}

void add_challenges(const NodeNumbers& n, Page& page) {
  page.gauge("challenges_pending", "Challenges that wait for their answer.").row(n.challenges.pending);
  page.gauge("challenges_bytes", "Octets of pending challenges.").row(n.challenges.bytes);
  page.counter("challenges_total", "Challenges by what became of them.")
      .row(n.challenges.put, label("outcome", "issued"))
      .row(n.challenges.taken, label("outcome", "answered"));
}

void add_sessions(const NodeNumbers& n, Page& page) {
  page.gauge("sessions", "Sessions with a key that are open.").row(n.sessions.live);
  page.counter("sessions_total", "Sessions by what became of them.")
      .row(n.sessions.opened, label("outcome", "opened"))
      .row(n.sessions.ended, label("outcome", "ended"))
      .row(n.sessions.expired, label("outcome", "expired"))
      .row(n.sessions.evicted, label("outcome", "evicted"));
}

void add_histogram(const CommitHistogram& source, Page& page) {
  ClientMetric::Histogram histogram;
  histogram.sample_sum = source.sum;
  for (std::size_t i = 0; i < source.counts.size(); ++i) {
    const bool last = i >= source.bounds.size();
    histogram.bucket.push_back(
        {source.counts[i], last ? std::numeric_limits<double>::infinity() : source.bounds[i]});
    histogram.sample_count = source.counts[i];
  }
  page.row(std::move(histogram), {});
}

void add_resident(const ResidentCounters& r, Page& page) {
  page.gauge("resident_records", "Records in the memory tier.").row(r.records);
  page.gauge("resident_bytes", "Octets of records in the memory tier.").row(r.record_bytes);
  page.gauge("resident_room_bytes", "Octets that the memory tier has for records; 0: it is off.")
      .row(r.room_bytes);
  page.gauge("resident_complete", "1 while every record of the store has its entry in the memory tier.")
      .row(r.complete ? 1.0 : 0.0);
  page.counter("resident_changes_total", "Changes of the memory tier.")
      .row(r.filled, label("change", "filled"))
      .row(r.dropped, label("change", "dropped"))
      .row(r.evicted, label("change", "evicted"));
}

void add_store(const NodeNumbers& n, Page& page) {
  page.gauge("identifiers", "Records in the store.");
  if (n.identifiers_counted) page.row(n.identifiers);
  page.gauge("prefixes", "Prefixes by role.")
      .row(n.prefixes_homed, label("role", "homed"))
      .row(n.prefixes_pointer, label("role", "pointer"));
  page.gauge("store_bytes", "Octets of the store, about.").row(n.store_bytes);
  add_resident(n.resident, page);
  const CommitCounters& c = n.commits;
  page.histogram("commit_seconds", "From a group's begin to its acknowledgement.");
  add_histogram(n.commit_seconds, page);
  page.histogram("commit_mutations", "Mutations in a group.");
  add_histogram(n.commit_mutations, page);
  page.counter("commit_results_total", "Mutations by result.")
      .row(c.committed, label("result", "committed"))
      .row(c.again, label("result", "again"))
      .row(c.refused_ceiling, label("result", "ceiling"))
      .row(c.refused_busy, label("result", "busy"))
      .row(c.refused_space, label("result", "no_space"))
      .row(c.refused_read_only, label("result", "read_only"))
      .row(c.failed, label("result", "failed"));
  page.counter("commit_groups_total", "Groups that were synced.").row(c.groups);
  page.gauge("commit_queue_mutations", "Mutations that wait for the commit thread.").row(c.queued);
  page.gauge("commit_queue_bytes", "Octets of mutations that wait.").row(c.queued_bytes);
  page.gauge("commit_sequence", "Sequence of the last mutation.").row(c.sequence);
  page.gauge("commit_read_only", "1 after a failed sync: no writes until a restart.")
      .row(c.read_only ? 1.0 : 0.0);
  page.gauge("commit_low_space", "1 while the disk is full or below the low-water mark.")
      .row(c.low_space ? 1.0 : 0.0);
}

void add_upstream(const NodeNumbers& n, Page& page) {
  const UpstreamCounters& u = n.upstream;
  constexpr std::array<std::string_view, 5> kOutcomes = {"answered", "not_found", "failed", "timeout",
                                                         "refused"};
  page.counter("upstream_requests_total", "Questions to others by what became of them.");
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) page.row(u.requests[i], label("outcome", kOutcomes[i]));
  page.counter("upstream_messages_total", "Messages sent to others.")
      .row(u.upstream_queries, label("kind", "question"))
      .row(u.prefix_queries, label("kind", "prefix"));
  page.counter("upstream_coalesced_total", "Questions that joined an equal one.").row(u.coalesced);
  page.counter("upstream_connects_total", "TCP connections opened to others.").row(u.connects);
  page.counter("upstream_refused_addresses_total", "Referrals to where this node does not go.")
      .row(u.refused_addresses);
  page.counter("upstream_loops_total", "Questions ended by the loop stop or the message bound.").row(u.loops);
  page.counter("upstream_dropped_total", "Messages from others that did not count.");
  for (std::size_t i = 0; i < kDroppedReasons; ++i)
    page.row(u.dropped[i], label("reason", name(static_cast<Dropped>(i))));
  page.gauge("upstream_in_flight", "Questions that others work on.").row(u.in_flight);
  page.gauge("upstream_waiting", "Clients' questions without an answer yet.").row(u.waiting);
  page.gauge("upstream_connections", "TCP connections to others.").row(u.connections);
  page.gauge("upstream_servers_open", "Servers whose breaker is not closed.").row(n.upstream_servers_open);
  page.counter("cache_answers_total", "Answers from the cache by the upstream thread.")
      .row(u.cache_answers, label("kind", "fresh"))
      .row(u.stale_answers, label("kind", "stale"));
  page.gauge("cache_entries", "Answers of others that are kept.").row(n.cache.entries);
  page.gauge("cache_bytes", "Octets of kept answers.").row(n.cache.octets);
  page.counter("cache_changes_total", "Changes of the answer cache.")
      .row(n.cache.stored, label("change", "stored"))
      .row(n.cache.evicted, label("change", "evicted"))
      .row(n.cache.dropped, label("change", "dropped"));
}

double value_of(const MetricFamily& family, const ClientMetric& metric) {
  if (family.type == MetricType::Counter) return metric.counter.value;
  if (family.type == MetricType::Histogram) return static_cast<double>(metric.histogram.sample_count);
  return metric.gauge.value;
}

}  // namespace

std::vector<MetricFamily> Metrics::Collect() const {
  const NodeNumbers numbers = numbers_();
  Page page;
  add_process(numbers, page);
  add_requests(numbers, page);
  add_listeners(numbers, page);
  add_challenges(numbers, page);
  add_sessions(numbers, page);
  add_store(numbers, page);
  add_upstream(numbers, page);
  return page.take();
}

std::string Metrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, Collect());
  return out.str();
}

std::string Metrics::json() const {
  std::string out = "{";
  for (const MetricFamily& family : Collect()) {
    for (const ClientMetric& metric : family.metric) {
      if (out.size() > 1) out += ',';
      out += "\"" + family.name;
      // Label values come from closed sets: nothing in them needs an escape.
      for (const auto& each : metric.label) out += "." + each.value;
      out += fmt::format("\":{}", value_of(family, metric));
    }
  }
  return out + "}";
}

std::string Metrics::listing() const {
  std::string out;
  for (const MetricFamily& family : Collect()) {
    std::set<std::string> labels;
    for (const ClientMetric& metric : family.metric) {
      for (const auto& each : metric.label) labels.insert(each.name);
    }
    const bool counter = family.type == MetricType::Counter;
    out += family.name + (counter ? " counter" : family.type == MetricType::Gauge ? " gauge" : " histogram");
    for (const std::string& each : labels) out += " " + each;
    out += "\n";
  }
  return out;
}

std::uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  std::error_code error;
  std::uint64_t count = 0;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error))
    ++count;
  return count;
}

}  // namespace idnode
