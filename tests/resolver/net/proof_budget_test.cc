#include "resolver/net/proof_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "resolver/net/pools.h"

namespace idnode {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kStart = 1'000 * kSecond;

ProofParty party(std::string_view source, std::string_view identity = "88.1/A") {
  return {.source = parse_ip(source).value(), .identity = identity, .index = 300};
}

// Proofs that one after the other could be computed at once, each taking `cpu_us`.
int at_once(ProofBudget& budget, const Limits& limits, const ProofParty& who, std::uint64_t cpu_us,
            bool valid, std::uint64_t now_us, int most = 100'000) {
  for (int i = 0; i < most; ++i) {
    ProofBudget::Over over{};
    const auto ticket = budget.admit(limits, who, now_us, over);
    if (!ticket || ticket->delay_us != 0) return i;
    budget.charge(limits, *ticket, cpu_us, valid, now_us);
  }
  return most;
}

TEST(ProofBudget, ASourceHasAShareOfOneCore) {
  ProofBudget budget;
  const Limits limits;  // 25 % and 50 %
  // Two seconds saved up: half a second of CPU, a millisecond each.
  EXPECT_NEAR(at_once(budget, limits, party("192.0.2.1"), 1'000, true, kStart), 500, 2);
  EXPECT_NEAR(at_once(budget, limits, party("192.0.2.1"), 1'000, true, kStart + kSecond), 250, 2);
  EXPECT_EQ(at_once(budget, limits, party("192.0.2.1"), 1'000, true, kStart + kSecond), 0);
  EXPECT_GT(at_once(budget, limits, party("192.0.2.2", "88.1/B"), 1'000, true, kStart + kSecond), 400)
      << "another source";
}

TEST(ProofBudget, OverItAProofWaitsAndIsRefusedBeyondTwoSeconds) {
  ProofBudget budget;
  const Limits limits;
  at_once(budget, limits, party("192.0.2.1"), 1'000, true, kStart);
  std::uint64_t longest = 0;
  int waited = 0;
  ProofBudget::Over over{};
  while (const auto ticket = budget.admit(limits, party("192.0.2.1"), kStart, over)) {
    EXPECT_GE(ticket->delay_us, longest) << "in order";
    longest = ticket->delay_us;
    ASSERT_LT(++waited, 100'000) << "what waits is booked";
  }
  EXPECT_EQ(over, ProofBudget::Over::kSource);
  EXPECT_GT(waited, 100);
  EXPECT_LE(longest, ProofBudget::kLongestWaitUs);
  EXPECT_GT(longest, ProofBudget::kLongestWaitUs * 9 / 10);
}

TEST(ProofBudget, AnIdentityHasAShareAcrossItsSources) {
  ProofBudget budget;
  const Limits limits;
  int total = 0;
  for (int i = 1; i <= 20; ++i)
    total += at_once(budget, limits, party("10.0." + std::to_string(i) + ".1"), 1'000, true, kStart);
  EXPECT_NEAR(total, 1'000, 4) << "two seconds at 50 %";
  ProofBudget::Over over{};
  const auto ticket = budget.admit(limits, party("10.0.99.1"), kStart, over);
  EXPECT_EQ(over, ProofBudget::Over::kIdentity);
  EXPECT_TRUE(!ticket || ticket->delay_us != 0);
  EXPECT_GT(at_once(budget, limits, party("10.0.99.1", "88.1/OTHER"), 1'000, true, kStart), 400);
}

TEST(ProofBudget, AWrongProofIsPaidByItsSourceAlone) {
  ProofBudget budget;
  const Limits limits;
  for (int i = 1; i <= 50; ++i) {
    // Four times: 125 instead of 500.
    EXPECT_NEAR(at_once(budget, limits, party("10.0." + std::to_string(i) + ".1"), 1'000, false, kStart), 125,
                2);
  }
  EXPECT_NEAR(at_once(budget, limits, party("192.0.2.1"), 1'000, true, kStart), 500, 2)
      << "the identity that all of them claimed pays nothing";
}

TEST(ProofBudget, TrustedSourcesUnlimitedSharesAndDatagrams) {
  ProofBudget budget;
  Limits limits;
  ProofParty trusted = party("192.0.2.1", "");
  trusted.trusted = true;
  EXPECT_EQ(at_once(budget, limits, trusted, 1'000, true, kStart, 5'000), 5'000);
  ProofParty udp = party("192.0.2.1", "");
  udp.udp = true;
  EXPECT_NEAR(at_once(budget, limits, udp, 1'000, false, kStart), 125, 2);
  EXPECT_NEAR(at_once(budget, limits, party("192.0.2.1", ""), 1'000, true, kStart), 500, 2)
      << "forged datagrams use up nothing of a connection's source";
  limits.proof_cpu_source_percent = 0;
  EXPECT_EQ(at_once(budget, limits, party("192.0.2.3", ""), 1'000, true, kStart, 5'000), 5'000);
}

TEST(ProofBudget, ManyPartiesAreForgottenNotKept) {
  ProofBudget budget;
  const Limits limits;
  for (int i = 0; i < 200'000; ++i) {
    const std::string source =
        "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255);
    ProofBudget::Over over{};
    const auto ticket = budget.admit(limits, party(source, ""), kStart + static_cast<std::uint64_t>(i), over);
    ASSERT_TRUE(ticket);
    budget.charge(limits, *ticket, 10, true, kStart + static_cast<std::uint64_t>(i));
  }
  EXPECT_LE(budget.accounts(), 16u * 4'096);
}

TEST(PoolLater, RunsWhenDueAndInOrderOfTime) {
  using namespace std::chrono_literals;
  Pool pool("later", 2, 3);
  std::atomic<int> ran = 0;
  std::atomic<std::int64_t> late_us = -1;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(pool.submit_later(60ms, [&] {
    late_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start)
                  .count();
    ++ran;
  }));
  ASSERT_TRUE(pool.submit_later(1h, [&] { ran += 100; }));
  ASSERT_TRUE(pool.submit([&] { ++ran; }));
  while (ran.load() < 2 && std::chrono::steady_clock::now() - start < 30s) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(ran.load(), 2);
  EXPECT_GE(late_us.load(), 60'000);
  EXPECT_EQ(pool.counters().waiting, 1u) << "what is not due waits";
  ASSERT_TRUE(pool.submit_later(1h, [] {}));
  ASSERT_TRUE(pool.submit_later(1h, [] {}));
  EXPECT_FALSE(pool.submit_later(1h, [] {})) << "it counts against the bound";
  EXPECT_FALSE(pool.submit([] {}));
}

}  // namespace
}  // namespace idnode
