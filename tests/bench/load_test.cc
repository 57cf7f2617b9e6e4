// The parts of idload that judge: histogram, Zipf's law, the window, the check of an answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "bench/load/check.h"
#include "bench/load/histogram.h"
#include "bench/load/keys.h"
#include "bench/load/names.h"
#include "bench/load/questions.h"
#include "bench/load/records.h"
#include "bench/load/window.h"
#include "protocol/handle/fragment.h"
#include "protocol/handle/response.h"

namespace idnode::load {
namespace {

TEST(Histogram, QuantilesAreWithinOneSixtyFourth) {
  Histogram h;
  EXPECT_EQ(h.quantile(0.5), 0U);
  Random random(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random.next() >> (random.next() % 60));
    h.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
    const std::uint64_t exact = values[rank - 1];
    EXPECT_GE(h.quantile(q), exact) << q;
    EXPECT_LE(h.quantile(q) - exact, exact / 64 + 1) << q;
  }
  EXPECT_EQ(h.quantile(1), values.back());
  EXPECT_EQ(h.max(), values.back());
  EXPECT_EQ(h.count(), values.size());
}

TEST(Histogram, EdgesHaveAPlace) {
  for (const std::uint64_t v : {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{127},
                                std::uint64_t{128}, ~std::uint64_t{0}}) {
    Histogram h;
    h.add(v);
    EXPECT_EQ(h.quantile(1), v);
    Histogram sum;
    sum.merge(h);
    EXPECT_EQ(sum.max(), v);
    EXPECT_EQ(sum.count(), 1U);
  }
}

TEST(Zipf, FrequenciesFollowTheLaw) {
  for (const double s : {0.5, 1.0, 1.5}) {
    constexpr std::uint64_t kCount = 1'000;
    constexpr int kDraws = 400'000;
    const Zipf law(kCount, s);
    Random random(3);
    std::vector<int> seen(kCount);
    for (int i = 0; i < kDraws; ++i) {
      const std::uint64_t rank = law.next(random);
      ASSERT_LT(rank, kCount);
      ++seen[rank];
    }
    double sum = 0;
    for (std::uint64_t r = 1; r <= kCount; ++r) sum += std::pow(static_cast<double>(r), -s);
    for (const std::uint64_t r : {1, 2, 3, 10, 100}) {
      const double expected = kDraws * std::pow(static_cast<double>(r), -s) / sum;
      EXPECT_NEAR(seen[r - 1], expected, 5 * std::sqrt(expected) + 1) << "s " << s << " rank " << r;
    }
  }
  Random random(1);
  EXPECT_EQ(Zipf(1, 1.1).next(random), 0U);
}

TEST(KeyPicker, StaysBelowItsBoundAndReachesEverything) {
  for (const double s : {0.0, 0.8}) {
    for (const std::uint64_t count : {1U, 2U, 37U}) {
      KeyPicker picker(count, s, 5);
      std::set<std::uint32_t> seen;
      for (int i = 0; i < 20'000; ++i) seen.insert(picker.next());
      EXPECT_EQ(seen.size(), count);
      EXPECT_LT(*seen.rbegin(), count);
    }
  }
  KeyPicker a(1'000'000, 0, 9);
  KeyPicker b(1'000'000, 0, 9);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Window, AnAnswerIsTakenOnceAndOldOnesAreLost) {
  Window window(3, 10, 0xffff'ffff);  // a ring of four
  UnderWay got;
  const std::uint32_t id = window.add(7, 100);
  EXPECT_EQ(window.size(), 1U);
  EXPECT_FALSE(window.take(id + 4, got)) << "same place, other id";
  ASSERT_TRUE(window.take(id, got));
  EXPECT_EQ(got.key, 7U);
  EXPECT_EQ(got.since_ns, 100U);
  EXPECT_FALSE(window.take(id, got));

  for (std::uint32_t i = 0; i < 5; ++i) window.add(i, 200 + i);
  EXPECT_EQ(window.size(), 4U);
  EXPECT_EQ(window.take_lost(), 1U) << "the first one's place came again";
  EXPECT_EQ(window.expire(203), 2U);
  EXPECT_EQ(window.size(), 2U);
  EXPECT_EQ(window.take_lost(), 2U);
  EXPECT_EQ(window.take_lost(), 0U);
}

TEST(Window, IdsAreCutToTheMask) {
  Window window(4, 0xfffe, 0xffff);
  EXPECT_EQ(window.add(1, 1), 0xfffeU);
  EXPECT_EQ(window.add(2, 1), 0xffffU);
  EXPECT_EQ(window.add(3, 1), 0U);
  UnderWay got;
  EXPECT_TRUE(window.take(0, got));
  EXPECT_EQ(got.key, 3U);
}

TEST(Names, PatternAndFile) {
  const Names numbered({.ids = {}, .pattern = "88.118.1/{:08}", .keys = 3, .first = 40});
  EXPECT_EQ(numbered.count(), 3U);
  EXPECT_EQ(numbered[2], "88.118.1/00000042");

  const std::string path = ::testing::TempDir() + "load_test.ids";
  std::ofstream(path) << "a/1\r\n\nb/2\nc/3\n";
  EXPECT_EQ(Names({.ids = path})[0], "a/1");
  EXPECT_EQ(Names({.ids = path}).count(), 3U);
  EXPECT_EQ(Names({.ids = path, .keys = 2}).count(), 2U);
  std::ofstream(path) << "\n";
  EXPECT_THROW(Names({.ids = path}), Stop);
  EXPECT_THROW(Names({.ids = path + ".absent"}), Stop);
}

struct Answered {
  Answered() : names({.pattern = "88.118.1/{:08}", .keys = 100}), questions(names, Payload::kHandle) {
    const std::string values = values_of(names[5]);
    handle::Response response;
    response.header.opcode = 1;
    response.header.response_code = 1;
    response.name = questions[5].name;
    response.has_values = true;
    response.values = {.count = kValuesOfRecord, .encoded = values};
    handle::encode_response(response, {}, octets);
  }
  bool right(const std::string& answer, Expected expected = {}) const {
    return HandleDialect::right(answer, questions[5], expected);
  }

  Names names;
  Questions questions;
  std::string octets;
};

TEST(Check, TheRightAnswerIsRight) {
  const Answered a;
  EXPECT_EQ(a.octets.size(), 300U) << "what the bench calls an answer of 300 octets";
  EXPECT_TRUE(a.right(a.octets));
  EXPECT_TRUE(a.right(a.octets, {.code = 1, .values = 5}));
  EXPECT_EQ(a.questions[5].name, "88.118.1/00000005");
  EXPECT_EQ(HandleDialect::frame_size(a.octets), 300U);
  EXPECT_EQ(HandleDialect::frame_size(a.octets.substr(0, 299)), 0U);
  EXPECT_EQ(HandleDialect::frame_size(a.octets.substr(0, 19)), 0U);
}

TEST(Check, EverythingElseIsWrong) {
  const Answered a;
  EXPECT_FALSE(a.right(a.octets, {.code = 1, .values = 4}));
  EXPECT_FALSE(a.right(a.octets, {.code = 100, .values = 0}));
  EXPECT_FALSE(a.right(std::string(a.questions[5].frame))) << "an echo";
  EXPECT_FALSE(a.right("")) << "nothing";
  EXPECT_FALSE(HandleDialect::right(a.octets, a.questions[6], {})) << "another identifier's answer";
  // Opcode, code, lengths, name, count, and the lengths within the values: whatever octet of these is
  // spoiled is noticed. Indexes, times, types and data themselves are not looked at.
  std::size_t noticed = 0;
  for (std::size_t i = 20; i < a.octets.size() - 4; ++i) {
    std::string spoiled = a.octets;
    spoiled[i] = static_cast<char>(spoiled[i] ^ 0x55);
    noticed += a.right(spoiled) ? 0 : 1;
  }
  EXPECT_GE(noticed, 4U + 4 + 4 + 4 + 17 + 4 + 5 * 12);
  for (const std::size_t at : {20, 24, 40, 44, 48, 65}) {
    std::string spoiled = a.octets;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 0x55);
    EXPECT_FALSE(a.right(spoiled)) << at;
  }
  EXPECT_EQ(HandleDialect::frame_size(std::string(20, '\xff')), 21U) << "no answer is so long";
}

// Cutting an answer anywhere is no answer, and never read beyond: the copies are of exactly that size.
TEST(Check, CutAnswers) {
  const Answered a;
  for (std::size_t n = 0; n < a.octets.size() - 4; ++n) {
    std::vector<char> exact(a.octets.begin(), a.octets.begin() + static_cast<std::ptrdiff_t>(n));
    const std::string_view cut(exact.data(), exact.size());
    if (n >= 69) continue;  // what a first datagram may hold: judged by its head
    EXPECT_FALSE(HandleDialect::right(cut, a.questions[5], {})) << n;
  }
}

TEST(Check, RequestIds) {
  const Answered a;
  std::string frame(a.questions[5].frame);
  HandleDialect::put_id(frame.data(), 0x0102'0304);
  std::uint32_t id = 0;
  ASSERT_TRUE(HandleDialect::read_id(frame, id));
  EXPECT_EQ(id, 0x0102'0304U);
  frame[15] = 1;  // a later datagram
  EXPECT_FALSE(HandleDialect::read_id(frame, id));
}

TEST(Check, Dns) {
  const Names names({.pattern = "n{:08}.bench.test", .keys = 100});
  const Questions questions(names, Payload::kDns);
  const Question q = questions[5];
  std::string answer(q.frame);
  DnsDialect::put_id(answer.data(), 0xabcd);
  std::uint32_t id = 0;
  ASSERT_TRUE(DnsDialect::read_id(answer, id));
  EXPECT_EQ(id, 0xabcdU);
  EXPECT_FALSE(DnsDialect::right(answer, q, {})) << "an echo";
  answer[2] = static_cast<char>(0x84);
  answer[7] = 1;
  EXPECT_TRUE(DnsDialect::right(answer, q, {}));
  EXPECT_FALSE(DnsDialect::right(answer, questions[6], {}));
  answer[3] = 3;  // no such name
  EXPECT_FALSE(DnsDialect::right(answer, q, {}));
  EXPECT_THROW(Questions(Names({.pattern = "a..{}", .keys = 2}), Payload::kDns), Stop);
}

}  // namespace
}  // namespace idnode::load
