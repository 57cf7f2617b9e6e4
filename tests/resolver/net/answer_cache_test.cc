// BEHAVIOUR.md §17.3, row by row, with a clock that the test turns.
#include "resolver/net/answer_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "protocol/handle/request.h"
#include "protocol/value.h"

namespace idnode {
namespace {

using handle::ResponseCode;
namespace flag = handle::flag;

constexpr Now kStart{1'800'000'000'000, 5'000'000};
constexpr CacheTimes kTimes{3'600, 30, 0};

Now after(std::uint64_t seconds) { return {kStart.ms + seconds * 1000, kStart.steady_ms + seconds * 1000}; }

Question question(std::string name, std::vector<std::uint32_t> indexes = {},
                  std::vector<std::string> types = {}, std::uint32_t flags = flag::kClientDefault) {
  Question q;
  q.name = std::move(name);
  q.flags = flags;
  handle::encode_indexes(indexes, q.indexes);
  handle::encode_texts(types, q.types);
  return q;
}

Value value(std::uint32_t index, std::string type, std::string data, std::uint32_t ttl = 86'400,
            std::uint8_t ttl_type = kTtlRelative) {
  Value v;
  v.index = index;
  v.type = std::move(type);
  v.data = std::move(data);
  v.ttl = ttl;
  v.ttl_type = ttl_type;
  return v;
}

Value restricted(std::uint32_t index, std::string type, std::string data, std::uint32_t ttl) {
  Value v = value(index, std::move(type), std::move(data), ttl);
  v.permissions = kAdminRead | kAdminWrite;
  return v;
}

ForwardAnswer success(const std::vector<Value>& values) {
  ForwardAnswer a;
  a.outcome = ForwardAnswer::Outcome::kAnswered;
  a.code = ResponseCode::kSuccess;
  a.value_count = static_cast<std::uint32_t>(values.size());
  encode_all(values, a.values);
  return a;
}

ForwardAnswer failure(ResponseCode code) {
  ForwardAnswer a;
  a.outcome = ForwardAnswer::Outcome::kNotFound;
  a.code = code;
  return a;
}

// BEHAVIOUR §20.37: a ttl of 0 is not kept, an absolute one ends at its time.
TEST(AnswerCache, LifetimeTable) {
  const std::uint32_t now = kStart.seconds();
  struct Row {
    const char* what;
    ForwardAnswer answer;
    std::uint32_t keep;
  };
  const Row rows[] = {
      {"relative", success({value(1, "URL", "a", 60)}), 60},
      {"least of all", success({value(1, "URL", "a", 600), value(2, "EMAIL", "b", 7)}), 7},
      {"capped by cache_ttl_seconds", success({value(1, "URL", "a", 86'400)}), 3'600},
      {"zero", success({value(1, "URL", "a", 0)}), 0},
      {"zero among others", success({value(1, "URL", "a", 60), value(2, "URL", "b", 0)}), 0},
      {"absolute, to come", success({value(1, "URL", "a", now + 90, kTtlAbsolute)}), 90},
      {"absolute, now", success({value(1, "URL", "a", now, kTtlAbsolute)}), 0},
      {"absolute, past", success({value(1, "URL", "a", now - 1, kTtlAbsolute)}), 0},
      {"absolute, far", success({value(1, "URL", "a", 0xfffffff0, kTtlAbsolute)}), 3'600},
      {"greatest positive", success({value(1, "URL", "a", 0x7fffffff)}), 3'600},
      {"negative", success({value(1, "URL", "a", 0x80000000)}), 0},
      {"minus one", success({value(1, "URL", "a", 0xffffffff)}), 0},
      {"unknown kind", success({value(1, "URL", "a", 60, 7)}), 0},
      {"a secret key", success({value(1, "URL", "a", 60), value(2, "HS_SECKEY", "s", 60)}), 0},
      {"not for the public", success({value(1, "URL", "a", 60), restricted(2, "NOTE", "r", 60)}), 0},
      {"only for its readers", success({restricted(2, "NOTE", "r", 60)}), 0},
      {"no values", success({}), 3'600},
      {"100", failure(ResponseCode::kHandleNotFound), 30},
      {"200", failure(ResponseCode::kValuesNotFound), 30},
      {"301", failure(ResponseCode::kNotResponsible), 0},
      {"2", failure(ResponseCode::kError), 0},
      {"3", failure(ResponseCode::kTooBusy), 0},
      {"401", failure(ResponseCode::kInsufficientPermissions), 0},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(keep_seconds(row.answer, kTimes, kStart), row.keep) << row.what;
    // And the table keeps exactly as long.
    AnswerCache cache({64, 1 << 20, 1 << 18});
    cache.put(question("88.9/X"), row.answer, kTimes, kStart);
    ForwardAnswer found;
    EXPECT_EQ(cache.find(question("88.9/X"), kStart, found), row.keep > 0) << row.what;
    if (row.keep == 0) continue;
    EXPECT_EQ(found.code, row.answer.code) << row.what;
    EXPECT_EQ(found.values, row.answer.values) << row.what;
    EXPECT_TRUE(cache.find(question("88.9/X"), after(row.keep - 1), found)) << row.what;
    EXPECT_FALSE(cache.find(question("88.9/X"), after(row.keep), found)) << row.what;
  }
  // No setting goes beyond two days.
  EXPECT_EQ(keep_seconds(success({value(1, "URL", "a", 0x7fffffff)}), {0xffffffff, 0, 0}, kStart),
            kCacheHardCapSeconds);
  EXPECT_EQ(keep_seconds(failure(ResponseCode::kHandleNotFound), {3'600, 0, 0}, kStart), 0U);
}

TEST(AnswerCache, KeyFoldsThePrefixOnlyAndSortsFilters) {
  const auto same = [](const Question& a, const Question& b) {
    const CacheKey x = cache_key(a), y = cache_key(b);
    return x.name == y.name && x.filter == y.filter;
  };
  EXPECT_TRUE(same(question("88.9/Abc"), question("88.9/Abc")));
  EXPECT_TRUE(same(question("ab.9/Abc"), question("AB.9/Abc")));
  EXPECT_FALSE(same(question("88.9/Abc"), question("88.9/ABC")));
  EXPECT_TRUE(same(question("88.9x"), question("0.na/88.9X")));
  EXPECT_TRUE(same(question("0.NA/88.abc"), question("0.NA/88.ABC")));
  EXPECT_TRUE(same(question("a/b", {3, 1, 3}, {"URL", "email"}), question("a/b", {1, 3}, {"EMAIL", "url"})));
  EXPECT_FALSE(same(question("a/b", {1}), question("a/b", {2})));
  EXPECT_FALSE(same(question("a/b", {1}), question("a/b")));
  EXPECT_FALSE(same(question("a/b", {}, {"U", "RL"}), question("a/b", {}, {"URL"})));
}

TEST(AnswerCache, FilteredQuestionsAreAnsweredFromAllValues) {
  AnswerCache cache;
  const std::vector<Value> all = {value(1, "URL", "u"), value(2, "EMAIL", "e"), value(3, "URL.X", "x")};
  cache.put(question("88.9/X"), success(all), kTimes, kStart);
  struct Row {
    std::vector<std::uint32_t> indexes;
    std::vector<std::string> types;
    std::vector<Value> want;
  };
  const Row rows[] = {{{2}, {}, {all[1]}},
                      {{}, {"url"}, {all[0]}},
                      {{}, {"URL."}, {all[0], all[2]}},
                      {{2}, {"URL"}, {all[0], all[1]}},
                      {{9}, {}, {}},
                      {{}, {"PHONE"}, {}}};
  for (const Row& row : rows) {
    ForwardAnswer found;
    ASSERT_TRUE(cache.find(question("88.9/X", row.indexes, row.types), kStart, found));
    EXPECT_EQ(found.code, row.want.empty() ? ResponseCode::kValuesNotFound : ResponseCode::kSuccess);
    EXPECT_EQ(to_values({found.value_count, found.values}), row.want);
  }
  // A filtered answer settles only that filter.
  cache.put(question("88.9/Y", {1}), success({all[0]}), kTimes, kStart);
  ForwardAnswer found;
  EXPECT_TRUE(cache.find(question("88.9/Y", {1}), kStart, found));
  EXPECT_FALSE(cache.find(question("88.9/Y"), kStart, found));
  EXPECT_FALSE(cache.find(question("88.9/Y", {2}), kStart, found));
  // A name that is not there is not there for any filter, and what was kept of it is gone.
  cache.put(question("88.9/Y", {7}), failure(ResponseCode::kHandleNotFound), kTimes, kStart);
  for (const auto& q : {question("88.9/Y"), question("88.9/Y", {1}), question("88.9/Y", {}, {"URL"})}) {
    ASSERT_TRUE(cache.find(q, kStart, found));
    EXPECT_EQ(found.code, ResponseCode::kHandleNotFound);
  }
  // And a success ends that.
  cache.put(question("88.9/Y", {1}), success({all[0]}), kTimes, kStart);
  EXPECT_FALSE(cache.find(question("88.9/Y"), kStart, found));
  ASSERT_TRUE(cache.find(question("88.9/Y", {1}), kStart, found));
  EXPECT_EQ(found.code, ResponseCode::kSuccess);
}

// BEHAVIOUR §20.37: public answers only, and none that somebody's identity got.
TEST(AnswerCache, BypassRefreshAndVerifiedMark) {
  AnswerCache cache;
  const auto put = [&](const Question& q, const char* data, bool verified) {
    ForwardAnswer a = success({value(1, "URL", data)});
    a.signature_verified = verified;
    cache.put(q, a, kTimes, kStart);
  };
  ForwardAnswer found;
  const Question plain = question("88.9/X");
  put(plain, "old", false);
  Question q = plain;
  q.flags |= flag::kAuthoritative;
  EXPECT_FALSE(cache.find(q, kStart, found));
  put(q, "new", false);  // an AT answer refreshes
  ASSERT_TRUE(cache.find(plain, kStart, found));
  EXPECT_EQ(to_values({found.value_count, found.values})[0].data, "new");

  q = plain;
  q.flags &= ~flag::kPublicOnly;
  EXPECT_FALSE(cache.find(q, kStart, found));
  put(q, "not public", false);
  q = plain;
  q.identity = "token";
  EXPECT_FALSE(cache.find(q, kStart, found));
  put(q, "for the token", false);
  q = plain;
  q.op = handle::OpCode::kVerifyAnswer;
  EXPECT_FALSE(cache.find(q, kStart, found));
  ASSERT_TRUE(cache.find(plain, kStart, found));
  EXPECT_EQ(to_values({found.value_count, found.values})[0].data, "new");

  q = plain;
  q.flags |= flag::kCertify;
  EXPECT_FALSE(cache.find(q, kStart, found));
  put(q, "signed", true);
  EXPECT_TRUE(cache.find(q, kStart, found));
  EXPECT_TRUE(found.signature_verified);
  EXPECT_TRUE(cache.find(plain, kStart, found));
}

TEST(AnswerCache, Stale) {
  AnswerCache cache;
  const CacheTimes times{60, 30, 100};
  cache.put(question("88.9/X"), success({value(1, "URL", "a")}), times, kStart);
  cache.put(question("88.9/N"), failure(ResponseCode::kHandleNotFound), times, kStart);
  ForwardAnswer found;
  EXPECT_FALSE(cache.find(question("88.9/X"), after(60), found));
  EXPECT_TRUE(cache.find(question("88.9/X"), after(159), found, true));
  EXPECT_FALSE(cache.find(question("88.9/X"), after(160), found, true));
  EXPECT_FALSE(cache.find(question("88.9/N"), after(30), found, true));
}

TEST(AnswerCache, DropByNameAndByPrefix) {
  AnswerCache cache;
  ForwardAnswer found;
  const auto fill = [&] {
    for (const char* name : {"88.9/X", "88.9/Y", "88.91/X", "88.9.1/X", "88.9"}) {
      cache.put(question(name), success({value(1, "URL", "a")}), kTimes, kStart);
      cache.put(question(name, {1}), success({value(1, "URL", "a")}), kTimes, kStart);
    }
  };
  const auto there = [&](const char* name) {
    return cache.find(question(name), kStart, found) + cache.find(question(name, {1}), kStart, found);
  };
  fill();
  EXPECT_EQ(cache.counters().entries, 10U);
  cache.drop("88.9/X");
  EXPECT_EQ(there("88.9/X"), 0);
  EXPECT_EQ(there("88.9/Y"), 2);
  fill();
  cache.drop_prefix("88.9");
  EXPECT_EQ(there("88.9/X") + there("88.9/Y") + there("88.9"), 0);
  EXPECT_EQ(there("88.91/X"), 2);
  EXPECT_EQ(there("88.9.1/X"), 2);
  EXPECT_EQ(cache.counters().entries, 4U);
  cache.clear();
  EXPECT_EQ(cache.counters().entries, 0U);
  EXPECT_EQ(cache.counters().octets, 0U);
}

TEST(AnswerCache, BoundedByEntriesAndOctets) {
  AnswerCache cache({256, 100'000, 20'000});
  std::size_t found_last = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string name = "88.9/" + std::to_string(i);
    cache.put(question(name),
              success({value(1, "URL", std::string(static_cast<std::size_t>(i % 3'000), 'x'))}), kTimes,
              kStart);
    ForwardAnswer found;
    found_last += cache.find(question(name), kStart, found);
    ASSERT_LE(cache.counters().entries, 256U);
    ASSERT_LE(cache.counters().octets, 100'000U);
  }
  EXPECT_EQ(found_last, 5'000U);  // what was just put is there
  EXPECT_GT(cache.counters().evicted, 4'000U);
  cache.put(question("88.9/big"), success({value(1, "URL", std::string(30'000, 'x'))}), kTimes, kStart);
  ForwardAnswer found;
  EXPECT_FALSE(cache.find(question("88.9/big"), kStart, found));
}

// Readers never see a torn entry: every answer found says which name it belongs to.
TEST(AnswerCache, ReadersAndTheWriter) {
  AnswerCache cache({64, 1 << 20, 1 << 18});
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> hits{0}, wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      for (std::uint64_t i = 0; !stop.load(); ++i) {
        const std::string name = "88.9/" + std::to_string(i % 100);
        ForwardAnswer found;
        if (!cache.find(question(name), kStart, found)) continue;
        hits.fetch_add(1);
        if (to_values({found.value_count, found.values})[0].data != name) wrong.fetch_add(1);
      }
    });
  }
  for (int i = 0; i < 20'000 || (hits.load() < 1'000 && i < 2'000'000); ++i) {
    const std::string name = "88.9/" + std::to_string(i % 100);
    if (i % 7 == 0) {
      cache.drop(name);
    } else {
      cache.put(question(name), success({value(1, "URL", name)}), kTimes, kStart);
    }
  }
  stop.store(true);
  for (std::thread& t : readers) t.join();
  EXPECT_GE(hits.load(), 1'000U);
  EXPECT_EQ(wrong.load(), 0U);
}

}  // namespace
}  // namespace idnode
