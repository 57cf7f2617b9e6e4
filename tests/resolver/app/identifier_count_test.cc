#include "resolver/app/identifier_count.h"

#include <gtest/gtest.h>

#include <chrono>

#include "storage/keys.h"
#include "storage/memory_store.h"
#include "storage/record.h"

namespace idnode {
namespace {

struct World {
  MemoryStore store;
  std::uint64_t sequence = 0;

  // Applies a mutation as the committer does.
  Mutation apply(const std::string& action, const std::string& key, std::string image, std::uint64_t time) {
    std::string before;
    std::uint64_t previous = 0;
    if (*store.get(key, before, Depth::kDisk)) previous = parse_record(before)->sequence;
    stamp_record(image, ++sequence, previous, time);
    Mutation mutation;
    mutation.action = action;
    mutation.writes.push_back({key, image});
    EXPECT_TRUE(store.apply(mutation.writes, sequence));
    return mutation;
  }
};

void wait_counted(const IdentifierCount& count) {
  for (int i = 0; i < 500 && !count.counted(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(count.counted());
}

TEST(IdentifierCount, CountsWhatIsThereAndFollowsWhatComes) {
  World world;
  for (int i = 0; i < 10; ++i) {
    const std::string name = "88.118/" + std::to_string(i);
    world.apply("create", record_key(name, false), make_record(name, 0, 0, ""), 5);
  }
  world.apply("delete", record_key("88.118/0", false), make_tombstone("88.118/0"), 6);
  world.apply("home", homed_key("0.NA/88.118"), make_record("0.NA/88.118", 0, 0, ""), 6);

  IdentifierCount count(world.store);
  const auto commit = [&](const std::string& action, const std::string& key, std::string image,
                          std::uint64_t time) {
    const Mutation mutation = world.apply(action, key, std::move(image), time);
    const auto writes = views_of(mutation.writes);
    const Committed committed{world.sequence, time, mutation.action, writes};
    count.committed({&committed, 1});
  };
  commit("create", record_key("88.118/new", false), make_record("88.118/new", 0, 0, ""), 7);
  wait_counted(count);
  EXPECT_EQ(count.value(), 10U);
  // A change in the same millisecond, a deleted name that comes again, a home: none is miscounted.
  commit("modify", record_key("88.118/new", false), make_record("88.118/new", 7, 0, ""), 7);
  EXPECT_EQ(count.value(), 10U);
  commit("create", record_key("88.118/0", false), make_record("88.118/0", 0, 0, ""), 8);
  EXPECT_EQ(count.value(), 11U);
  commit("home", homed_key("0.NA/88.119"), make_record("0.NA/88.119", 0, 0, ""), 9);
  EXPECT_EQ(count.value(), 11U);
  commit("delete", record_key("88.118/new", false), make_tombstone("88.118/new"), 9);
  EXPECT_EQ(count.value(), 10U);
}

}  // namespace
}  // namespace idnode
