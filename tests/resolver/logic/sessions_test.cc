#include "resolver/logic/sessions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <set>
#include <thread>

namespace idnode {
namespace {

constexpr std::uint64_t kHour = 3'600'000;

Now at(std::uint64_t steady_ms) { return {1'700'000'000'000 + steady_ms, steady_ms}; }

std::unique_ptr<Session> from(std::string_view source, std::uint64_t idle_ms = kHour) {
  auto session = std::make_unique<Session>();
  session->key = std::string(32, 'k');
  session->idle_ms = idle_ms;
  session->source = parse_ip(source).value();
  return session;
}

Limits few(std::uint64_t all, std::uint64_t per_source) {
  Limits limits;
  limits.sessions = all;
  limits.sessions_per_source = per_source;
  return limits;
}

TEST(Sessions, IdsAreRandomAndOfOurRange) {
  Sessions sessions{Limits{}};
  std::set<std::uint32_t> ids;
  std::set<std::uint32_t> shards;
  for (int i = 0; i < 200; ++i) {
    const auto session = sessions.open(from("10." + std::to_string(i) + ".0.1"), at(0));
    ASSERT_NE(session, nullptr);
    EXPECT_GE(session->id, 0x01000000u);
    EXPECT_LE(session->id, 0x7fffffffu);
    ids.insert(session->id);
    shards.insert(session->id & 63);
    const auto found = sessions.find(session->id, at(1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->session, session);
    EXPECT_FALSE(found->authenticated);
  }
  EXPECT_EQ(ids.size(), 200u);
  EXPECT_GT(shards.size(), 32u) << "sources spread over the shards";
  EXPECT_EQ(sessions.counters().live, 200u);
}

TEST(Sessions, ExpireWhenIdleOnUseAndBySweep) {
  Sessions sessions{Limits{}};
  const auto used = sessions.open(from("192.0.2.1", 1'000), at(0));
  const auto left = sessions.open(from("198.51.100.1", 1'000), at(0));
  EXPECT_TRUE(sessions.find(used->id, at(1'000)));
  EXPECT_TRUE(sessions.find(used->id, at(2'000))) << "use counts from itself";
  EXPECT_FALSE(sessions.find(used->id, at(3'001)));
  EXPECT_EQ(sessions.counters().expired, 1u);
  EXPECT_EQ(sessions.counters().live, 1u) << "nobody asked for the other";
  for (int shard = 0; shard < 64; ++shard) sessions.sweep(at(3'001));
  EXPECT_EQ(sessions.counters().expired, 2u);
  EXPECT_EQ(sessions.counters().live, 0u);
  EXPECT_EQ(sessions.accept(*left, 1), MacCheck::kGone);
}

TEST(Sessions, AClockThatGoesBackExpiresNothing) {
  Sessions sessions{Limits{}};
  const auto session = sessions.open(from("192.0.2.1", 1'000), at(10'000));
  EXPECT_TRUE(sessions.find(session->id, at(5'000)));
  EXPECT_TRUE(sessions.find(session->id, at(11'000)));
}

TEST(Sessions, ASourceOverItsShareLosesItsOwn) {
  Sessions sessions{few(100, 3)};
  const auto other = sessions.open(from("198.51.100.1"), at(0));
  const auto proven = sessions.open(from("192.0.2.1"), at(1));
  sessions.authenticate(*proven, 300);
  const auto quiet = sessions.open(from("192.0.2.200"), at(2));
  const auto busy = sessions.open(from("192.0.2.3"), at(3));
  EXPECT_TRUE(sessions.find(quiet->id, at(4)));
  EXPECT_TRUE(sessions.find(busy->id, at(5)));
  const auto fourth = sessions.open(from("192.0.2.4"), at(6));
  ASSERT_NE(fourth, nullptr);
  EXPECT_FALSE(sessions.find(quiet->id, at(7))) << "the quietest that has proven nothing";
  for (const auto& kept : {other, proven, busy, fourth}) EXPECT_TRUE(sessions.find(kept->id, at(7)));
  sessions.authenticate(*busy, 300);
  sessions.authenticate(*fourth, 300);
  ASSERT_NE(sessions.open(from("192.0.2.5"), at(8)), nullptr);
  EXPECT_FALSE(sessions.find(proven->id, at(9)))
      << "all have proven something: the one that was quiet longest";
  EXPECT_TRUE(sessions.find(other->id, at(9)));
  EXPECT_EQ(sessions.counters().evicted, 2u);
  EXPECT_EQ(sessions.counters().live, 4u);
}

TEST(Sessions, ATrustedSourceHasNoShare) {
  Sessions sessions{few(100, 3)};
  for (int i = 0; i < 10; ++i) {
    auto session = from("192.0.2.1");
    session->trusted = true;
    ASSERT_NE(sessions.open(std::move(session), at(0)), nullptr);
  }
  EXPECT_EQ(sessions.counters().live, 10u);
  EXPECT_EQ(sessions.counters().evicted, 0u);
}

TEST(Sessions, AFullTableRefusesWhoHoldsNone) {
  Sessions sessions{few(2, 0)};
  const auto a = sessions.open(from("192.0.2.1"), at(0));
  const auto b = sessions.open(from("198.51.100.1"), at(0));
  EXPECT_EQ(sessions.open(from("203.0.113.1"), at(60'000)), nullptr);
  EXPECT_EQ(sessions.counters().refused, 1u);
  const auto c = sessions.open(from("192.0.2.9"), at(60'000));
  ASSERT_NE(c, nullptr) << "a source that holds one loses it";
  EXPECT_FALSE(sessions.find(a->id, at(60'000)));
  EXPECT_TRUE(sessions.find(b->id, at(60'000)));
  EXPECT_EQ(sessions.counters().live, 2u);
}

TEST(Sessions, NobodyNearATrustedSourceEndsItsSessions) {
  Sessions sessions{few(100, 3)};
  std::vector<std::shared_ptr<const Session>> trusted;
  for (int i = 0; i < 5; ++i) {
    auto session = from("192.0.2.1");
    session->trusted = true;
    trusted.push_back(sessions.open(std::move(session), at(0)));
  }
  for (int i = 0; i < 10; ++i) ASSERT_NE(sessions.open(from("192.0.2.9"), at(1)), nullptr);
  for (const auto& each : trusted) EXPECT_TRUE(sessions.find(each->id, at(2)));
  EXPECT_EQ(sessions.counters().live, 8u);
}

TEST(Sessions, DatagramsTakeAQuarterAndOnlyFromEachOther) {
  Sessions sessions{few(8, 3)};
  const auto datagram = [](std::string_view source) {
    auto session = from(source);
    session->datagram = true;
    return session;
  };
  std::vector<std::shared_ptr<const Session>> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(sessions.open(from("192.0.2.1"), at(0)));
  EXPECT_EQ(sessions.open(datagram("192.0.2.1"), at(1)), nullptr) << "the share is used by others";
  const auto a = sessions.open(datagram("198.51.100.1"), at(1));
  const auto b = sessions.open(datagram("203.0.113.1"), at(1));
  ASSERT_TRUE(a && b);
  EXPECT_EQ(sessions.open(datagram("10.0.0.1"), at(2)), nullptr);
  EXPECT_NE(sessions.open(datagram("198.51.100.1"), at(3)), nullptr);
  EXPECT_FALSE(sessions.find(a->id, at(4)));
  EXPECT_NE(sessions.open(datagram("10.0.0.1"), at(61'000)), nullptr);
  for (const auto& each : kept) EXPECT_TRUE(sessions.find(each->id, at(61'000)));
  EXPECT_EQ(sessions.counters().live, 5u);
}

TEST(Sessions, WhoHasProvenNothingForAMinuteGivesWay) {
  Sessions sessions{few(64, 0)};
  std::vector<std::shared_ptr<const Session>> all;
  for (int i = 0; i < 64; ++i) all.push_back(sessions.open(from("10." + std::to_string(i) + ".0.1"), at(0)));
  for (std::size_t i = 0; i < all.size(); i += 2) sessions.authenticate(*all[i], 1);
  int taken = 0;
  for (int i = 64; i < 256; ++i)
    taken += sessions.open(from("10." + std::to_string(i) + ".0.1"), at(60'001)) != nullptr;
  EXPECT_EQ(taken, 32) << "in whichever shard they are";
  EXPECT_EQ(sessions.counters().live, 64u);
  for (std::size_t i = 0; i < all.size(); i += 2)
    EXPECT_TRUE(sessions.find(all[i]->id, at(60'001))) << "what has been proven stays";
}

TEST(Sessions, AnIdOfAClientBelongsToItsConnection) {
  Sessions sessions{Limits{}};
  const Address here = parse_ip("192.0.2.1").value();
  const auto bind = [&](std::uint64_t connection) {
    auto session = from("192.0.2.1");
    session->id = 10'001;
    session->connection = connection;
    return sessions.open(std::move(session), at(0));
  };
  const auto one = bind(1);
  const auto two = bind(2);
  ASSERT_NE(one, two);
  EXPECT_EQ(sessions.find(10'001, 1, here, at(1))->session, one);
  EXPECT_EQ(sessions.find(10'001, 2, here, at(1))->session, two);
  EXPECT_FALSE(sessions.find(10'001, 3, here, at(1)));
  EXPECT_FALSE(sessions.find(10'001, at(1))) << "it is no id of ours";
  const auto again = bind(1);
  EXPECT_EQ(sessions.find(10'001, 1, here, at(1))->session, again);
  EXPECT_EQ(sessions.accept(*one, 1), MacCheck::kGone) << "replaced, though the id lives";
  sessions.authenticate(*one, 5);
  EXPECT_FALSE(sessions.find(10'001, 1, here, at(1))->authenticated);
  sessions.end(*one);
  EXPECT_EQ(sessions.counters().live, 2u);
  sessions.end(*again);
  EXPECT_FALSE(sessions.find(10'001, 1, here, at(1)));
}

TEST(Sessions, CountersCountOnceInAnyOrder) {
  Sessions sessions{Limits{}};
  const auto session = sessions.open(from("192.0.2.1"), at(0));
  std::vector<std::uint32_t> counters(Sessions::kWindow);
  std::iota(counters.begin(), counters.end(), 1);
  std::shuffle(counters.begin(), counters.end(), std::mt19937(7));
  for (const std::uint32_t each : counters)
    EXPECT_EQ(sessions.accept(*session, each), MacCheck::kGood) << each;
  for (const std::uint32_t each : counters)
    EXPECT_EQ(sessions.accept(*session, each), MacCheck::kRepeated) << each;
  EXPECT_EQ(sessions.accept(*session, 0), MacCheck::kRepeated);
}

TEST(Sessions, BelowTheWindowEverythingIsTooOld) {
  Sessions sessions{Limits{}};
  const auto session = sessions.open(from("192.0.2.1"), at(0));
  const auto accept = [&](std::uint32_t counter) { return sessions.accept(*session, counter); };
  for (std::uint32_t i = 0; i < Sessions::kWindow; ++i) ASSERT_EQ(accept(1'000 + 2 * i), MacCheck::kGood);
  EXPECT_EQ(accept(999), MacCheck::kRepeated) << "not above the smallest";
  EXPECT_EQ(accept(1'001), MacCheck::kGood) << "between two of the window";
  EXPECT_EQ(accept(1'000), MacCheck::kRepeated) << "forgotten, and refused all the same";
  EXPECT_EQ(accept(1'001), MacCheck::kRepeated);
  EXPECT_EQ(accept(UINT32_MAX), MacCheck::kGood);
  EXPECT_EQ(accept(1'001), MacCheck::kRepeated) << "the smallest went";
  EXPECT_EQ(accept(1'003), MacCheck::kGood);
}

// Against a set that forgets nothing: whatever comes, no counter is taken twice, and one that is taken late
// was above the smallest of the last 200.
TEST(Sessions, NoCounterIsEverTakenTwice) {
  Sessions sessions{Limits{}};
  const auto session = sessions.open(from("192.0.2.1"), at(0));
  std::set<std::uint32_t> taken;
  std::mt19937 random(11);
  int refused_new = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t base = static_cast<std::uint32_t>(i / 4);
    const std::uint32_t counter = base + random() % 400 + 1;
    const bool fresh = sessions.accept(*session, counter) == MacCheck::kGood;
    if (fresh) {
      EXPECT_TRUE(taken.insert(counter).second) << counter;
    } else if (!taken.contains(counter)) {
      EXPECT_GE(std::distance(taken.upper_bound(counter), taken.end()),
                static_cast<std::ptrdiff_t>(Sessions::kWindow));
      ++refused_new;
    }
  }
  EXPECT_GT(refused_new, 0);
  EXPECT_GT(taken.size(), 4'000u);
}

// Opened, used, proven, ended and swept at once; of two that spend a counter one gets it.
TEST(Sessions, ManyThreadsKeepTheBooks) {
  Sessions sessions{few(40, 8)};
  const auto shared = sessions.open(from("203.0.113.1"), at(0));
  std::atomic<int> spent = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 1; i <= 400; ++i) {
        spent += sessions.accept(*shared, i) == MacCheck::kGood;
        shared->next_counter();
        sessions.find(shared->id, at(i));
        const auto own = sessions.open(from("10." + std::to_string((t + i) % 6) + ".0.1", 200), at(i));
        if (own == nullptr) continue;
        if (i % 3 == 0) sessions.authenticate(*own, 300);
        if (i % 2 == 0) sessions.end(*own);
        sessions.sweep(at(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // Every counter is met by whoever is first, in order for that thread: each is taken exactly once.
  EXPECT_EQ(spent.load(), 400);
  EXPECT_EQ(shared->next_counter(), 1'601u);
  const Sessions::Counters c = sessions.counters();
  EXPECT_LE(c.live, 40u);
  EXPECT_EQ(c.live, c.opened - c.ended - c.expired - c.evicted);
  EXPECT_GT(c.evicted, 0u);
}

}  // namespace
}  // namespace idnode
