// The memory tier against the store it stands in front of.
#include "storage/resident/resident.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "protocol/value.h"
#include "storage/keys.h"
#include "storage/memory_store.h"
#include "storage/record.h"
#include "storage/resident/loader.h"

namespace idnode {
namespace {

constexpr HashKey kKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string values_of(std::initializer_list<std::pair<std::string, std::uint8_t>> wanted) {
  std::string out;
  std::uint32_t index = 0;
  for (const auto& [data, permissions] : wanted)
    encode(Value{.index = ++index, .permissions = permissions, .type = "URL", .data = data}, out);
  return out;
}

std::string key_of(std::string_view name) { return record_key(name, false); }

Write put(std::string_view name, std::uint32_t count, std::string_view values) {
  return {key_of(name), make_record(name, 1, count, values)};
}
Write put(std::string_view name, std::string data) { return put(name, 1, values_of({{data, kPublicRead}})); }
Write gone(std::string_view name) { return {key_of(name), make_tombstone(name)}; }

// A tier, its store, and a commit thread's habits.
struct Tier {
  explicit Tier(std::size_t bytes = 8 * kMiB) : resident(bytes, kKey) {}

  void commit(const std::vector<Write>& writes) {
    resident.stage(views_of(writes));
    ASSERT_TRUE(store.apply(writes, ++sequence));
    resident.publish();
    resident.work();
  }
  Resident::Found find(std::string_view name) {
    values = "?";
    return resident.find(key_of(name), values);
  }
  Resident::Kind kind(std::string_view name) { return find(name).kind; }
  void fill(std::string_view name) {
    const FillTicket ticket = resident.ticket(key_of(name));
    std::string image;
    ASSERT_TRUE(store.get(key_of(name), image, Depth::kDisk).value());
    resident.offer(ticket, key_of(name), image);
    resident.work();
  }
  // Loads everything with this thread as commit thread.
  void load() {
    ResidentLoader loader(store, resident);
    while (!resident.counters().complete) resident.work();
  }

  MemoryStore store;
  Resident resident;
  std::uint64_t sequence = 0;
  std::string values;
};

using Kind = Resident::Kind;

TEST(Hash, AsItsAuthorsSay) {
  std::string octets;
  for (char c = 0; c < 15; ++c) octets.push_back(c);
  EXPECT_EQ(siphash24(kKey, octets), 0xa129ca6149be45e5u);  // the example of the paper
  EXPECT_EQ(siphash24(kKey, ""), 0x726fdb47dd0e0e31u);      // the first of the reference vectors
  EXPECT_NE(siphash13(kKey, octets), siphash13({1, 2}, octets));
  EXPECT_NE(siphash13(kKey, "abcdefgh"), siphash13(kKey, "abcdefgi"));
}

TEST(ResidentTier, ShowsWhatWasCommitted) {
  Tier tier;
  EXPECT_EQ(tier.kind("88.118.8/a"), Kind::kMiss) << "nobody said that all is here";
  tier.commit({put("88.118.8/a", "one"), put("88.118.8/B", "two")});
  const Resident::Found found = tier.find("88.118.8/A");
  EXPECT_EQ(found.kind, Kind::kValues);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.count, 1u);
  EXPECT_EQ(tier.values, values_of({{"one", kPublicRead}}));
  tier.commit({put("88.118.8/a", "three")});
  tier.find("88.118.8/a");
  EXPECT_EQ(tier.values, values_of({{"three", kPublicRead}}));
  EXPECT_EQ(tier.resident.counters().records, 2u);
  tier.commit({gone("88.118.8/a"), gone("88.118.8/never")});
  EXPECT_EQ(tier.kind("88.118.8/a"), Kind::kMiss);
  EXPECT_EQ(tier.kind("88.118.8/b"), Kind::kValues);
  EXPECT_EQ(tier.resident.counters().records, 1u);
}

TEST(ResidentTier, KeepsNothingThatIsNotPublic) {
  Tier tier;
  tier.commit({put("1/some", 3, values_of({{"a", kPublicRead}, {"secret", kAdminRead}, {"c", kPublicRead}})),
               put("1/none", 1, values_of({{"secret", kAdminRead}})), put("1/empty", 0, "")});
  Resident::Found found = tier.find("1/some");
  EXPECT_EQ(found.kind, Kind::kValues);
  EXPECT_FALSE(found.whole);
  EXPECT_EQ(found.count, 2u);
  EXPECT_EQ(tier.values.find("secret"), std::string::npos);
  EXPECT_EQ(tier.kind("1/none"), Kind::kStore);
  EXPECT_EQ(tier.kind("1/empty"), Kind::kStore);
  const std::string large(Resident::kLargest, 'x');
  tier.commit({put("1/large", large), put("1/some", large)});
  EXPECT_EQ(tier.kind("1/large"), Kind::kStore);
  EXPECT_EQ(tier.kind("1/some"), Kind::kStore) << "not what it was before";
}

TEST(ResidentTier, SendsToTheStoreWhileAGroupIsUnderWay) {
  Tier tier;
  tier.commit({put("1/a", "old"), put("1/b", "old"), put("1/c", "old")});
  tier.load();
  EXPECT_EQ(tier.kind("1/new"), Kind::kAbsent);
  const std::vector<Write> writes = {put("1/a", "new"), gone("1/b"), put("1/new", "new"),
                                     put("1/a", "newer")};
  tier.resident.stage(views_of(writes));
  for (const char* name : {"1/a", "1/b", "1/new"}) EXPECT_EQ(tier.kind(name), Kind::kStore) << name;
  EXPECT_EQ(tier.kind("1/c"), Kind::kValues);
  ASSERT_TRUE(tier.store.apply(writes, 9));
  tier.resident.publish();
  tier.find("1/a");
  EXPECT_EQ(tier.values, values_of({{"newer", kPublicRead}}));
  EXPECT_EQ(tier.kind("1/b"), Kind::kAbsent);
  EXPECT_EQ(tier.kind("1/new"), Kind::kValues);
}

TEST(ResidentTier, TheLastWriteOfAKeyInAGroupCounts) {
  for (const bool there : {false, true}) {
    Tier tier;
    if (there)
      for (const char* name : {"1/a", "1/b", "1/c", "1/d"}) tier.commit({put(name, "old")});
    tier.load();
    tier.commit({gone("1/a"), put("1/b", "first"), put("1/c", "first"), gone("1/d"), put("1/d", "middle"),
                 put("1/a", "last"), gone("1/b"), put("1/c", "last"), gone("1/d")});
    for (const char* name : {"1/a", "1/c"}) {
      EXPECT_EQ(tier.kind(name), Kind::kValues) << name << there;
      EXPECT_EQ(tier.values, values_of({{"last", kPublicRead}})) << name << there;
    }
    for (const char* name : {"1/b", "1/d"}) EXPECT_EQ(tier.kind(name), Kind::kAbsent) << name << there;
    EXPECT_EQ(tier.resident.counters().records, 2u);
  }
}

TEST(ResidentTier, DropsAFillThatIsOlderThanACommit) {
  Tier tier;
  const Write old = put("1/a", "old");
  ASSERT_TRUE(tier.store.apply(std::vector{old}, 1));
  const FillTicket ticket = tier.resident.ticket(old.key);
  tier.commit({put("1/a", "new")});
  tier.commit({gone("1/a")});
  tier.resident.offer(ticket, old.key, old.image);
  tier.resident.work();
  EXPECT_EQ(tier.kind("1/a"), Kind::kMiss);
  EXPECT_EQ(tier.resident.counters().dropped, 1u);
  tier.commit({put("1/a", "newest")});
  tier.resident.offer(tier.resident.ticket(old.key), old.key, put("1/a", "newest").image);
  tier.resident.work();
  tier.find("1/a");
  EXPECT_EQ(tier.values, values_of({{"newest", kPublicRead}})) << "what is there stays";
}

TEST(ResidentTier, DropsFillsAboveItsBound) {
  Tier tier;
  const Write write = put("1/a", "x");
  for (std::size_t i = 0; i < Fills::kMost + 10; ++i)
    tier.resident.offer(tier.resident.ticket(write.key), write.key, write.image);
  EXPECT_EQ(tier.resident.counters().dropped, 10u);
  tier.resident.work();
  EXPECT_EQ(tier.kind("1/a"), Kind::kValues);
}

TEST(ResidentTier, KnowsWhatDoesNotExistOnceAllIsLoaded) {
  Tier tier;
  std::vector<Write> writes;
  for (int i = 0; i < 10'000; ++i) writes.push_back(put("1/" + std::to_string(i), std::to_string(i)));
  writes.push_back(gone("1/gone"));
  ASSERT_TRUE(tier.store.apply(writes, 1));
  EXPECT_EQ(tier.kind("1/7"), Kind::kMiss);
  tier.load();
  EXPECT_EQ(tier.resident.counters().records, 10'000u);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(tier.kind("1/" + std::to_string(i)), Kind::kValues) << i;
  EXPECT_EQ(tier.kind("1/gone"), Kind::kAbsent);
  EXPECT_EQ(tier.kind("1/10000"), Kind::kAbsent);
}

TEST(ResidentTier, LoadsAnewWhatWasCommittedMeanwhile) {
  Tier tier;
  const Write write = put("1/a", "x");
  ASSERT_TRUE(tier.store.apply(std::vector{write}, 1));
  const FillTicket ticket = tier.resident.ticket(write.key);
  tier.commit({put("1/a", "y")});
  tier.commit({put("1/a", "z")});
  std::thread loader([&] {
    EXPECT_TRUE(tier.resident.load(ticket, write.key, write.image));
    EXPECT_EQ(tier.resident.loaded(), std::vector<std::string>{write.key});
    EXPECT_TRUE(tier.resident.loaded().empty());
  });
  while (!tier.resident.counters().complete) tier.resident.work();
  loader.join();
  tier.find("1/a");
  EXPECT_EQ(tier.values, values_of({{"z", kPublicRead}}));
}

// Twice as much as there is room for: what comes last is there, what was given up is asked of the store, and
// nobody is told that it does not exist.
TEST(ResidentTier, GivesUpTheOldestWhenItIsFull) {
  Tier tier(8 * kMiB);
  const std::string data(900, 'x');
  constexpr int kRecords = 16'000;
  for (int i = 0; i < kRecords; ++i) tier.commit({put("1/" + std::to_string(i), data)});
  const ResidentCounters counters = tier.resident.counters();
  EXPECT_GT(counters.evicted, 0u);
  EXPECT_FALSE(counters.complete);
  EXPECT_LE(counters.record_bytes, counters.room_bytes);
  EXPECT_EQ(tier.kind("1/" + std::to_string(kRecords - 1)), Kind::kValues);
  EXPECT_EQ(tier.kind("1/0"), Kind::kMiss);
  tier.fill("1/0");
  EXPECT_EQ(tier.kind("1/0"), Kind::kValues);
}

TEST(ResidentTier, LoadsNoMoreThanThereIsRoomFor) {
  Tier tier(8 * kMiB);
  std::vector<Write> writes;
  for (int i = 0; i < 16'000; ++i) writes.push_back(put("1/" + std::to_string(i), std::string(900, 'x')));
  ASSERT_TRUE(tier.store.apply(writes, 1));
  {
    ResidentLoader loader(tier.store, tier.resident);
    while (tier.resident.counters().records < 3'000) tier.resident.work();
  }
  while (tier.resident.work()) {
  }
  EXPECT_EQ(tier.resident.counters().evicted, 0u);
  EXPECT_FALSE(tier.resident.counters().complete);
}

// The octets of old versions are used again: a thousand times the room is written, nothing is given up.
TEST(ResidentTier, MovesWhatIsLeftOfSparseSegments) {
  Tier tier(8 * kMiB);
  for (int i = 0; i < 1'000; ++i) tier.commit({put("1/still" + std::to_string(i), std::string(500, 's'))});
  tier.load();
  for (int round = 0; round < 500; ++round) {
    std::vector<Write> writes;
    for (int i = 0; i < 50; ++i)
      writes.push_back(put("1/" + std::to_string(i), std::to_string(round) + std::string(2'000, 'x')));
    tier.commit(writes);
    while (tier.resident.work()) {
    }
  }
  EXPECT_EQ(tier.resident.counters().evicted, 0u);
  EXPECT_TRUE(tier.resident.counters().complete);
  EXPECT_EQ(tier.resident.counters().records, 1'050u);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(tier.kind("1/still" + std::to_string(i)), Kind::kValues) << i;
  tier.find("1/7");
  EXPECT_EQ(tier.values, values_of({{"499" + std::string(2'000, 'x'), kPublicRead}}));
}

// Random commits, fills and loads; the tier never says anything else than the store.
TEST(ResidentTier, AgreesWithTheStore) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    Tier tier(seed % 2 == 0 ? 6 * kMiB : 64 * kMiB);
    const auto name = [&] { return "1/" + std::to_string(random() % 3'000); };
    if (seed % 3 == 0) tier.load();
    for (int step = 0; step < 2'000; ++step) {
      std::vector<Write> writes;
      for (auto n = random() % 8; n > 0; --n) {
        switch (random() % 4) {
          case 0: writes.push_back(gone(name())); break;
          case 1: writes.push_back(put(name(), 2, values_of({{"p", kPublicRead}, {"s", kAdminRead}}))); break;
          default: writes.push_back(put(name(), std::string(random() % 5'000, 'v')));
        }
      }
      if (!writes.empty()) tier.commit(writes);
      const std::string asked = name();
      std::string image;
      const bool there =
          tier.store.get(key_of(asked), image, Depth::kDisk).value() && !parse_record(image)->tombstone;
      const Resident::Found found = tier.find(asked);
      if (found.kind == Kind::kAbsent) ASSERT_FALSE(there) << seed << " " << asked;
      if (found.kind == Kind::kValues) {
        ASSERT_TRUE(there) << seed << " " << asked;
        std::string open;
        ValueWalk walk({parse_record(image)->count, parse_record(image)->values});
        for (ValueView value; walk.next(value);) {
          if (value.public_read()) open.append(value.encoded);
        }
        ASSERT_EQ(tier.values, open) << seed << " " << asked;
      }
      if (found.kind == Kind::kMiss && there) tier.fill(asked);
    }
  }
}

// Readers and their fills against a commit thread that has little room and deletes half of what is asked for
// most: whoever reads after a commit was acknowledged sees it or something newer.
TEST(ResidentTier, NeverShowsWhatIsOver) {
  constexpr std::size_t kNames = 4'000;
  constexpr std::size_t kHot = 16;
  constexpr std::uint64_t kGroups = 600;
  Tier tier(6 * kMiB);
  std::vector<std::atomic<std::uint64_t>> acknowledged(kNames);
  const std::string padding(1'500, 'p');
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> wrong{0};
  const auto group_of = [](std::string_view values) -> std::uint64_t {
    ValueWalk walk({1, values});
    ValueView value;
    return walk.next(value) ? std::stoull(std::string(value.data.substr(0, 20))) : 0;
  };
  const auto read = [&](const std::string& key, std::uint64_t least, std::string& got) {
    const Resident::Found found = tier.resident.find(key, got);
    if (found.kind == Kind::kValues) {
      hits.fetch_add(1);
      wrong += group_of(got) < least;
    }
    if (found.kind != Kind::kMiss) return;
    const FillTicket ticket = tier.resident.ticket(key);
    if (!tier.store.get(key, got, Depth::kDisk).value() || parse_record(got)->tombstone) return;
    std::this_thread::yield();  // here commits overtake the fill
    tier.resident.offer(ticket, key, got);
  };
  std::vector<std::thread> readers;
  for (unsigned r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      std::mt19937 random(r);
      std::string got;
      for (; !over.load(); std::this_thread::yield()) {
        const std::size_t n = random() % (random() % 4 == 0 ? kNames : kHot);
        const std::uint64_t least = acknowledged[n].load();
        read(key_of("1/" + std::to_string(n)), least, got);
      }
    });
  }
  std::mt19937 random(99);
  for (std::uint64_t group = 1; group <= kGroups || hits.load() < 100; ++group) {
    std::map<std::size_t, Write> writes;
    for (int i = 0; i < 20; ++i) {
      const std::size_t n = random() % (i % 2 == 0 ? kNames : kHot);
      const std::string name = "1/" + std::to_string(n);
      const std::string digits = std::to_string(group);
      writes[n] = n < kHot && random() % 2 == 0
                      ? gone(name)
                      : put(name, std::string(20 - digits.size(), '0') + digits + padding);
    }
    std::vector<Write> all;
    for (auto& [n, write] : writes) all.push_back(std::move(write));
    tier.commit(all);
    for (const auto& [n, write] : writes) acknowledged[n].store(group);
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_GT(tier.resident.counters().evicted, 0u);
  EXPECT_GT(tier.resident.counters().filled, 0u);
}

}  // namespace
}  // namespace idnode
