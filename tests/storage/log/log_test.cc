// The log under every cut, every flipped bit and every failing operation.
#include "storage/log/log.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "storage/log/archive.h"
#include "storage/log/replay.h"
#include "storage/memory_store.h"
#include "tests/storage/made.h"
#include "tests/storage/simulated_disk.h"

namespace idnode {
namespace {

using made::encoded;
using made::put;

constexpr const char* kFolder = "log";

// One node that can be opened, written to and asked what it holds.
struct Node {
  SimulatedDisk disk;
  LogOptions options{&disk, 600};  // a new segment every few groups
  MemoryStore store;
  std::unique_ptr<Log> log;
  std::vector<std::string> notes;

  Opened<void> open() {
    auto opened = open_committed(kFolder, store, options);
    if (!opened) return std::unexpected(opened.error());
    log = std::move(opened->log);
    notes = std::move(opened->notes);
    return {};
  }
  // One group of `count` mutations.
  Result<void> append(int count = 1) {
    GroupBuilder group;
    group.begin(log->position().sequence + 1, log->position().time_ms + 1, log->position().hash);
    for (int i = 0; i < count; ++i) {
      group.add(encoded(put("88.118/" + std::to_string(group.first() + group.count()), 0, "value")));
    }
    group.finish();
    return log->append(group);
  }
};

// A log of `groups` groups of 1, 2, 3, 1, 2, 3, … mutations.
std::map<std::string, std::string> written(int groups) {
  Node node;
  EXPECT_TRUE(node.open());
  for (int i = 0; i < groups; ++i) EXPECT_TRUE(node.append(1 + i % 3));
  return node.disk.files();
}

// Opens a copy of these files on a new store.
std::unique_ptr<Node> reopened(const std::map<std::string, std::string>& files, Opened<void>& result) {
  auto node = std::make_unique<Node>();
  for (const auto& [path, octets] : files) node->disk.put(path, octets);
  result = node->open();
  return node;
}

std::uint64_t count_of(const Store& store) {
  const KeyRange all = table_range(Table::kRecords);
  const auto cursor = store.scan(all.from, all.to);
  std::uint64_t count = 0;
  while (cursor->next()) ++count;
  return count;
}

std::string names_of(const std::map<std::string, std::string>& files) {
  std::string names;
  for (const auto& [path, octets] : files) names += path + " ";
  return names;
}

TEST(Log, IsReplayedWhole) {
  const auto files = written(9);
  EXPECT_GT(files.size(), 2U);
  Opened<void> opened;
  const auto node = reopened(files, opened);
  ASSERT_TRUE(opened) << made::text_of(opened);
  EXPECT_EQ(node->store.applied(), 18U);
  EXPECT_EQ(count_of(node->store), 18U);
  EXPECT_TRUE(node->notes.empty());
  EXPECT_TRUE(node->append());
  const auto chain = verify_chain(kFolder, node->disk);
  ASSERT_TRUE(chain) << made::text_of(chain);
  EXPECT_EQ(chain->first, 1U);
  EXPECT_EQ(chain->last, 19U);
  EXPECT_EQ(chain->groups, 10U);
  EXPECT_EQ(chain->hash, node->log->position().hash);
  EXPECT_FALSE(chain->torn);
}

TEST(Log, TimeNeverFalls) {
  Opened<void> opened;
  const auto node = reopened(written(9), opened);
  EXPECT_EQ(node->log->position().time_ms, 9U);
}

// The newest segment cut at every octet: what is left opens with whole groups only, and goes on.
TEST(Log, EveryCutOfTheNewestSegmentIsRecovered) {
  for (const int groups : {1, 2, 8}) {
    const auto files = written(groups);
    const auto& [newest, octets] = *files.rbegin();
    for (std::size_t size = 0; size < octets.size(); ++size) {
      auto cut = files;
      cut[newest].resize(size);
      Opened<void> opened;
      const auto node = reopened(cut, opened);
      ASSERT_TRUE(opened) << size << made::text_of(opened);
      EXPECT_EQ(count_of(node->store), node->store.applied()) << size;
      ASSERT_TRUE(node->append()) << size;
      Opened<void> again;
      const auto next = reopened(node->disk.files(), again);
      ASSERT_TRUE(again) << size << made::text_of(again);
      EXPECT_EQ(next->store.applied(), node->store.applied() + 1) << size;
      EXPECT_TRUE(next->notes.empty()) << size;
    }
  }
}

// Offsets at which a zeroed end leaves too much of a hash or check to be told from damage.
std::set<std::size_t> ambiguous(std::string_view segment) {
  std::set<std::size_t> offsets;
  const auto add = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) offsets.insert(at);
  };
  add(kSegmentHeaderSize - kHashSize + 1, kSegmentHeaderSize);
  GroupWalk walk(segment);
  GroupView group;
  while (walk.next(group) == GroupStep::kGroup) {
    add(group.offset + kGroupHeaderSize - 3, group.offset + kGroupHeaderSize);
    add(walk.offset() - 15, walk.offset());
  }
  return offsets;
}

// The file had its length, but the last write's end did not reach it.
TEST(Log, EveryZeroedEndIsRecovered) {
  const auto files = written(2);
  const auto& [path, octets] = *files.begin();
  const auto refused = ambiguous(octets);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    for (const std::size_t more : {0, 1, 4096}) {
      auto zeroed = files;
      zeroed[path] = octets.substr(0, size) + std::string(octets.size() - size + more, '\0');
      Opened<void> opened;
      const auto node = reopened(zeroed, opened);
      if (refused.contains(size)) continue;
      ASSERT_TRUE(opened) << size << made::text_of(opened);
      EXPECT_EQ(count_of(node->store), node->store.applied()) << size;
      EXPECT_TRUE(node->append()) << size;
    }
  }
}

TEST(Log, EveryCutOfAnEarlierSegmentIsRefused) {
  const auto files = written(8);
  const auto& [path, octets] = *files.begin();
  for (std::size_t size = 0; size < octets.size(); ++size) {
    auto cut = files;
    cut[path].resize(size);
    Opened<void> opened;
    const auto node = reopened(cut, opened);
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code, Errc::kCorrupt);
    EXPECT_NE(opened.error().text.find(".log: offset "), std::string::npos) << opened.error().text;
    EXPECT_EQ(node->disk.files(), cut) << "a refused log was changed";
  }
}

TEST(Log, EveryFlippedBitIsRefusedByName) {
  for (const int groups : {2, 5}) {
    const auto files = written(groups);
    std::size_t flips = 0;
    for (const auto& [path, octets] : files) {
      for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
        auto flipped = files;
        char& octet = flipped[path][bit / 8];
        octet = static_cast<char>(octet ^ (1 << bit % 8));
        Opened<void> opened;
        const auto node = reopened(flipped, opened);
        ASSERT_FALSE(opened) << path << " bit " << bit;
        EXPECT_NE(opened.error().text.find(kFolder), std::string::npos);
        EXPECT_EQ(node->disk.files(), flipped);
        ++flips;
      }
    }
    std::printf("flips: groups=%d flips=%zu silent=0\n", groups, flips);
  }
}

TEST(Log, MissingSegmentsAreRefused) {
  const auto files = written(20);
  ASSERT_GT(files.size(), 3U);
  for (const auto& [path, octets] : files) {
    if (path == files.rbegin()->first) continue;  // to a new store the log just ends earlier
    auto fewer = files;
    fewer.erase(path);
    Opened<void> opened;
    reopened(fewer, opened);
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().text.find('\n'), std::string::npos);
  }
}

TEST(Log, StoreAheadOfTheLogIsRefused) {
  auto files = written(8);
  files.erase(files.rbegin()->first);
  Node node;
  for (const auto& [path, octets] : files) node.disk.put(path, octets);
  ASSERT_TRUE(node.store.apply({}, 15));
  const auto opened = node.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("the store is at 15"), std::string::npos) << opened.error().text;
  Node empty;
  ASSERT_TRUE(empty.store.apply({}, 15));
  EXPECT_FALSE(empty.open());
  Node inside;
  for (const auto& [path, octets] : written(8)) inside.disk.put(path, octets);
  ASSERT_TRUE(inside.store.apply({}, 5));
  EXPECT_FALSE(inside.open());
}

TEST(Log, ArchivedSegmentsMayBeGone) {
  const auto files = written(20);
  const std::uint64_t second = *segment_first(std::next(files.begin())->first.substr(4));
  for (std::uint64_t flushed = 0; flushed <= 39; ++flushed) {
    Node node;
    for (const auto& [path, octets] : files) node.disk.put(path, octets);
    ASSERT_TRUE(node.store.apply({}, flushed));
    const auto gone = archivable(kFolder, flushed, node.disk);
    ASSERT_TRUE(gone);
    EXPECT_LT(gone->size(), files.size());
    EXPECT_EQ(gone->empty(), flushed + 1 < second) << flushed;
    for (const std::string& segment : *gone) ASSERT_TRUE(node.disk.remove("log/" + segment));
    const auto opened = node.open();
    // Inside a group no store ever is.
    if (!opened)
      EXPECT_NE(opened.error().text.find("inside this group"), std::string::npos);
    else
      EXPECT_EQ(node.store.applied(), 39U);
    EXPECT_TRUE(verify_chain(kFolder, node.disk));
  }
}

// Groups of another log of the same length do not fit in.
TEST(Log, ForeignSegmentIsRefused) {
  auto files = written(20);
  Node other;
  ASSERT_TRUE(other.open());
  for (int i = 0; i < 20; ++i) {
    GroupBuilder group;
    group.begin(other.log->position().sequence + 1, 77, other.log->position().hash);
    for (int k = 0; k < 1 + i % 3; ++k) {
      group.add(encoded(put("88.118/" + std::to_string(group.first() + group.count()), 0, "VALUE")));
    }
    group.finish();
    ASSERT_TRUE(other.log->append(group));
  }
  const auto foreign = other.disk.files();
  ASSERT_EQ(names_of(files), names_of(foreign));
  files[std::next(files.begin())->first] = std::next(foreign.begin())->second;
  Opened<void> opened;
  reopened(files, opened);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("chain is broken"), std::string::npos) << opened.error().text;
}

TEST(Log, FullDiskIsCutBackAndHeals) {
  Node node;
  ASSERT_TRUE(node.open());
  for (int room = 0; room < 700; ++room) {
    const auto before = node.disk.files();
    std::uint64_t used = 0;
    for (const auto& [path, octets] : before) used += octets.size();
    const std::uint64_t sequence = node.log->position().sequence;
    node.disk.capacity(used + static_cast<std::uint64_t>(room));
    const Result<void> appended = node.append(3);
    if (!appended) {
      EXPECT_EQ(appended.error(), Errc::kNoSpace);
      EXPECT_EQ(node.log->position().sequence, sequence);
      auto after = node.disk.files();
      // A new segment may have got its header.
      if (after.size() > before.size() && after.rbegin()->second.size() == kSegmentHeaderSize) {
        after.erase(after.rbegin()->first);
      }
      EXPECT_EQ(after, before) << room;
    }
    node.disk.capacity(~std::uint64_t{0});
    ASSERT_TRUE(node.append()) << room;
  }
  EXPECT_TRUE(verify_chain(kFolder, node.disk));
  EXPECT_FALSE(node.log->failed());
}

// Each changing operation of a run fails in turn, for each kind of error: afterwards the log either goes on
// or takes nothing more, and what was said to be there is there after a power cut.
TEST(Log, EveryFailingOperationIsSurvived) {
  std::size_t points = 0;
  for (const Errc error : {Errc::kIo, Errc::kNoSpace}) {
    for (const std::size_t kept : {std::size_t{0}, std::size_t{40}, std::size_t{170}}) {
      for (std::uint64_t number = 1; number < 60; ++number) {
        Node node;
        ASSERT_TRUE(node.open());
        node.disk.plan([&](std::uint64_t at, DiskOperation) {
          return at == number ? std::optional(SimulatedDisk::Fault{error, kept}) : std::nullopt;
        });
        std::uint64_t said = 0;
        for (int i = 0; i < 12; ++i) {
          if (node.append(1 + i % 2))
            said = node.log->position().sequence;
          else if (node.log->failed())
            EXPECT_EQ(node.append().error(), Errc::kReadOnly);
        }
        if (node.disk.operations() < number) break;
        ++points;
        node.disk.heal();
        node.disk.cut_power([](std::size_t growth) { return growth / 2; });
        node.log.reset();
        ASSERT_TRUE(node.open()) << number;
        EXPECT_GE(node.store.applied(), said) << number;
        EXPECT_TRUE(node.append()) << number;
      }
    }
  }
  std::printf("faults: points=%zu lost=0\n", points);
  EXPECT_GT(points, 100U);
}

// A group whose sync failed may be seen by the next start: then it must be on the disk before it is served.
TEST(Log, WhatTheNextStartSeesIsMadeDurable) {
  Node node;
  ASSERT_TRUE(node.open());
  ASSERT_TRUE(node.append());
  node.disk.plan([](std::uint64_t, DiskOperation operation) {
    return operation == DiskOperation::kSync ? std::optional(SimulatedDisk::Fault{}) : std::nullopt;
  });
  ASSERT_FALSE(node.append());
  node.disk.kill_process();
  node.disk.heal();
  ASSERT_TRUE(node.open());
  ASSERT_EQ(node.store.applied(), 2U);
  node.disk.cut_power([](std::size_t) { return 0; });
  MemoryStore store;
  const auto opened = open_committed(kFolder, store, node.options);
  ASSERT_TRUE(opened) << made::text_of(opened);
  EXPECT_EQ(store.applied(), 2U);
}

}  // namespace
}  // namespace idnode
