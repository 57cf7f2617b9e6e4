#include "resolver/logic/challenges.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace idnode {
namespace {

Now at(std::uint64_t ms) { return {1'700'000'000'000 + ms, ms}; }

PendingChallenge challenge(std::string_view source, std::size_t octets = 100,
                           Transport transport = Transport::kTcp, std::uint64_t ms = 0) {
  PendingChallenge c;
  c.nonce = std::string(16, 'n');
  c.digest = std::string(32, 'd');
  c.message = std::string(octets, 'm');
  c.source = *parse_ip(source);
  c.transport = transport;
  c.created_steady_ms = ms;
  return c;
}

TEST(Challenges, GivesBackWhatWasPutOnce) {
  Challenges challenges{Limits{}};
  PendingChallenge c = challenge("192.0.2.1");
  c.message = "the stored request";
  c.envelope.request_id = 77;
  const std::uint32_t id = challenges.put(c, at(0));
  ASSERT_NE(id, 0U);
  const auto back = challenges.take(id, at(1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->id, id);
  EXPECT_EQ(back->message, "the stored request");
  EXPECT_EQ(back->envelope.request_id, 77U);
  EXPECT_FALSE(challenges.take(id, at(2)));
  EXPECT_EQ(challenges.counters().pending, 0U);
  EXPECT_EQ(challenges.counters().bytes, 0U);
}

TEST(Challenges, IdsAreDistinctPositiveAndAboveThoseOfTheSdk) {
  Challenges challenges{Limits{}};
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 60; ++i) ids.insert(challenges.put(challenge("192.0.2.1"), at(0)));
  for (int i = 0; i < 200; ++i) {
    ids.insert(challenges.put(challenge("10." + std::to_string(i) + ".0.1"), at(0)));
  }
  EXPECT_EQ(ids.size(), 260U);
  EXPECT_GE(*ids.begin(), 0x01000000U);
  EXPECT_LE(*ids.rbegin(), 0x7fffffffU);
  std::set<std::uint32_t> high;
  for (const std::uint32_t id : ids) high.insert(id >> 16);
  EXPECT_GT(high.size(), 200U) << "not random";
}

TEST(Challenges, ExpiresAtItsLifetime) {
  Limits limits;
  limits.challenge_seconds = 20;
  Challenges challenges{limits};
  const std::uint32_t early = challenges.put(challenge("192.0.2.1"), at(0));
  const std::uint32_t late = challenges.put(challenge("192.0.2.1"), at(0));
  EXPECT_TRUE(challenges.take(early, at(20'000)));
  EXPECT_FALSE(challenges.take(late, at(20'001)));
  EXPECT_EQ(challenges.counters().expired, 1U);
  EXPECT_EQ(challenges.counters().taken, 1U);
}

TEST(Challenges, SweepDropsOnlyWhatHasExpired) {
  Challenges challenges{Limits{}};
  challenges.put(challenge("192.0.2.1", 100, Transport::kTcp, 0), at(0));
  challenges.put(challenge("198.51.100.1", 100, Transport::kTcp, 0), at(0));
  const std::uint32_t young =
      challenges.put(challenge("192.0.2.1", 100, Transport::kTcp, 15'000), at(15'000));
  challenges.sweep(at(21'000));
  EXPECT_EQ(challenges.counters().pending, 1U);
  EXPECT_EQ(challenges.counters().expired, 2U);
  EXPECT_TRUE(challenges.take(young, at(21'000)));
  EXPECT_EQ(challenges.counters().bytes, 0U);
}

TEST(Challenges, SourceOverItsShareLosesItsOwnOldest) {
  Limits limits;
  limits.challenges_per_source = 4;
  Challenges challenges{limits};
  const std::uint32_t other = challenges.put(challenge("198.51.100.1"), at(0));
  std::vector<std::uint32_t> ids;
  // One /24 is one source.
  for (int i = 0; i < 6; ++i) ids.push_back(challenges.put(challenge("192.0.2." + std::to_string(i)), at(0)));
  EXPECT_EQ(challenges.counters().pending, 5U);
  EXPECT_EQ(challenges.counters().evicted, 2U);
  EXPECT_FALSE(challenges.take(ids[0], at(1)));
  EXPECT_FALSE(challenges.take(ids[1], at(1)));
  for (int i = 2; i < 6; ++i) EXPECT_TRUE(challenges.take(ids[static_cast<std::size_t>(i)], at(1))) << i;
  EXPECT_TRUE(challenges.take(other, at(1)));
}

TEST(Challenges, SixtyFourOfASourceByDefault) {
  Challenges challenges{Limits{}};
  for (int i = 0; i < 100; ++i) ASSERT_NE(challenges.put(challenge("192.0.2.1"), at(0)), 0U);
  EXPECT_EQ(challenges.counters().pending, 64U);
}

TEST(Challenges, AnIpv6SourceIsItsSlash56) {
  Limits limits;
  limits.challenges_per_source = 1;
  Challenges challenges{limits};
  const std::uint32_t first = challenges.put(challenge("2001:db8:0:100::1"), at(0));
  const std::uint32_t same = challenges.put(challenge("2001:db8:0:1ff::1"), at(0));
  const std::uint32_t next = challenges.put(challenge("2001:db8:0:200::1"), at(0));
  EXPECT_FALSE(challenges.take(first, at(1)));
  EXPECT_TRUE(challenges.take(same, at(1)));
  EXPECT_TRUE(challenges.take(next, at(1)));
}

TEST(Challenges, OctetsOfASourceAreBounded) {
  Challenges challenges{Limits{}};
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(challenges.put(challenge("192.0.2.1", 250'000), at(0)));
  EXPECT_EQ(challenges.counters().pending, 4U) << "4 of 250,000 octets in 1 MiB";
  EXPECT_LE(challenges.counters().bytes, std::uint64_t{1} << 20);
  EXPECT_FALSE(challenges.take(ids[1], at(1)));
  EXPECT_TRUE(challenges.take(ids[2], at(1)));
}

TEST(Challenges, OctetsInAllAreBoundedAndStrangersAreNotEvicted) {
  Limits limits;
  limits.challenge_bytes = 40'000;  // 30,000 for connections, 10,000 for datagrams
  Challenges challenges{limits};
  const std::uint32_t a = challenges.put(challenge("192.0.2.1", 14'000), at(0));
  const std::uint32_t b = challenges.put(challenge("198.51.100.1", 14'000), at(0));
  ASSERT_NE(a, 0U);
  ASSERT_NE(b, 0U);
  EXPECT_EQ(challenges.put(challenge("203.0.113.1", 14'000), at(0)), 0U) << "full by others";
  EXPECT_EQ(challenges.counters().refused, 1U);
  const std::uint32_t c = challenges.put(challenge("192.0.2.1", 14'000), at(0));
  EXPECT_NE(c, 0U) << "its own oldest makes room";
  EXPECT_FALSE(challenges.take(a, at(1)));
  EXPECT_TRUE(challenges.take(b, at(1)));
  EXPECT_TRUE(challenges.take(c, at(1)));
  EXPECT_NE(challenges.put(challenge("203.0.113.1", 14'000), at(1)), 0U);
}

TEST(Challenges, DatagramsHaveTheirOwnPoolAndShare) {
  Limits limits;
  limits.challenge_bytes = 40'000;
  limits.challenges_per_source = 1;
  Challenges challenges{limits};
  const std::uint32_t tcp = challenges.put(challenge("192.0.2.1"), at(0));
  const std::uint32_t udp = challenges.put(challenge("192.0.2.1", 100, Transport::kUdp), at(0));
  EXPECT_TRUE(challenges.take(tcp, at(1))) << "a forged datagram cost a connection its challenge";
  EXPECT_TRUE(challenges.take(udp, at(1)));
  int kept = 0;
  for (int i = 0; i < 100; ++i) {
    kept += challenges.put(challenge("10.0." + std::to_string(i) + ".1", 1'000, Transport::kUdp), at(1)) != 0;
  }
  EXPECT_GT(kept, 5);
  EXPECT_LT(kept, 10) << "datagrams fill a quarter";
  EXPECT_NE(challenges.put(challenge("192.0.2.1", 14'000), at(1)), 0U);
}

TEST(Challenges, LargeRequestsAreNotChallengedOnUdp) {
  Challenges challenges{Limits{}};
  EXPECT_EQ(challenges.put(challenge("192.0.2.1", 16'385, Transport::kUdp), at(0)), 0U);
  EXPECT_NE(challenges.put(challenge("192.0.2.1", 16'384, Transport::kUdp), at(0)), 0U);
  EXPECT_NE(challenges.put(challenge("192.0.2.1", 16'385, Transport::kTcp), at(0)), 0U);
}

TEST(Challenges, TrustedSourcesHaveNoShare) {
  Challenges challenges{Limits{}};
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 200; ++i) {
    PendingChallenge c = challenge("192.0.2.1");
    c.trusted = true;
    ids.push_back(challenges.put(c, at(0)));
  }
  EXPECT_EQ(challenges.counters().pending, 200U);
  for (const std::uint32_t id : ids) EXPECT_TRUE(challenges.take(id, at(1)));
  EXPECT_EQ(challenges.counters().bytes, 0U);
}

TEST(Challenges, ASessionHasOneChallenge) {
  Challenges challenges{Limits{}};
  PendingChallenge c = challenge("192.0.2.1");
  c.id = 4711;
  c.message = "first";
  EXPECT_EQ(challenges.put(c, at(0)), 4711U);
  c.message = "second";
  EXPECT_EQ(challenges.put(c, at(0)), 4711U);
  EXPECT_EQ(challenges.counters().pending, 1U);
  EXPECT_EQ(challenges.take(4711, at(0))->message, "second");
}

// Whoever knows the session's id could else put his own request in the place of any other.
TEST(Challenges, WhoHasNoMacDoesNotDisplaceWhoHas) {
  Challenges challenges{Limits{}};
  PendingChallenge c = challenge("192.0.2.1");
  c.id = 4711;
  c.session = std::make_shared<const Session>();
  c.mac = MacCheck::kGood;
  c.message = "the client's";
  EXPECT_EQ(challenges.put(c, at(0)), 4711U);
  PendingChallenge other = challenge("198.51.100.1");
  other.id = 4711;
  other.session = c.session;
  other.message = "a stranger's";
  for (const MacCheck mac : {MacCheck::kMissing, MacCheck::kWrong, MacCheck::kUnacceptable,
                             MacCheck::kRepeated, MacCheck::kGone}) {
    other.mac = mac;
    EXPECT_EQ(challenges.put(other, at(1)), 0U);
  }
  EXPECT_EQ(challenges.take(4711, at(1))->message, "the client's");
  // Its own next request takes the place, and so does anybody's once it has expired or the id is another's.
  EXPECT_EQ(challenges.put(other, at(2)), 4711U);
  EXPECT_EQ(challenges.put(c, at(2)), 4711U);
  c.message = "the client's next";
  EXPECT_EQ(challenges.put(c, at(2)), 4711U);
  EXPECT_EQ(challenges.take(4711, at(2))->message, "the client's next");
  EXPECT_EQ(challenges.put(c, at(2)), 4711U);
  other.created_steady_ms = 20'003;
  EXPECT_EQ(challenges.put(other, at(20'003)), 4711U);
  c.created_steady_ms = 20'003;
  EXPECT_EQ(challenges.put(c, at(20'003)), 4711U);
  other.session = std::make_shared<const Session>();
  EXPECT_EQ(challenges.put(other, at(20'003)), 4711U);
  EXPECT_EQ(challenges.counters().pending, 1U);
}

TEST(Challenges, OfManyTakersOneGetsIt) {
  Challenges challenges{Limits{}};
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < kEach; ++i) ids.push_back(challenges.put(challenge("192.0.2.1"), at(0)));
  std::array<int, kThreads> won{};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (const std::uint32_t id : ids)
          won[static_cast<std::size_t>(t)] += challenges.take(id, at(1)).has_value();
      });
    }
  }
  int all = 0;
  for (const int w : won) all += w;
  EXPECT_EQ(all, kEach);
}

TEST(Challenges, PutTakeSweepFromManyThreadsKeepTheBooks) {
  Limits limits;
  limits.challenges_per_source = 8;
  limits.challenge_bytes = 400'000;
  Challenges challenges{limits};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&challenges, t] {
      for (std::uint64_t i = 0; i < 2'000; ++i) {
        const std::string source = "10.0." + std::to_string(i % 7) + ".1";
        const Transport transport = i % 3 == 0 ? Transport::kUdp : Transport::kTcp;
        const std::uint32_t id = challenges.put(challenge(source, i % 5'000, transport, i), at(i));
        if (i % 2 == 0 && id != 0) challenges.take(id, at(i));
        if (i % 100 == static_cast<std::uint64_t>(t)) challenges.sweep(at(i));
      }
    });
  }
  threads.clear();
  Challenges::Counters c = challenges.counters();
  EXPECT_LE(c.bytes, 400'000U);
  EXPECT_EQ(c.put, c.pending + c.taken + c.expired + c.evicted);
  challenges.sweep(at(10'000'000));
  c = challenges.counters();
  EXPECT_EQ(c.pending, 0U);
  EXPECT_EQ(c.bytes, 0U);
}

}  // namespace
}  // namespace idnode
