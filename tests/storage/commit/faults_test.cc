// The commit thread when the disk or the store fails (storage/log/FORMAT.md, "While writing").
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/commit/committer.h"
#include "tests/storage/made.h"
#include "tests/storage/simulated_disk.h"

namespace idnode {
namespace {

using made::commit;
using made::put;

// A store whose batches and reads can be made to fail.
class StubbornStore final : public Store {
 public:
  std::atomic<bool> refuse_batches = false;
  std::atomic<bool> refuse_reads = false;
  std::atomic<Errc> error = Errc::kNoSpace;
  std::atomic<int> refused = 0;

  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override {
    if (refuse_reads) return std::unexpected(Errc::kIo);
    return store_.get(key, image, depth);
  }
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override {
    return store_.scan(from, to);
  }
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override {
    if (refuse_batches) {
      ++refused;
      return std::unexpected(error.load());
    }
    return store_.apply_group(writes, sequence);
  }
  std::uint64_t applied() const override { return store_.applied(); }
  Result<void> flush() override { return {}; }
  std::uint64_t approximate_bytes() const override { return 0; }

 private:
  MemoryStore store_;
};

class FaultsTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    committer_.reset();
    store_ = std::make_unique<StubbornStore>();
    auto opened = open_committed("log", *store_, {&disk_, std::uint64_t{1} << 20});
    ASSERT_TRUE(opened) << made::text_of(opened);
    log_ = std::move(opened->log);
    committer_ = std::make_unique<Committer>(*store_, *log_, CommitLimits(),
                                             [this](auto group) { published_ += group.size(); });
  }
  void fail(DiskOperation operation, Errc error) {
    disk_.plan([=](std::uint64_t, DiskOperation at) {
      return at == operation ? std::optional(SimulatedDisk::Fault{error, 0}) : std::nullopt;
    });
  }

  SimulatedDisk disk_;
  std::unique_ptr<StubbornStore> store_;
  std::unique_ptr<Log> log_;
  std::atomic<std::size_t> published_ = 0;
  std::unique_ptr<Committer> committer_;
};

TEST_F(FaultsTest, FailedSyncIsFinal) {
  ASSERT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
  fail(DiskOperation::kSync, Errc::kIo);
  EXPECT_EQ(commit(*committer_, put("88.118/b", 0, "v")).status, CommitStatus::kUnknown);
  disk_.heal();
  EXPECT_EQ(commit(*committer_, put("88.118/c", 0, "v")).status, CommitStatus::kReadOnly);
  EXPECT_EQ(published_, 1U);
  EXPECT_TRUE(committer_->counters().read_only);
  EXPECT_EQ(committer_->counters().failed, 1U);
  EXPECT_EQ(committer_->counters().refused_read_only, 1U);
  std::string image;
  EXPECT_EQ(made::stored(*store_, "88.118/a", image).values, "v");  // reads go on
  open();
  EXPECT_EQ(store_->applied(), 2U);  // it was there after all
  EXPECT_EQ(commit(*committer_, put("88.118/c", 0, "v")).status, CommitStatus::kCommitted);
}

TEST_F(FaultsTest, FailedWriteIsFinal) {
  ASSERT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
  fail(DiskOperation::kWrite, Errc::kIo);
  EXPECT_EQ(commit(*committer_, put("88.118/b", 0, "v")).status, CommitStatus::kUnknown);
  disk_.heal();
  EXPECT_EQ(commit(*committer_, put("88.118/c", 0, "v")).status, CommitStatus::kReadOnly);
}

TEST_F(FaultsTest, FullDiskRefusesAndHeals) {
  ASSERT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
  disk_.capacity(0);
  EXPECT_EQ(commit(*committer_, put("88.118/b", 0, "v")).status, CommitStatus::kNoSpace);
  EXPECT_FALSE(committer_->counters().read_only);
  EXPECT_TRUE(committer_->counters().low_space) << "the alarm needs no low-water mark";
  disk_.capacity(std::uint64_t{1} << 30);
  const CommitResult healed = commit(*committer_, put("88.118/b", 0, "v"));
  EXPECT_EQ(healed.status, CommitStatus::kCommitted);
  EXPECT_EQ(healed.sequence, 2U);
  EXPECT_FALSE(committer_->counters().low_space);
}

// The sequences of a group that failed come again, for other keys: nothing of it is taken for this one's.
TEST_F(FaultsTest, WhatAFailedGroupWroteWasNotWritten) {
  const auto all = [&](const std::vector<std::pair<std::string, std::uint64_t>>& changes) {
    std::vector<CommitResult> results(changes.size());
    CommitBatch batch;
    for (std::size_t i = 0; i < changes.size(); ++i)
      batch.add(put(changes[i].first, changes[i].second, "v"),
                [&results, i](const CommitResult& result) { results[i] = result; });
    committer_->submit(std::move(batch));
    committer_->drain();
    std::vector<std::uint64_t> sequences;
    for (const CommitResult& result : results) sequences.push_back(result.sequence);
    return sequences;
  };
  disk_.capacity(0);
  EXPECT_EQ(all({{"88.118/a", 0}, {"88.118/b", 0}, {"88.118/c", 0}}), (std::vector<std::uint64_t>{0, 0, 0}));
  disk_.capacity(std::uint64_t{1} << 30);
  // c, b and a stand where a, b and c stood; a is made when others have its old sequence.
  EXPECT_EQ(all({{"88.118/c", 0},
                 {"88.118/b", 0},
                 {"88.118/a", 1},
                 {"88.118/a", 0},
                 {"88.118/c", 1},
                 {"88.118/b", 2}}),
            (std::vector<std::uint64_t>{1, 2, 0, 3, 4, 5}));
}

// Nobody may write to a node that is not ready, so the alarm ends without a write.
TEST_F(FaultsTest, AlarmOfAFullDiskEndsByItself) {
  disk_.capacity(0);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kNoSpace);
  EXPECT_TRUE(committer_->counters().low_space);
  disk_.capacity(std::uint64_t{1} << 30);
  while (committer_->counters().low_space) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST_F(FaultsTest, CutThatFailsIsFinal) {
  ASSERT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
  disk_.plan([](std::uint64_t, DiskOperation at) -> std::optional<SimulatedDisk::Fault> {
    if (at == DiskOperation::kWrite) return SimulatedDisk::Fault{Errc::kNoSpace, 20};
    if (at == DiskOperation::kTruncate) return SimulatedDisk::Fault{};
    return std::nullopt;
  });
  EXPECT_EQ(commit(*committer_, put("88.118/b", 0, "v")).status, CommitStatus::kUnknown);
  disk_.heal();
  EXPECT_EQ(commit(*committer_, put("88.118/b", 0, "v")).status, CommitStatus::kReadOnly);
  open();
  EXPECT_EQ(store_->applied(), 1U);
}

TEST_F(FaultsTest, NoDescriptorsIsNotFinal) {
  fail(DiskOperation::kCreate, Errc::kBusy);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kBusy);
  disk_.heal();
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
}

// In the log but not in the store: nobody knows, nothing new until the store has it, then it is published.
// BEHAVIOUR §20.49: what is published is in the store.
TEST_F(FaultsTest, StoreThatRefusesHoldsEverythingBack) {
  for (const auto& [error, status] :
       {std::pair{Errc::kNoSpace, CommitStatus::kNoSpace}, std::pair{Errc::kIo, CommitStatus::kReadOnly}}) {
    const std::size_t before = published_;
    const std::string name = "88.118/" + std::to_string(before);
    store_->error = error;
    store_->refuse_batches = true;
    EXPECT_EQ(commit(*committer_, put(name, 0, "v")).status, CommitStatus::kUnknown);
    EXPECT_EQ(commit(*committer_, put("88.118/other", 0, "v")).status, status);
    EXPECT_EQ(published_, before);
    store_->refuse_batches = false;
    while (published_ == before) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(commit(*committer_, put(name, log_->position().sequence, "w")).status,
              CommitStatus::kCommitted);
    EXPECT_GT(store_->refused, 1);
  }
  EXPECT_FALSE(committer_->counters().read_only);
}

TEST_F(FaultsTest, StopWhileTheStoreRefusesIsReplayed) {
  store_->refuse_batches = true;
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kUnknown);
  open();
  EXPECT_EQ(store_->applied(), 1U);
  EXPECT_EQ(published_, 0U);
}

TEST_F(FaultsTest, StoreThatCannotBeAskedDecidesNothing) {
  store_->refuse_reads = true;
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kUnknown);
  store_->refuse_reads = false;
  EXPECT_EQ(log_->position().sequence, 0U);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v")).status, CommitStatus::kCommitted);
}

}  // namespace
}  // namespace idnode
