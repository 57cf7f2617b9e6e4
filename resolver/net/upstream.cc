#include "resolver/net/upstream.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <random>
#include <thread>

#include "protocol/identifier.h"
#include "resolver/net/errand.h"
#include "resolver/net/flight.h"
#include "resolver/net/upstream_state.h"

namespace idnode {

namespace asio = boost::asio;
using Outcome = ForwardAnswer::Outcome;
using handle::ResponseCode;

namespace {

// Questions without an answer; far above what the workers' own bounds let through.
constexpr std::uint64_t kMostWaiting = 65'536;
constexpr std::chrono::seconds kSweepEvery{10};

ForwardAnswer refusal(ResponseCode code, std::string_view text, Outcome outcome = Outcome::kRefused) {
  ForwardAnswer answer;
  answer.outcome = outcome;
  answer.code = code;
  answer.text = text;
  return answer;
}

CacheTimes times_of(const Limits& limits) {
  return {static_cast<std::uint32_t>(limits.cache_ttl_seconds),
          static_cast<std::uint32_t>(limits.cache_negative_seconds),
          static_cast<std::uint32_t>(limits.cache_stale_seconds)};
}

}  // namespace

std::string_view name(Dropped reason) {
  constexpr std::array<std::string_view, kDroppedReasons> kNames = {
      "malformed", "request_id", "opcode", "name", "code", "expired", "digest", "signature", "truncated"};
  return kNames[static_cast<std::size_t>(reason)];
}

UpstreamCounters UpstreamCounts::copy() const {
  UpstreamCounters c;
  for (std::size_t i = 0; i < requests.size(); ++i) c.requests[i] = requests[i].get();
  for (std::size_t i = 0; i < dropped.size(); ++i) c.dropped[i] = dropped[i].get();
  c.questions = questions.get();
  c.coalesced = coalesced.get();
  c.cache_answers = cache_answers.get();
  c.stale_answers = stale_answers.get();
  c.kept_failures = kept_failures.get();
  c.upstream_queries = upstream_queries.get();
  c.prefix_queries = prefix_queries.get();
  c.connects = connects.get();
  c.refused_addresses = refused_addresses.get();
  c.loops = loops.get();
  c.full = full.get();
  c.source_full = source_full.get();
  c.waiting_full = waiting_full.get();
  c.in_flight = in_flight.get();
  c.waiting = waiting.get();
  c.connections = connections.get();
  return c;
}

struct Upstream::Core {
  Core(std::shared_ptr<const Settings> settings, std::vector<Endpoint> own_listeners,
       const CacheBounds& bounds)
      : cache(bounds),
        state(static_cast<std::uint32_t>(settings->limits.upstream_failures), std::random_device{}()),
        own(std::move(own_listeners)),
        sweeper(state.io) {
    use(std::move(settings));
  }

  void use(std::shared_ptr<const Settings> settings);
  void arrive(Question question, Done done, std::optional<Address> source);
  // `search_failed`: how, when that is worth remembering.
  void finish(const std::shared_ptr<Flight>& flight, ForwardAnswer answer,
              std::optional<SearchEnd> search_failed = std::nullopt);
  std::optional<ForwardAnswer> remembered(const Question& question, const std::string& key);

  void give_stale(Flight& flight);
  void give(Flight& flight, ForwardAnswer answer);
  void shut();
  void sweep();
  asio::awaitable<void> fly(std::shared_ptr<Flight> flight);
  // Runs on the upstream thread while there is one, else here.
  void post(std::move_only_function<void()> work);

  AnswerCache cache;
  UpstreamState state;
  std::vector<Endpoint> own;
  Flights flights;
  asio::steady_timer sweeper;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard;
  std::thread thread;
};

void Upstream::Core::use(std::shared_ptr<const Settings> settings) {
  auto view = std::make_shared<UpstreamView>();
  // What we publish means us as well, even where another machine translates addresses.
  std::vector<Endpoint> ours = own;
  std::uint16_t port = settings->node.site_port;
  if (port == 0 && !own.empty()) port = own.front().port;
  for (const std::string& text : settings->node.site_address) {
    const auto address = parse_ip(text);
    if (address && port != 0) ours.push_back({*address, port});
  }
  view->reach = Reach(*settings, std::move(ours), local_addresses());
  for (const Endpoint& server : settings->upstream.servers) {
    if (!view->reach.allows(server)) continue;  // ourselves
    Target target;
    target.endpoint = server;
    target.configured = true;
    view->servers.push_back(std::move(target));
  }
  state.breakers.set_failures(static_cast<std::uint32_t>(settings->limits.upstream_failures));
  state.breakers.set_known(settings->upstream.servers);
  state.failures.clear();
  view->settings = std::move(settings);
  state.view = std::move(view);
}

void Upstream::Core::post(std::move_only_function<void()> work) { asio::post(state.io, std::move(work)); }

void Upstream::Core::arrive(Question question, Done done, std::optional<Address> source) {
  UpstreamCounts& counts = state.counts;
  const Limits& limits = state.view->settings->limits;
  counts.questions.add();
  const auto refuse = [&](ForwardAnswer answer) {
    counts.requests[static_cast<std::size_t>(answer.outcome)].add();
    done(std::move(answer));
  };
  if (state.stopping) return refuse(refusal(ResponseCode::kError, "shutting down", Outcome::kFailed));
  if (question.recursion_count > limits.recursion) {
    return refuse(refusal(ResponseCode::kRecursionTooHigh, "recursion count too high"));
  }
  // A worker may have looked before the answer to the same question of another worker was kept.
  ForwardAnswer kept;
  if (cache.find(question, wall_and_steady(), kept)) {
    counts.cache_answers.add();
    return done(std::move(kept));
  }
  std::string key = flight_key(question);
  const auto busy = [&](Count& bite, std::string_view text) {
    bite.add();
    refuse(refusal(ResponseCode::kTooBusy, text));
  };
  if (counts.waiting.get() >= kMostWaiting) return busy(counts.waiting_full, "too busy");
  if (const auto flight = flights.find(key)) {
    counts.coalesced.add();
    if (flight->stale && cache.find(question, wall_and_steady(), kept, /*stale=*/true)) {
      counts.stale_answers.add();
      return done(std::move(kept));
    }
    counts.waiting.add();
    flight->waiters.push_back(std::move(done));
    return;
  }
  if (std::optional<ForwardAnswer> failed = remembered(question, key)) return done(std::move(*failed));
  if (flights.size() >= limits.upstream_in_flight) return busy(counts.full, "too many open questions");
  if (source && limits.upstream_in_flight_per_source != 0 &&
      flights.of_source(*source) >= limits.upstream_in_flight_per_source) {
    return busy(counts.source_full, "too many open questions of this source");
  }
  const auto flight = flights.begin(std::move(key), std::move(question), source);
  flight->waiters.push_back(std::move(done));
  counts.waiting.add();
  counts.in_flight.set(flights.size());
  asio::co_spawn(state.io, fly(flight), [this, flight](std::exception_ptr error) {
    // Out of memory and the like: the question still gets its answer.
    if (error) finish(flight, refusal(ResponseCode::kError, "internal error", Outcome::kFailed));
  });
}

// What failed a moment ago, or the expired answer that may be given instead.
std::optional<ForwardAnswer> Upstream::Core::remembered(const Question& question, const std::string& key) {
  if (state.failures.size() == 0) return std::nullopt;
  const Now now = wall_and_steady();
  const auto how = state.failures.find({cache_key(question).name, key}, now.steady_ms);
  if (!how) return std::nullopt;
  state.counts.kept_failures.add();
  ForwardAnswer answer;
  if (state.view->settings->limits.cache_stale_seconds > 0 &&
      cache.find(question, now, answer, /*stale=*/true)) {
    state.counts.stale_answers.add();
    return answer;
  }
  return Errand::failure({*how, ResponseCode::kError, nullptr});
}

asio::awaitable<void> Upstream::Core::fly(std::shared_ptr<Flight> flight) {
  const Question& question = flight->question;
  const Limits& limits = state.view->settings->limits;
  const SteadyTime begin = std::chrono::steady_clock::now();
  const SteadyTime deadline = begin + std::chrono::milliseconds(limits.upstream_deadline_ms);
  Alarm alarm(state.alarms, deadline, [this, &flight] {
    finish(flight, refusal(ResponseCode::kError, "no answer in time", Outcome::kTimeout),
           SearchEnd::kTimeout);
  });
  std::optional<Alarm> patience;
  if (limits.cache_stale_seconds > 0) {
    patience.emplace(state.alarms, begin + std::chrono::milliseconds(limits.cache_stale_after_ms),
                     [this, &flight] { give_stale(*flight); });
  }
  const bool certify =
      (question.flags & handle::flag::kCertify) != 0 || question.op == handle::OpCode::kVerifyAnswer;
  Errand errand(state, Errand::Kind::kQuestion, deadline, certify, question.recursion_count);
  ForwardAnswer answer = co_await errand.answer(question);
  finish(flight, std::move(answer), errand.failed());
}

void Upstream::Core::finish(const std::shared_ptr<Flight>& flight, ForwardAnswer answer,
                            std::optional<SearchEnd> search_failed) {
  if (flight->finished) return;
  flight->finished = true;
  flights.end(*flight);
  UpstreamCounts& counts = state.counts;
  counts.in_flight.set(flights.size());
  counts.requests[static_cast<std::size_t>(answer.outcome)].add();

  const Now now = wall_and_steady();
  const Limits& limits = state.view->settings->limits;
  if (flight->keep) {
    cache.put(flight->question, answer, times_of(limits), now);
    const std::string name = cache_key(flight->question).name;
    if (search_failed) {
      state.failures.failed({name, flight->key}, *search_failed, limits.upstream_failure_seconds,
                            now.steady_ms);
    } else if (answer.outcome == Outcome::kAnswered || answer.outcome == Outcome::kNotFound) {
      state.failures.drop(name);
    }
  }
  const bool failed = answer.outcome == Outcome::kFailed || answer.outcome == Outcome::kTimeout;
  if (failed && limits.cache_stale_seconds > 0 && flight->keep) {
    ForwardAnswer stale;
    if (cache.find(flight->question, now, stale, /*stale=*/true)) {
      counts.stale_answers.add(flight->waiters.size());
      answer = std::move(stale);
    }
  }
  give(*flight, std::move(answer));
}

// Upstream owes the answer for so long that an expired one does better (RFC 8767, section 5). The flight goes
// on: what it brings refreshes the cache.
void Upstream::Core::give_stale(Flight& flight) {
  ForwardAnswer stale;
  if (flight.finished || !flight.keep ||
      !cache.find(flight.question, wall_and_steady(), stale, /*stale=*/true))
    return;
  flight.stale = true;
  state.counts.stale_answers.add(flight.waiters.size());
  give(flight, std::move(stale));
}

void Upstream::Core::give(Flight& flight, ForwardAnswer answer) {
  std::vector<Done> waiters = std::move(flight.waiters);
  flight.waiters.clear();
  if (waiters.empty()) return;
  state.counts.waiting.set(state.counts.waiting.get() - waiters.size());
  for (std::size_t i = 0; i + 1 < waiters.size(); ++i) waiters[i](answer);
  waiters.back()(std::move(answer));
}

void Upstream::Core::sweep() {
  sweeper.expires_after(kSweepEvery);
  sweeper.async_wait([this](const boost::system::error_code& ec) {
    if (ec || state.stopping) return;
    state.pool.sweep();
    sweep();
  });
}

// Everything that waits is answered; then what is left ends by itself, because nothing can wait any more.
void Upstream::Core::shut() {
  state.stopping = true;
  for (const auto& flight : flights.all()) {
    finish(flight, refusal(ResponseCode::kError, "shutting down", Outcome::kFailed));
  }
  state.alarms.ring_all();
  state.pool.sweep(/*all=*/true);
  sweeper.cancel();
  guard.reset();
}

Upstream::Upstream(std::shared_ptr<const Settings> settings, std::vector<Endpoint> own_listeners,
                   const CacheBounds& cache_bounds)
    : core_(std::make_unique<Core>(std::move(settings), std::move(own_listeners), cache_bounds)) {}

Upstream::~Upstream() { stop(); }

void Upstream::start() {
  if (core_->thread.joinable()) return;
  core_->guard.emplace(asio::make_work_guard(core_->state.io));
  core_->sweep();
  core_->thread = std::thread([core = core_.get()] { core->state.io.run(); });
}

void Upstream::stop() {
  Core& core = *core_;
  if (!core.thread.joinable()) return;
  core.post([&core] { core.shut(); });
  core.thread.join();
  // Questions that were posted after that are answered here.
  core.state.io.restart();
  core.state.io.poll();
}

void Upstream::ask(Question question, Done done, std::optional<Address> source) {
  core_->post([core = core_.get(), q = std::move(question), d = std::move(done), source]() mutable {
    core->arrive(std::move(q), std::move(d), source);
  });
}

void Upstream::reload(std::shared_ptr<const Settings> settings) {
  core_->post([core = core_.get(), s = std::move(settings)]() mutable { core->use(std::move(s)); });
}

void Upstream::set_own_listeners(std::vector<Endpoint> own_listeners) {
  core_->post([core = core_.get(), own = std::move(own_listeners)]() mutable {
    core->own = std::move(own);
    core->use(core->state.view->settings);
  });
}

void Upstream::drop(std::string name) {
  core_->post([core = core_.get(), name = std::move(name)] {
    core->cache.drop(name);
    core->state.failures.drop(storage_form(expand_bare_prefix(name), /*case_sensitive=*/true));
    core->flights.forget(name);
  });
}

void Upstream::drop_prefix(std::string prefix) {
  core_->post([core = core_.get(), prefix = fold(prefix)] {
    core->cache.drop_prefix(prefix);
    core->flights.forget_prefix(prefix);
    core->state.sites.drop(prefix);
    core->state.failures.drop_prefix(prefix);
    for (auto& [key, flight] : core->state.prefix_flights) {
      if (key.starts_with(prefix + '\n')) flight->keep = false;
    }
  });
}

const AnswerCache& Upstream::cache() const { return core_->cache; }
UpstreamCounters Upstream::counters() const { return core_->state.counts.copy(); }
std::vector<ServerState> Upstream::servers() const { return core_->state.breakers.states(); }

}  // namespace idnode
