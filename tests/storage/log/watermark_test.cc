// Logs and stores that lost something and look whole: cut exactly at a group's end, segments deleted, rolled
// back. Only the watermark can tell.
#include "storage/log/watermark.h"

#include <gtest/gtest.h>

#include "storage/log/archive.h"
#include "storage/log/replay.h"
#include "storage/memory_store.h"
#include "tests/storage/made.h"
#include "tests/storage/simulated_disk.h"

namespace idnode {
namespace {

using Files = std::map<std::string, std::string>;

constexpr const char* kLog = "data/log";
constexpr const char* kMark = "data/WATERMARK";
constexpr int kGroups = 20;

LogOptions options_of(SimulatedDisk& disk, bool watermark = true) {
  return {&disk, 900, watermark ? kMark : "", false};
}

Result<void> append(Log& log, int count, const std::string& values = "value", std::uint64_t durable = 0) {
  GroupBuilder group;
  group.begin(log.position().sequence + 1, log.position().time_ms + 1, log.position().hash);
  for (int i = 0; i < count; ++i) {
    group.add(made::encoded(made::put("88.118/" + std::to_string(group.first() + group.count()), 0, values)));
  }
  group.finish();
  return log.append(group, durable);
}

// A log of groups of 1, 2, 3, 1, 2, 3, … mutations and its watermark; the store was durable up to `durable`.
Files written(int groups = kGroups, const std::string& values = "value", std::uint64_t durable = 0) {
  SimulatedDisk disk;
  MemoryStore store;
  LogOptions options = options_of(disk);
  options.watermark_may_be_missing = true;
  auto opened = open_committed(kLog, store, options);
  EXPECT_TRUE(opened) << made::text_of(opened);
  for (int i = 0; i < groups; ++i) EXPECT_TRUE(append(*opened->log, 1 + i % 3, values, durable));
  return disk.files();
}

// Opens a copy of these files with a store that is at `applied`.
struct Opening {
  Opening(const Files& files, std::uint64_t applied, bool watermark = true) {
    for (const auto& [path, octets] : files) disk.put(path, octets);
    if (applied != 0) EXPECT_TRUE(store.apply({}, applied));
    result = open_committed(kLog, store, options_of(disk, watermark));
  }
  SimulatedDisk disk;
  MemoryStore store;
  Opened<OpenedLog> result = open_error(Errc::kIo, "");
};

struct Group {
  std::string path;
  std::uint64_t end = 0;  // offset
  std::uint64_t last = 0;
};

std::vector<Group> groups_of(const Files& files) {
  std::vector<Group> groups;
  for (const auto& [path, octets] : files) {
    if (path == kMark) continue;
    GroupWalk walk(octets);
    GroupView group;
    while (walk.next(group) == GroupStep::kGroup) groups.push_back({path, walk.offset(), group.last()});
  }
  return groups;
}

struct Gaps {
  int gaps = 0;
  int refused = 0;
  int missed_without = 0;  // what opens when there is no watermark: the control
};

void expect_refused(const Files& files, std::uint64_t applied, Gaps& gaps, const std::string& what) {
  ++gaps.gaps;
  const Opening with(files, applied);
  ASSERT_FALSE(with.result) << what << ", the store at " << applied;
  const OpenError& error = with.result.error();
  EXPECT_EQ(error.code, Errc::kCorrupt) << error.text;
  EXPECT_TRUE(error.text.starts_with("data/")) << error.text;
  EXPECT_NE(error.text.find("sequence "), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("; "), std::string::npos) << "says what to do: " << error.text;
  EXPECT_EQ(error.text.find('\n'), std::string::npos);
  EXPECT_EQ(with.disk.files(), files) << "a refused log was changed";
  EXPECT_EQ(with.store.applied(), applied) << "a refused log was replayed";
  ++gaps.refused;
  const Opening without(files, applied, false);
  if (without.result) ++gaps.missed_without;
}

TEST(Watermark, EveryGapIsRefused) {
  const Files files = written();
  const std::vector<Group> groups = groups_of(files);
  ASSERT_GE(files.size(), 6U);
  Gaps gaps;
  std::vector<std::uint64_t> stores = {0};
  for (const Group& group : groups) stores.push_back(group.last);

  // Cut at the end of each group but the last, with everything after it gone, whatever the store has.
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    Files cut = files;
    cut[groups[i].path].resize(groups[i].end);
    for (auto later = std::next(cut.find(groups[i].path)); later != cut.end();) later = cut.erase(later);
    ASSERT_TRUE(cut.contains(kMark));
    for (const std::uint64_t applied : {std::uint64_t{0}, groups[i / 2].last, groups[i].last}) {
      expect_refused(cut, applied, gaps, groups[i].path + " cut at " + std::to_string(groups[i].end));
    }
  }
  // Each segment deleted. The oldest ones may be in an archive, when the store has them.
  for (const auto& [path, octets] : files) {
    if (path == kMark) continue;
    Files fewer = files;
    fewer.erase(path);
    const bool oldest = path == groups.front().path;
    for (const std::uint64_t applied : stores) {
      const bool archived = oldest && Opening(fewer, applied).result.has_value();
      if (!archived) expect_refused(fewer, applied, gaps, path + " deleted");
      EXPECT_TRUE(!archived || applied + 1 >= *segment_first(groups_of(fewer)[0].path.substr(9)));
    }
  }
  // The whole log gone.
  for (const std::uint64_t applied : stores) expect_refused({{kMark, files.at(kMark)}}, applied, gaps, "all");

  std::printf("durability: gaps=%d refused=%d control_missed=%d\n", gaps.gaps, gaps.refused,
              gaps.missed_without);
  EXPECT_GT(gaps.missed_without, 20) << "then nobody needed a watermark";
}

TEST(Watermark, ASegmentCutBehindTheStoreIsRefused) {
  const Files files = written();
  const std::vector<Group> groups = groups_of(files);
  for (const Group& group : groups) {
    if (files.at(group.path).size() == group.end) continue;  // the last of its segment
    if (group.path == groups.back().path) continue;
    Files cut = files;
    cut[group.path].resize(group.end);
    const Opening opening(cut, groups.back().last);
    ASSERT_FALSE(opening.result);
    EXPECT_NE(opening.result.error().text.find("missing before it"), std::string::npos)
        << opening.result.error().text;
  }
}

TEST(Watermark, AnotherLogIsRefused) {
  Files files = written();
  files[kMark] = written(kGroups, "VALUE")[kMark];
  for (const std::uint64_t applied : {0, 1, 39}) {
    const Opening opening(files, applied);
    ASSERT_FALSE(opening.result);
    EXPECT_NE(opening.result.error().text.find("not the log that the watermark knows"), std::string::npos)
        << opening.result.error().text;
    EXPECT_EQ(opening.store.applied(), applied);
  }
}

TEST(Watermark, AStoreThatWasRolledBackIsRefused) {
  const Files files = written(kGroups, "value", 24);
  const std::vector<Group> groups = groups_of(files);
  for (const Group& group : groups) {
    const Opening opening(files, group.last);
    EXPECT_EQ(opening.result.has_value(), group.last >= 24) << group.last;
    if (opening.result) continue;
    EXPECT_NE(
        opening.result.error().text.find("data/WATERMARK: the store was rolled back: it is at sequence " +
                                         std::to_string(group.last) + " and was durable up to 24"),
        std::string::npos)
        << opening.result.error().text;
  }
}

// The way out that the message names. A crash in the middle of it must not look like a rollback again.
TEST(Watermark, AStoreThatWasMovedAwayIsMadeAgain) {
  const Files files = written(kGroups, "value", 24);
  Opening again(files, 0);
  ASSERT_TRUE(again.result) << made::text_of(again.result);
  EXPECT_EQ(again.store.applied(), 39U);
  ASSERT_EQ(again.result->notes.size(), 1U);
  EXPECT_NE(again.result->notes[0].find("made again"), std::string::npos);
  again.disk.cut_power([](std::size_t) { return 0; });
  const Opening after_crash(again.disk.files(), 6);
  EXPECT_TRUE(after_crash.result) << made::text_of(after_crash.result);
}

TEST(Watermark, ATornSlotLeavesTheOther) {
  const Files files = written();
  for (const std::size_t slot : {0, 4096}) {
    for (const std::size_t at : {0, 8, 11, 12, 20, 28, 60, 68, 99}) {
      Files torn = files;
      char& octet = torn[kMark][slot + at];
      octet = static_cast<char>(octet ^ 0x10);
      Opening opening(torn, 0);
      ASSERT_TRUE(opening.result) << at << made::text_of(opening.result);
      EXPECT_EQ(opening.store.applied(), 39U);
      EXPECT_TRUE(append(*opening.result->log, 2));
      EXPECT_TRUE(Opening(opening.disk.files(), 0).result);
    }
  }
}

TEST(Watermark, OneThatIsGoneIsRefused) {
  const Files files = written();
  Files none = files;
  none.erase(kMark);
  EXPECT_EQ(Opening(none, 0).result.error().code, Errc::kAbsent);
  for (const std::size_t size : {0, 50, 99}) {
    Files shorter = files;
    shorter[kMark].resize(size);
    const Opening opening(shorter, 0);
    ASSERT_FALSE(opening.result);
    EXPECT_EQ(opening.result.error().code, Errc::kCorrupt);
    EXPECT_TRUE(opening.result.error().text.starts_with(kMark)) << opening.result.error().text;
  }
  Files zeroed = files;
  zeroed[kMark].assign(8192, '\0');
  EXPECT_FALSE(Opening(zeroed, 0).result);
}

// A folder from before there was one, also when the power failed while it was being made.
TEST(Watermark, IsMadeForAnOlderFolder) {
  const Files files = written();
  for (const std::size_t size : {0, 1, 60, 5000, 8192}) {
    for (const bool there : {false, true}) {
      SimulatedDisk disk;
      for (const auto& [path, octets] : files) {
        if (path != kMark) disk.put(path, octets);
      }
      if (there) disk.put(kMark, std::string(size, '\0'));
      LogOptions options = options_of(disk);
      options.watermark_may_be_missing = true;
      MemoryStore store;
      ASSERT_TRUE(open_committed(kLog, store, options)) << size;
      disk.cut_power([](std::size_t) { return 0; });
      const auto made = Watermark::open(disk, kMark);
      ASSERT_TRUE(made);
      EXPECT_EQ((*made)->mark().sequence, 39U);
      // When it is there it counts, whatever the folder's format.
      Files cut = disk.files();
      cut.erase(std::prev(cut.end()));
      SimulatedDisk shorter;
      for (const auto& [path, octets] : cut) shorter.put(path, octets);
      options.files = &shorter;
      MemoryStore fresh;
      EXPECT_FALSE(open_committed(kLog, fresh, options));
    }
  }
}

// After a power cut the mark is older than the log, never newer, and the log opens.
TEST(Watermark, IsALowerBoundAfterAnyPowerCut) {
  int older = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SimulatedDisk disk;
    for (const auto& [path, octets] : written(3)) disk.put(path, octets);
    std::uint64_t said = 0;
    {
      MemoryStore store;
      auto opened = open_committed(kLog, store, options_of(disk));
      ASSERT_TRUE(opened);
      for (std::uint64_t i = 0; i < seed % 12; ++i) ASSERT_TRUE(append(*opened->log, 2));
      said = opened->log->position().sequence;
    }
    disk.cut_power(seed);
    const auto mark = Watermark::open(disk, kMark);
    ASSERT_TRUE(mark) << seed;
    EXPECT_LE((*mark)->mark().sequence, said);
    older += (*mark)->mark().sequence < said;
    MemoryStore store;
    const auto opened = open_committed(kLog, store, options_of(disk));
    ASSERT_TRUE(opened) << seed << made::text_of(opened);
    EXPECT_EQ(store.applied(), said);
  }
  EXPECT_GT(older, 30);
}

TEST(Watermark, IsAtTheEndAfterACleanStop) {
  SimulatedDisk disk;
  for (const auto& [path, octets] : written(3)) disk.put(path, octets);
  MemoryStore store;
  auto opened = open_committed(kLog, store, options_of(disk));
  ASSERT_TRUE(opened);
  ASSERT_TRUE(append(*opened->log, 2));
  ASSERT_TRUE(close_committed(*opened->log, store));
  disk.cut_power([](std::size_t) { return 0; });
  EXPECT_EQ((*Watermark::open(disk, kMark))->mark().sequence, 8U);
}

TEST(Watermark, AFullDiskLeavesTheOlderMark) {
  SimulatedDisk disk;
  for (const auto& [path, octets] : written(3)) disk.put(path, octets);
  MemoryStore store;
  auto opened = open_committed(kLog, store, options_of(disk));
  ASSERT_TRUE(opened);
  for (const std::size_t part : {0, 30, 90}) {
    disk.plan_paths([=](std::uint64_t, DiskOperation operation,
                        const std::string& path) -> std::optional<SimulatedDisk::Fault> {
      if (operation != DiskOperation::kWrite || path != kMark) return std::nullopt;
      return SimulatedDisk::Fault{Errc::kNoSpace, part};
    });
    EXPECT_TRUE(append(*opened->log, 1));
    EXPECT_FALSE(opened->log->failed());
    EXPECT_TRUE(Opening(disk.files(), 0).result);
    disk.heal();
    EXPECT_TRUE(append(*opened->log, 1));
  }
}

// The group before it is durable and is answered so; the next is refused.
TEST(Watermark, AWriteThatFailsIsFinal) {
  SimulatedDisk disk;
  for (const auto& [path, octets] : written(3)) disk.put(path, octets);
  MemoryStore store;
  auto opened = open_committed(kLog, store, options_of(disk));
  ASSERT_TRUE(opened);
  disk.plan_paths([](std::uint64_t, DiskOperation operation, const std::string& path) {
    const bool mark = operation == DiskOperation::kWrite && path == kMark;
    return mark ? std::optional(SimulatedDisk::Fault{}) : std::nullopt;
  });
  EXPECT_TRUE(append(*opened->log, 1));
  EXPECT_EQ(append(*opened->log, 1).error(), Errc::kReadOnly);
  EXPECT_TRUE(Opening(disk.files(), 0).result);
}

}  // namespace
}  // namespace idnode
