// Asking others: the national node, the nodes of enterprises, whoever they refer to (BEHAVIOUR.md §15, §17).
//
// One thread with its own io_context does it for all workers: pooled TCP connections, UDP where a site offers
// nothing else, coalescing, breaker, prefix sites, answer cache. It never blocks (but for the verification of
// a signature that a client asked for) and every table in it is bounded.
//
// A question is one flight. Flights of equal questions are joined: name, flags, filters, token, recursion
// count and route are the key (the count too, so that a question that comes round a loop is counted on and
// not waited for). Prefix look-ups are joined apart.
//
// Contacted are only configured servers, networks of [upstream] allow, and public addresses on ports that may
// carry the protocol; never one of our own listeners.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/address.h"
#include "resolver/logic/question.h"
#include "resolver/logic/settings.h"
#include "resolver/net/answer_cache.h"

namespace idnode {

// Why a message that came back did not count (BEHAVIOUR.md §17.2 rule 8a).
enum class Dropped : std::uint8_t {
  kMalformed,
  kRequestId,
  kOpcode,
  kName,
  kCode,
  kExpired,
  kDigest,
  kSignature,
  kTruncated,  // parts that never became whole
};
inline constexpr std::size_t kDroppedReasons = 9;
std::string_view name(Dropped reason);

struct UpstreamCounters {
  // By ForwardAnswer::Outcome: what became of flights, and of questions refused before they were one.
  std::array<std::uint64_t, 5> requests{};
  std::uint64_t questions = 0;          // ask() calls
  std::uint64_t coalesced = 0;          // questions that joined a flight
  std::uint64_t cache_answers = 0;      // questions that a worker missed and the thread found
  std::uint64_t stale_answers = 0;      // expired successes served because upstream failed or is slow
  std::uint64_t kept_failures = 0;      // questions answered with a failure that is remembered
  std::uint64_t upstream_queries = 0;   // messages sent that carried a client's question
  std::uint64_t prefix_queries = 0;     // messages sent to find sites
  std::uint64_t connects = 0;           // TCP connections opened
  std::uint64_t refused_addresses = 0;  // referrals and sites to where we do not go
  std::uint64_t loops = 0;              // ended by the loop stop or the message bound
  std::array<std::uint64_t, kDroppedReasons> dropped{};
  // Questions refused with 3: by the bound of all flights, by the share of a source, by that of waiters.
  std::uint64_t full = 0, source_full = 0, waiting_full = 0;
  std::uint64_t in_flight = 0;    // now: flights
  std::uint64_t waiting = 0;      // now: questions without an answer
  std::uint64_t connections = 0;  // now: TCP connections, busy and idle
};

enum class BreakerState : std::uint8_t { kClosed, kOpen, kProbing };
struct ServerState {
  Endpoint server;
  BreakerState state = BreakerState::kClosed;
  std::uint32_t recent_failures = 0;
  std::uint64_t opened = 0;  // times
};

class Upstream {
 public:
  using Done = std::move_only_function<void(ForwardAnswer)>;

  // `own_listeners`: what the node listens on; never asked (an unspecified address means every local one).
  Upstream(std::shared_ptr<const Settings> settings, std::vector<Endpoint> own_listeners,
           const CacheBounds& cache_bounds = {});
  // Stops when that was not done.
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  void start();
  // Questions that wait are answered kFailed (code 2), then the thread ends. Whoever calls ask() has stopped
  // before.
  void stop();

  // Any thread. `done` is called exactly once, on the upstream thread, at the latest when
  // upstream_deadline_ms is over; it must not block. question.name needs no route to be ours: responsibility
  // was decided before. `source`: source_unit() of the client, whose share of the flights is bounded
  // (upstream_in_flight_per_source); none: a trusted one, without that bound. Joining a flight is free.
  void ask(Question question, Done done, std::optional<Address> source = std::nullopt);

  // Any thread; takes effect for questions that come later.
  void reload(std::shared_ptr<const Settings> settings);
  void set_own_listeners(std::vector<Endpoint> own_listeners);
  // Any thread; posted. An answer that is on its way is not kept either.
  void drop(std::string name);
  void drop_prefix(std::string prefix);

  // Any thread.
  const AnswerCache& cache() const;
  UpstreamCounters counters() const;
  // Configured servers, and others that have failed lately.
  std::vector<ServerState> servers() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace idnode
