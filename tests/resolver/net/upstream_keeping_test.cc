// Many askers, few questions upstream: joining, the share of each source, what is remembered and for how
// long, and what is given when upstream owes an answer (BEHAVIOUR.md §17.2 rule 3, §17.3).
#include <atomic>
#include <iostream>
#include <latch>
#include <thread>

#include "protocol/identifier.h"
#include "resolver/net/attempt.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;
using Outcome = ForwardAnswer::Outcome;
namespace flag = handle::flag;

class Keeping : public Forwarding {
 protected:
  Keeping() {
    settings.upstream.mode = UpstreamSettings::Mode::kForward;
    settings.limits.upstream_failures = 1'000;
  }
  // Nothing that this test waits for ends by time.
  void patient() {
    settings.limits.upstream_try_ms = 30'000;
    settings.limits.upstream_deadline_ms = 60'000;
  }
  std::vector<Question> names(int first, int count) const {
    std::vector<Question> questions;
    for (int i = first; i < first + count; ++i) questions.push_back(question("88.1/" + std::to_string(i)));
    return questions;
  }
};

std::size_t with_code(const std::vector<Timed>& results, ResponseCode code) {
  return static_cast<std::size_t>(
      std::ranges::count_if(results, [&](const Timed& t) { return t.answer.code == code; }));
}

// U8: a thousand at once for one name, and for a thousand names; each asker is answered, once.
TEST_F(Keeping, AThousandMisses) {
  patient();
  std::atomic<int> delay{200};
  national->set_script(
      [&](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), delay.load()}}; });
  const std::vector<Question> same(1'000, question("88.1/one"));
  std::vector<Timed> results = timed_all(same);
  EXPECT_EQ(with_code(results, ResponseCode::kSuccess), 1'000U);
  const std::size_t for_one = national->count();
  EXPECT_EQ(for_one, 1U);
  EXPECT_EQ(counters().coalesced + counters().cache_answers, 999U);

  // More than the bound: those within it are answered, the others are told at once that it is too much.
  results = timed_all(names(0, 1'000));
  const std::size_t good = with_code(results, ResponseCode::kSuccess);
  const std::size_t busy = with_code(results, ResponseCode::kTooBusy);
  EXPECT_EQ(good + busy, 1'000U);
  EXPECT_GE(good, settings.limits.upstream_in_flight);
  EXPECT_EQ(national->count(), 1 + good);
  EXPECT_EQ(counters().full, busy);
  // With room for all of them all are answered; each name is one question.
  settings.limits.upstream_in_flight = 1'000;
  upstream->reload(std::make_shared<const Settings>(settings));
  delay.store(0);
  results = timed_all(names(10'000, 1'000));
  EXPECT_EQ(with_code(results, ResponseCode::kSuccess), 1'000U);
  EXPECT_EQ(national->count(), 1 + good + 1'000);
  EXPECT_EQ(counters().waiting, 0U);
  // Not joined: an AT question is its own each time it is asked, one after the other.
  const std::size_t before = national->count();
  for (int i = 0; i < 3; ++i) ask(question("88.1/one", flag::kClientDefault | flag::kAuthoritative));
  EXPECT_EQ(national->count() - before, 3U);
  std::cout << "upstream: U8 one_name=1000 queries=" << for_one
            << " answered=1000 thousand_names: at_bound_answered=" << good << " refused=" << busy
            << " with_room_answered=1000 queries=1000 control_not_joined=3/3\n";
}

// One source asks for very many names and fills its share; nobody else notices.
TEST_F(Keeping, ASourceHasAShare) {
  patient();
  settings.limits.upstream_in_flight = 256;
  settings.limits.upstream_in_flight_per_source = 64;
  start();
  const Address greedy = *parse_ip("198.51.100.7");
  const Address modest = *parse_ip("198.51.100.8");
  std::latch answered(1'000 + 64 + 40);
  std::atomic<int> refused{0}, modest_refused{0}, trusted_refused{0};
  const auto count_busy = [&](std::atomic<int>& busy) {
    return [&](ForwardAnswer a) {
      if (a.code == ResponseCode::kTooBusy) busy.fetch_add(1);
      answered.count_down();
    };
  };
  for (Question& q : names(0, 1'000)) upstream->ask(std::move(q), count_busy(refused), greedy);
  for (Question& q : names(2'000, 40)) upstream->ask(std::move(q), count_busy(modest_refused), modest);
  // A trusted source has no share; and what is under way already may be joined by anybody.
  for (Question& q : names(3'000, 44)) upstream->ask(std::move(q), count_busy(trusted_refused));
  for (Question& q : names(0, 20)) upstream->ask(std::move(q), count_busy(refused), greedy);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (national->count() < 64 + 40 + 44 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const UpstreamCounters now = counters();
  EXPECT_EQ(now.in_flight, 64U + 40 + 44);
  EXPECT_EQ(now.coalesced, 20U);
  EXPECT_EQ(refused.load(), 936);
  EXPECT_EQ(modest_refused.load() + trusted_refused.load(), 0);
  EXPECT_EQ(now.source_full, 936U);
  EXPECT_EQ(now.full, 0U);
  upstream->stop();
  answered.wait();

  // Without the bound the greedy one takes all, and the modest one finds nothing left: what the share
  // prevents.
  settings.limits.upstream_in_flight_per_source = 0;
  upstream.reset();
  start();
  std::atomic<int> taken{0}, left_out{0};
  std::latch all(1'000 + 40);
  const auto tally = [&](std::atomic<int>& busy) {
    return [&](ForwardAnswer a) {
      if (a.code == ResponseCode::kTooBusy) busy.fetch_add(1);
      all.count_down();
    };
  };
  for (Question& q : names(0, 1'000)) upstream->ask(std::move(q), tally(taken), greedy);
  for (Question& q : names(2'000, 40)) upstream->ask(std::move(q), tally(left_out), modest);
  while (counters().questions < 1'040 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(left_out.load(), 40);
  upstream->stop();
  all.wait();
  std::cout << "upstream: share greedy=1000 in_flight=64 refused=" << refused.load()
            << " modest=40 refused=" << modest_refused.load()
            << " trusted=44 refused=" << trusted_refused.load()
            << " control_without_share_modest_refused=" << left_out.load() << "\n";
}

TEST_F(Keeping, AShareIsGivenBack) {
  settings.limits.upstream_in_flight_per_source = 8;
  const Address source = *parse_ip("198.51.100.7");
  national->set_script(speaks());
  for (int round = 0; round < 20; ++round) {
    const auto results = timed_all(names(round * 8, 8), source);
    EXPECT_EQ(with_code(results, ResponseCode::kSuccess), 8U);
  }
  national->set_script(silent());
  EXPECT_EQ(with_code(timed_all(names(1'000, 20), source), ResponseCode::kTooBusy), 12U);
  national->set_script(speaks());
  EXPECT_EQ(with_code(timed_all(names(2'000, 8), source), ResponseCode::kSuccess), 8U);
}

// U9: what does not exist is remembered, what failed is not; the messages that cost.
TEST_F(Keeping, AbsenceIsKeptAndFailuresAreNot) {
  settings.limits.cache_negative_seconds = 600;
  settings.limits.upstream_try_ms = 5'000;
  settings.limits.upstream_deadline_ms = 10'000;
  std::atomic<std::uint32_t> says{100};
  national->set_script([&](const Seen& s) {
    Canned c = url_of(s);
    c.code = static_cast<ResponseCode>(says.load());
    return answer(s, c);
  });
  struct Row {
    std::uint32_t code;
    std::size_t messages;  // for 20 questions about one name, one after the other
  };
  // Code 2 is tried twice, but on another server, and there is none.
  const Row rows[] = {{1, 1}, {100, 1}, {200, 1}, {2, 20}, {3, 20}, {301, 20}, {401, 20}};
  std::string costs;
  for (const Row& row : rows) {
    says.store(row.code);
    const std::string name = "88.1/" + std::to_string(row.code);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(static_cast<std::uint32_t>(ask(name).code), row.code);
    EXPECT_EQ(national->count(name), row.messages) << row.code;
    costs += " messages_code_" + std::to_string(row.code) + "=" + std::to_string(national->count(name));
    // It exists now: what was kept hides it for its time, what was not kept does not.
    says.store(1);
    EXPECT_EQ(static_cast<std::uint32_t>(ask(name).code), row.messages == 1 ? row.code : 1) << row.code;
    // And created here: gone at once.
    upstream->drop_prefix("88.1");
    EXPECT_EQ(ask(name).code, ResponseCode::kSuccess) << row.code;
  }
  // How long: by a clock of the test.
  AnswerCache cache;
  ForwardAnswer absent;
  absent.code = ResponseCode::kHandleNotFound;
  absent.outcome = Outcome::kNotFound;
  const Now start{1'000'000'000, 5'000};
  const auto after = [&](std::uint64_t ms) { return Now{start.ms + ms, start.steady_ms + ms}; };
  cache.put(question("88.1/x"), absent, {3'600, 30, 0}, start);
  ForwardAnswer found;
  EXPECT_TRUE(cache.find(question("88.1/x"), after(29'999), found));
  EXPECT_FALSE(cache.find(question("88.1/x"), after(30'000), found));
  std::cout << "upstream: U9 asked=20" << costs << " negative_kept_ms=30000 after_drop=fresh\n";
}

// U9: what nobody answers is not asked for again at once; what that costs, and what ends it.
TEST_F(Keeping, SilenceIsRememberedForAWhile) {
  constexpr std::uint64_t kAsked = 20, kTries = 2;
  for (std::uint64_t i = 0; i < kAsked; ++i) EXPECT_EQ(ask("88.1/a").outcome, Outcome::kTimeout);
  const std::uint64_t kept = counters().kept_failures;
  EXPECT_GE(kept, 1U);
  EXPECT_EQ(national->count("88.1/a"), kTries * (kAsked - kept));
  // Another name, and another question about this one, are asked for.
  EXPECT_EQ(ask("88.1/b").outcome, Outcome::kTimeout);
  EXPECT_EQ(ask(question("88.1/a", flag::kClientDefault, {1})).outcome, Outcome::kTimeout);
  EXPECT_EQ(national->count("88.1/b"), kTries);
  EXPECT_EQ(national->count("88.1/a"), kTries * (kAsked - kept + 1));

  // A change here ends it for its names.
  settings.limits.upstream_failure_seconds = 300;
  upstream->reload(std::make_shared<const Settings>(settings));
  const auto asked_anew = [&](const std::string& name) {
    const std::size_t before = national->count(name);
    ask(name);
    return national->count(name) != before;
  };
  EXPECT_TRUE(asked_anew("88.1/a")) << "other settings";
  upstream->drop_prefix("88.1");
  EXPECT_TRUE(asked_anew("88.1/a")) << "its prefix has a home here";
  upstream->drop("88.1/a");
  EXPECT_TRUE(asked_anew("88.1/a"));
  // And so does the server, as soon as it answers anything: fresh at once, not after five minutes.
  national->set_script(speaks());
  EXPECT_EQ(ask("88.1/c").code, ResponseCode::kSuccess);
  EXPECT_EQ(ask("88.1/a").code, ResponseCode::kSuccess);
  // Control: not remembered, each costs its tries.
  national->set_script(silent());
  settings.limits.upstream_failure_seconds = 0;
  upstream->reload(std::make_shared<const Settings>(settings));
  for (int i = 0; i < 3; ++i) ask("88.1/d");
  EXPECT_EQ(national->count("88.1/d"), 3 * kTries);
  std::cout << "upstream: U9 silent asked=" << kAsked << " from_memory=" << kept
            << " messages=" << kTries * (kAsked - kept) << " control_messages=6/3\n";
}

// The same for the site of a prefix: names of it cost nothing while nobody can be found that has them.
TEST_F(Keeping, APrefixThatNobodyTellsIsRemembered) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  constexpr std::uint64_t kAsked = 10, kTries = 2;
  for (std::uint64_t i = 0; i < kAsked; ++i)
    EXPECT_EQ(ask("88.7/" + std::to_string(i)).outcome, Outcome::kTimeout);
  const std::uint64_t kept = counters().kept_failures;
  EXPECT_GE(kept, 1U);
  EXPECT_EQ(counters().prefix_queries, kTries * (kAsked - kept));
  national->set_script(prefix_record("88.7", {site_value(1, site_at(node->endpoint(), Offer::kTcp))}));
  EXPECT_EQ(ask_until("88.7/x", "88.7/x"), "88.7/x");
  std::cout << "upstream: U9 prefix asked=" << kAsked << " from_memory=" << kept
            << " messages=" << kTries * (kAsked - kept) << "\n";
}

// U11: an expired answer while upstream is dead, for as long as is allowed and no longer, and afterwards the
// fresh one; by the cache's own clock at the edges, on the wire in between.
TEST_F(Keeping, StaleAnswersAreBounded) {
  settings.limits.cache_stale_seconds = 3;
  settings.limits.cache_stale_after_ms = 150;
  settings.limits.upstream_try_ms = 6'000;
  settings.limits.upstream_deadline_ms = 8'000;
  std::atomic<int> version{1};
  const Script versions = [&](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "URL", "v" + std::to_string(version.load()), 1)};
    return answer(s, c);
  };
  national->set_script(versions);
  EXPECT_EQ(first_data(ask("88.1/a")), "v1");
  const auto kept_at = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  // Upstream is slow, the client is not made to wait for it; who joins meanwhile is answered at once; and
  // what upstream says in the end is kept.
  version.store(2);
  std::atomic<int> delay{2'500};
  national->set_script([&, versions](const Seen& s) {
    std::vector<Piece> pieces = versions(s);
    pieces[0].after_ms = delay.load();
    return pieces;
  });
  const Timed slow = timed(question("88.1/a"));
  EXPECT_EQ(first_data(slow.answer), "v1");
  EXPECT_LT(slow.ms, 2'500);
  EXPECT_EQ(counters().stale_answers, 1U);
  const Timed joined = timed(question("88.1/a"));
  EXPECT_EQ(first_data(joined.answer), "v1");
  EXPECT_EQ(counters().stale_answers, 2U);
  EXPECT_EQ(counters().waiting, 0U);
  EXPECT_EQ(counters().in_flight, 1U);
  EXPECT_EQ(national->count(), 2U);
  const auto until = kept_at + std::chrono::seconds(15);
  while (counters().in_flight != 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(first_data(ask("88.1/a")), "v2") << "fresh again";
  // Dead for longer than that: an error, not what was.
  national->set_script(silent());
  settings.limits.upstream_try_ms = kTryMs;
  settings.limits.upstream_deadline_ms = kDeadlineMs;
  upstream->reload(std::make_shared<const Settings>(settings));
  std::this_thread::sleep_for(std::chrono::milliseconds(4'300));
  const Timed dead = timed(question("88.1/a"));
  EXPECT_EQ(dead.answer.code, ResponseCode::kError);
  const std::uint64_t stale = counters().stale_answers;
  // A name without an expired answer waits for upstream, and fails with it.
  EXPECT_EQ(ask("88.1/other").code, ResponseCode::kError);
  EXPECT_EQ(counters().stale_answers, stale);
  version.store(3);
  national->set_script(versions);
  const auto back = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_until("88.1/a", "v3"), "v3");
  const double recovery =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - back).count();
  EXPECT_LE(recovery, 30'000);
  std::cout << "upstream: U11 stale_after_ms=150 answered_ms=" << slow.ms << " joined_ms=" << joined.ms
            << " stale_answers=" << stale << " beyond_most=" << static_cast<int>(dead.answer.code)
            << " recovered_ms=" << recovery << "\n";
}

// Off by default: an expired answer is not given, however long upstream takes.
TEST_F(Keeping, NothingStaleByDefault) {
  EXPECT_EQ(Limits{}.cache_stale_seconds, 0U);
  EXPECT_EQ(Limits{}.cache_stale_after_ms, 1'800U);
  national->set_script([](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "URL", "v1", 1)};
    return answer(s, c);
  });
  EXPECT_EQ(first_data(ask("88.1/a")), "v1");
  national->set_script(silent());
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  EXPECT_EQ(ask("88.1/a").code, ResponseCode::kError);
  EXPECT_EQ(counters().stale_answers, 0U);
  std::cout << "upstream: U11 control default_stale_answers=0\n";
}

}  // namespace
}  // namespace idnode::test
