// The checker itself: twenty histories that no order explains must be refused, and their lawful neighbours
// taken.
#include "tests/system/linear/history.h"

#include <gtest/gtest.h>

#include <random>

namespace idnode::linear {
namespace {

constexpr Kind kC = Kind::kCreate;
constexpr Kind kM = Kind::kModify;
constexpr Kind kD = Kind::kDelete;
constexpr Kind kR = Kind::kRead;
constexpr Outcome kOk = Outcome::kDone;
constexpr Outcome kNo = Outcome::kRefused;
constexpr Outcome kWho = Outcome::kUnknown;

struct Named {
  const char* what;
  History history;
};

// Each operation: kind, value, outcome, asked, answered.
const Named kBad[] = {
    {"a record nobody made", {{kR, 1, kOk, 0, 1}}},
    {"an acknowledged create is gone", {{kC, 1, kOk, 0, 1}, {kR, 0, kNo, 2, 3}}},
    {"an acknowledged modify is gone", {{kC, 1, kOk, 0, 1}, {kM, 2, kOk, 2, 3}, {kR, 1, kOk, 4, 5}}},
    {"a deleted record is back", {{kC, 1, kOk, 0, 1}, {kD, 0, kOk, 2, 3}, {kR, 1, kOk, 4, 5}}},
    {"two creates succeed", {{kC, 1, kOk, 0, 5}, {kC, 2, kOk, 0, 5}}},
    {"two creates succeed, one after the other", {{kC, 1, kOk, 0, 1}, {kC, 2, kOk, 2, 3}}},
    {"a create is refused without a record", {{kC, 1, kNo, 0, 1}}},
    {"a create is refused after a delete", {{kC, 1, kOk, 0, 1}, {kD, 0, kOk, 2, 3}, {kC, 2, kNo, 4, 5}}},
    {"a modify of nothing succeeds", {{kM, 1, kOk, 0, 1}}},
    {"a modify is refused although there is one", {{kC, 1, kOk, 0, 1}, {kM, 2, kNo, 2, 3}}},
    {"a delete of nothing succeeds", {{kD, 0, kOk, 0, 1}}},
    {"two deletes succeed", {{kC, 1, kOk, 0, 1}, {kD, 0, kOk, 2, 6}, {kD, 0, kOk, 2, 6}}},
    {"a delete is refused although there is one", {{kC, 1, kOk, 0, 1}, {kD, 0, kNo, 2, 3}}},
    {"a read from the future", {{kR, 1, kOk, 0, 1}, {kC, 1, kOk, 2, 3}}},
    {"a value never written", {{kC, 1, kOk, 0, 1}, {kM, 2, kOk, 2, 3}, {kR, 3, kOk, 4, 5}}},
    {"two readers disagree on the order",
     {{kC, 9, kOk, 0, 1},
      {kM, 1, kOk, 2, 20},
      {kM, 2, kOk, 2, 20},
      {kR, 1, kOk, 3, 4},
      {kR, 2, kOk, 5, 6},
      {kR, 1, kOk, 7, 8}}},
    {"new, then old again while the write is open",
     {{kC, 1, kOk, 0, 1}, {kM, 2, kOk, 2, 9}, {kR, 2, kOk, 3, 4}, {kR, 1, kOk, 5, 6}}},
    {"an unknown write was seen and is gone",
     {{kC, 1, kOk, 0, 1}, {kM, 2, kWho, 2, kOpen}, {kR, 2, kOk, 3, 4}, {kR, 1, kOk, 5, 6}}},
    {"an unknown delete took effect before it was asked",
     {{kC, 1, kOk, 0, 1}, {kR, 0, kNo, 2, 3}, {kD, 0, kWho, 4, kOpen}}},
    {"an unknown create took effect twice",
     {{kC, 1, kWho, 0, kOpen},
      {kR, 1, kOk, 1, 2},
      {kD, 0, kOk, 3, 4},
      {kR, 0, kNo, 5, 6},
      {kR, 1, kOk, 7, 8}}},
};

const Named kGood[] = {
    {"nothing", {}},
    {"a life",
     {{kR, 0, kNo, 0, 1},
      {kC, 1, kOk, 2, 3},
      {kC, 2, kNo, 4, 5},
      {kR, 1, kOk, 6, 7},
      {kM, 2, kOk, 8, 9},
      {kR, 2, kOk, 10, 11},
      {kD, 0, kOk, 12, 13},
      {kD, 0, kNo, 14, 15},
      {kC, 3, kOk, 16, 17}}},
    {"one of two creates", {{kC, 1, kOk, 0, 5}, {kC, 2, kNo, 0, 5}, {kR, 1, kOk, 6, 7}}},
    {"old and then new while the write is open",
     {{kC, 1, kOk, 0, 1}, {kM, 2, kOk, 2, 9}, {kR, 1, kOk, 3, 4}, {kR, 2, kOk, 5, 6}}},
    {"an unknown write that took effect late",
     {{kC, 1, kOk, 0, 1}, {kM, 2, kWho, 2, kOpen}, {kR, 1, kOk, 3, 4}, {kR, 2, kOk, 5, 6}}},
    {"an unknown write that never did", {{kC, 1, kOk, 0, 1}, {kD, 0, kWho, 2, kOpen}, {kR, 1, kOk, 3, 4}}},
    {"answers that touch", {{kC, 1, kOk, 0, 2}, {kR, 0, kNo, 2, 3}}},
};

TEST(Linear, BadHistoriesAreSeen) {
  static_assert(std::size(kBad) == 20);
  int seen = 0;
  for (const Named& bad : kBad) {
    EXPECT_FALSE(linearizable(bad.history)) << bad.what;
    seen += linearizable(bad.history) ? 0 : 1;
  }
  std::printf("linear: planted=%zu seen=%d\n", std::size(kBad), seen);
}

TEST(Linear, LawfulNeighboursAreTaken) {
  for (const Named& good : kGood) EXPECT_TRUE(linearizable(good.history)) << good.what;
}

// Eight clients whose operations take effect at a known moment, and the same with one answer changed.
History made(std::mt19937& random, int operations) {
  History history;
  std::uint32_t state = kAbsent;
  Time now = 0;
  for (int i = 0; i < operations; ++i) {
    now += 10;
    Operation op{.kind = static_cast<Kind>(random() % 4), .value = static_cast<std::uint32_t>(i) + 1};
    const bool there = state != kAbsent;
    op.outcome = (op.kind == Kind::kCreate) != there ? Outcome::kDone : Outcome::kRefused;
    if (op.kind == Kind::kRead) op.value = state;
    if (op.outcome == Outcome::kDone && op.kind != Kind::kRead)
      state = op.kind == Kind::kDelete ? kAbsent : op.value;
    op.asked = now - static_cast<Time>(random() % 40);
    op.answered = now + 1 + static_cast<Time>(random() % 40);
    history.push_back(op);
  }
  return history;
}

TEST(Linear, LongHistoriesOfAKnownOrder) {
  std::mt19937 random(7);
  int spoiled = 0;
  for (int round = 0; round < 50; ++round) {
    History history = made(random, 300);
    ASSERT_TRUE(linearizable(history)) << describe(history);
    history.push_back({.kind = Kind::kRead, .value = 100'000, .asked = 100, .answered = 200});
    spoiled += linearizable(history) ? 0 : 1;
  }
  EXPECT_EQ(spoiled, 50);
}

}  // namespace
}  // namespace idnode::linear
