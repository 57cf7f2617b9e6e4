// Many threads change the same few records, read while they are changed, and none of it is lost or torn.
// Meant for ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <semaphore>
#include <thread>

#include "storage/commit/counters.h"
#include "tests/storage/made.h"
#include "tests/storage/simulated_disk.h"

namespace idnode {
namespace {

constexpr int kThreads = 4;
constexpr int kChanges = 300;

// One thread's work: read, decide, submit, again when somebody was faster.
std::uint64_t work(Committer& committer, const Store& store, unsigned seed) {
  std::mt19937 random(seed);
  std::uint64_t again = 0;
  for (int done = 0; done < kChanges;) {
    const std::string name = "88.118/" + std::to_string(random() % 4);
    std::string image;
    const std::uint64_t as_of = seed % 2 == 0 ? store.applied() : 0;
    const bool found = *store.get(record_key(name, false), image, Depth::kDisk);
    Mutation mutation =
        made::put(name, found ? parse_record(image)->sequence : 0, std::string(random() % 50, 'v'));
    mutation.as_of = as_of;
    mutation.deltas.push_back({"changes", 1, INT64_MAX});
    CommitStatus status = CommitStatus::kUnknown;
    std::binary_semaphore answered(0);
    committer.submit(std::move(mutation), [&](const CommitResult& result) {
      status = result.status;
      answered.release();
    });
    answered.acquire();
    EXPECT_TRUE(status == CommitStatus::kCommitted || status == CommitStatus::kAgain);
    if (status == CommitStatus::kCommitted)
      ++done;
    else
      ++again;
  }
  return again;
}

TEST(Submitters, ChangesAreOrderedAndNoneIsLost) {
  SimulatedDisk disk;
  MemoryStore store;
  auto opened = open_committed("log", store, {&disk, std::uint64_t{1} << 16});
  ASSERT_TRUE(opened);
  std::atomic<std::uint64_t> published = 0;
  std::atomic<std::uint64_t> again = 0;
  {
    Committer committer(store, *opened->log, {}, [&](auto group) {
      for (const Committed& one : group) published.store(one.sequence, std::memory_order_release);
    });
    std::atomic<bool> ended = false;
    std::thread watcher([&] {
      while (!ended.load(std::memory_order_acquire)) {
        const CommitCounters counters = committer.counters();
        EXPECT_LE(counters.queued, 2 * kThreads);  // answered ones count until their group is done
        (void)committer.commit_seconds();
        const KeyRange all = table_range(Table::kRecords);
        const auto cursor = store.scan(all.from, all.to);
        while (cursor->next()) EXPECT_TRUE(parse_record(cursor->image()));
      }
    });
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] { again += work(committer, store, i + 1); });
    }
    for (std::thread& thread : threads) thread.join();
    committer.drain();
    ended.store(true, std::memory_order_release);
    watcher.join();
    EXPECT_EQ(committer.counters().committed, std::uint64_t{kThreads} * kChanges);
    EXPECT_EQ(committer.counters().again, again);
  }
  EXPECT_EQ(published, std::uint64_t{kThreads} * kChanges);
  EXPECT_EQ(read_counter(store, "changes"), kThreads * kChanges);
  MemoryStore replayed;
  ASSERT_TRUE(open_committed("log", replayed, {&disk, std::uint64_t{1} << 16}));
  EXPECT_EQ(replayed.applied(), std::uint64_t{kThreads} * kChanges);
  std::string image;
  std::string other;
  for (int i = 0; i < 4; ++i) {
    made::stored(store, "88.118/" + std::to_string(i), image);
    made::stored(replayed, "88.118/" + std::to_string(i), other);
    EXPECT_EQ(image, other);
  }
}

// A queue that fills and empties under several producers.
TEST(Submitters, BusyIsAnsweredAndNothingElseHappens) {
  SimulatedDisk disk;
  MemoryStore store;
  auto opened = open_committed("log", store, {&disk, std::uint64_t{1} << 20});
  ASSERT_TRUE(opened);
  CommitLimits limits;
  limits.queue_mutations = 16;
  std::atomic<std::uint64_t> committed = 0;
  std::atomic<std::uint64_t> busy = 0;
  Committer committer(store, *opened->log, limits, {});
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 1'000; ++k) {
        const std::string name = "88.118/" + std::to_string(i) + "/" + std::to_string(k);
        committer.submit(made::put(name, 0, "v"), [&](const CommitResult& result) {
          (result.status == CommitStatus::kBusy ? busy : committed) += 1;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  committer.drain();
  EXPECT_EQ(committed + busy, 4'000U);
  EXPECT_EQ(store.applied(), committed);
  EXPECT_EQ(committer.counters().refused_busy, busy);
}

}  // namespace
}  // namespace idnode
