#include "storage/commit/committer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "storage/commit/counters.h"
#include "storage/commit/group_draft.h"
#include "tests/storage/made.h"

namespace idnode {
namespace {

using made::commit;
using made::put;
using made::stored;

// A committer on a memory store and a log in a scratch folder.
class CommitterTest : public testing::Test {
 protected:
  void open(CommitLimits limits = {}) {
    committer_.reset();
    store_ = std::make_unique<MemoryStore>();
    auto opened = open_committed(scratch_ / "log", *store_);
    ASSERT_TRUE(opened) << made::text_of(opened);
    log_ = std::move(opened->log);
    committer_ =
        std::make_unique<Committer>(*store_, *log_, limits, [this](std::span<const Committed> group) {
          for (const Committed& one : group) published_.push_back(one.sequence);
        });
  }

  made::Scratch scratch_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<Log> log_;
  std::vector<std::uint64_t> published_;
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterTest, StampsSequencePreviousAndCreated) {
  open();
  const CommitResult created = commit(*committer_, put("88.118/a", 0, "v1"));
  ASSERT_EQ(created.status, CommitStatus::kCommitted);
  EXPECT_EQ(created.sequence, 1U);
  commit(*committer_, put("88.118/b", 0, "other"));
  std::string image;
  const std::uint64_t born = stored(*store_, "88.118/a", image).created;
  EXPECT_EQ(born, created.time_ms);

  Mutation change = put("88.118/a", 1, "v2");
  change.writes[0].image = make_record("88.118/a", born, 1, "v2");
  EXPECT_EQ(commit(*committer_, std::move(change)).sequence, 3U);
  const RecordView record = stored(*store_, "88.118/a", image);
  EXPECT_EQ(record.sequence, 3U);
  EXPECT_EQ(record.previous, 1U);
  EXPECT_EQ(record.created, born);
  EXPECT_EQ(record.values, "v2");
  EXPECT_EQ(published_, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(CommitterTest, ReadThatMovedIsDecidedAgain) {
  open();
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v1")).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v2")).status, CommitStatus::kAgain);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 7, "v2")).status, CommitStatus::kAgain);
  EXPECT_EQ(commit(*committer_, put("88.118/b", 1, "v2")).status, CommitStatus::kAgain);
  EXPECT_EQ(committer_->counters().again, 3U);
  EXPECT_EQ(log_->position().sequence, 1U);
}

Mutation put_as_of(std::string_view name, std::uint64_t version, std::uint64_t as_of) {
  Mutation mutation = put(std::string(name), version, "v");
  mutation.as_of = as_of;
  return mutation;
}

// What nobody has written since it was read is not looked up again; what somebody has is.
TEST_F(CommitterTest, KnownReadsAreNotLookedUp) {
  open();
  commit(*committer_, put("88.118/a", 0, "v1"));
  commit(*committer_, put("88.118/b", 0, "v1"));
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/c", 0, 2)).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/a", 1, 2)).status, CommitStatus::kCommitted);
  std::string image;
  EXPECT_EQ(stored(*store_, "88.118/a", image).previous, 1U);
  // Read at 1 as of 2, written by 4 since.
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/a", 1, 2)).status, CommitStatus::kAgain);
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/a", 4, 2)).status, CommitStatus::kCommitted);
  EXPECT_EQ(stored(*store_, "88.118/a", image).previous, 4U);
  // The control: a caller that lies about when it read is believed, so nothing has been looked up.
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/b", 1, 5)).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/b", 1, 6)).status, CommitStatus::kCommitted);
}

// Writes from before the start stand in no table: an older time says nothing about them.
TEST_F(CommitterTest, ReadsFromBeforeTheStartAreLookedUp) {
  open();
  commit(*committer_, put("88.118/a", 0, "v1"));
  commit(*committer_, put("88.118/a", 1, "v2"));
  committer_ = std::make_unique<Committer>(*store_, *log_, CommitLimits{}, nullptr);
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/a", 1, 1)).status, CommitStatus::kAgain);
  EXPECT_EQ(commit(*committer_, put_as_of("88.118/a", 2, 1)).status, CommitStatus::kCommitted);
}

// Two of one group that read the same: the second meets the first.
TEST_F(CommitterTest, KnownReadsMeetTheOpenGroup) {
  open();
  commit(*committer_, put("88.118/a", 0, "v1"));
  std::vector<CommitStatus> statuses(3);
  CommitBatch batch;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    batch.add(put_as_of("88.118/a", i == 2 ? 2 : 1, 1),
              [&statuses, i](const CommitResult& result) { statuses[i] = result.status; });
  }
  committer_->submit(std::move(batch));
  committer_->drain();
  EXPECT_EQ(statuses,
            (std::vector{CommitStatus::kCommitted, CommitStatus::kAgain, CommitStatus::kCommitted}));
}

TEST_F(CommitterTest, TombstoneKeepsVersionAndHistory) {
  open();
  commit(*committer_, put("88.118/a", 0, "v1"));
  Mutation gone = put("88.118/a", 1, "");
  gone.writes[0].image = make_tombstone("88.118/a");
  EXPECT_EQ(commit(*committer_, std::move(gone)).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "v2")).status, CommitStatus::kAgain);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 2, "v2")).status, CommitStatus::kCommitted);
  std::string image;
  const RecordView record = stored(*store_, "88.118/a", image);
  EXPECT_FALSE(record.tombstone);
  EXPECT_EQ(record.previous, 2U);
}

// Two changes of one record in one group: the second is checked against the first.
TEST_F(CommitterTest, LaterInTheGroupMeetsTheEarlier) {
  open();
  std::mutex blocked;
  blocked.lock();  // holds the commit thread in an answer while the next group gathers
  committer_->submit(put("88.118/first", 0, "x"),
                     [&](const CommitResult&) { std::lock_guard wait(blocked); });
  std::vector<CommitStatus> statuses(3);
  committer_->submit(put("88.118/a", 0, "v1"), [&](const CommitResult& r) { statuses[0] = r.status; });
  committer_->submit(put("88.118/a", 0, "v2"), [&](const CommitResult& r) { statuses[1] = r.status; });
  committer_->submit(put("88.118/a", 2, "v3"), [&](const CommitResult& r) { statuses[2] = r.status; });
  blocked.unlock();
  committer_->drain();
  EXPECT_EQ(statuses,
            (std::vector{CommitStatus::kCommitted, CommitStatus::kAgain, CommitStatus::kCommitted}));
  std::string image;
  const RecordView record = stored(*store_, "88.118/a", image);
  EXPECT_EQ(record.values, "v3");
  EXPECT_EQ(record.previous, 2U);
}

TEST_F(CommitterTest, CountersAreExactAndBounded) {
  open();
  const auto with_delta = [](int n, std::int64_t amount) {
    Mutation mutation = put("88.118/c" + std::to_string(n), 0, "v");
    mutation.deltas.push_back({"quota", amount, 3});
    return mutation;
  };
  EXPECT_EQ(commit(*committer_, with_delta(1, 2)).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, with_delta(2, 2)).status, CommitStatus::kCeiling);
  EXPECT_EQ(commit(*committer_, with_delta(3, 1)).status, CommitStatus::kCommitted);
  EXPECT_EQ(commit(*committer_, with_delta(4, 1)).status, CommitStatus::kCeiling);
  EXPECT_EQ(commit(*committer_, with_delta(5, -4)).status, CommitStatus::kCeiling);
  EXPECT_EQ(commit(*committer_, with_delta(6, -3)).status, CommitStatus::kCommitted);
  Mutation twice = with_delta(7, 2);
  twice.deltas.push_back({"quota", 2, 3});
  EXPECT_EQ(commit(*committer_, std::move(twice)).status, CommitStatus::kCeiling);
  EXPECT_EQ(read_counter(*store_, "quota"), 0);
  EXPECT_EQ(commit(*committer_, with_delta(8, 3)).status, CommitStatus::kCommitted);
  open();  // replays
  EXPECT_EQ(read_counter(*store_, "quota"), 3);
}

TEST_F(CommitterTest, FullQueueIsRefusedAtOnce) {
  CommitLimits limits;
  limits.queue_mutations = 4;
  open(limits);
  std::mutex blocked;
  blocked.lock();
  std::vector<CommitStatus> statuses;
  committer_->submit(put("88.118/first", 0, "x"),
                     [&](const CommitResult&) { std::lock_guard wait(blocked); });
  for (int i = 0; i < 4; ++i) {
    committer_->submit(put("88.118/" + std::to_string(i), 0, "x"),
                       [&](const CommitResult& r) { statuses.push_back(r.status); });
  }
  EXPECT_EQ(statuses, std::vector{CommitStatus::kBusy});
  blocked.unlock();
  committer_->drain();
  EXPECT_EQ(committer_->counters().committed, 4U);
  EXPECT_EQ(committer_->counters().refused_busy, 1U);
  EXPECT_EQ(committer_->counters().queued, 0U);
  EXPECT_EQ(committer_->counters().queued_bytes, 0U);
}

TEST_F(CommitterTest, QueueIsBoundedByOctets) {
  CommitLimits limits;
  limits.queue_bytes = 100'000;
  open(limits);
  std::mutex blocked;
  blocked.lock();
  std::vector<CommitStatus> statuses;
  committer_->submit(put("88.118/first", 0, std::string(150'000, 'x')),
                     [&](const CommitResult&) { std::lock_guard wait(blocked); });
  committer_->submit(put("88.118/second", 0, "x"),
                     [&](const CommitResult& r) { statuses.push_back(r.status); });
  EXPECT_EQ(statuses, std::vector{CommitStatus::kBusy});
  blocked.unlock();
  committer_->drain();
  EXPECT_EQ(commit(*committer_, put("88.118/second", 0, "x")).status, CommitStatus::kCommitted);
}

TEST_F(CommitterTest, GroupsAreBounded) {
  CommitLimits limits;
  limits.group_mutations = 10;
  open(limits);
  for (int i = 0; i < 1'000; ++i)
    committer_->submit(put("88.118/" + std::to_string(i), 0, "x"), [](auto&) {});
  committer_->drain();
  EXPECT_EQ(committer_->counters().committed, 1'000U);
  EXPECT_GE(committer_->counters().groups, 100U);
  const CommitHistogram groups = committer_->group_mutations();
  EXPECT_EQ(groups.counts.back(), committer_->counters().groups);
  EXPECT_EQ(groups.counts[3], groups.counts.back());  // none above 10
  EXPECT_EQ(groups.sum, 1'000);
  EXPECT_EQ(committer_->commit_seconds().counts.back(), 1'000U);
}

TEST_F(CommitterTest, BatchIsOneGroupAndIsCutWhereTheQueueEnds) {
  CommitLimits limits;
  limits.queue_mutations = 50;
  open(limits);
  std::vector<CommitStatus> statuses(60);
  CommitBatch batch;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    batch.add(put("88.118/" + std::to_string(i), 0, "x"),
              [&statuses, i](const CommitResult& r) { statuses[i] = r.status; });
  }
  committer_->submit(std::move(batch));
  committer_->drain();
  EXPECT_EQ(std::count(statuses.begin(), statuses.begin() + 50, CommitStatus::kCommitted), 50);
  EXPECT_EQ(std::count(statuses.begin() + 50, statuses.end(), CommitStatus::kBusy), 10);
  EXPECT_EQ(committer_->counters().groups, 1U);
}

TEST_F(CommitterTest, BatchMayTakeSeveralGroups) {
  CommitLimits limits;
  limits.group_mutations = 10;
  open(limits);
  std::vector<CommitResult> results(25);
  CommitBatch batch;
  for (std::size_t i = 0; i < results.size(); ++i) {
    batch.add(put("88.118/" + std::to_string(i), 0, "x"),
              [&results, i](const CommitResult& r) { results[i] = r; });
  }
  committer_->submit(std::move(batch));
  committer_->drain();
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].status, CommitStatus::kCommitted) << i;
    EXPECT_EQ(results[i].sequence, i + 1);
  }
  EXPECT_EQ(committer_->counters().groups, 3U);
  EXPECT_EQ(committer_->counters().queued, 0U);
}

// Names whose keys share a slot of the draft are not taken for each other within one group.
void keep_slots_apart(Committer& committer, std::uint64_t as_of) {
  const auto slot = [](const std::string& name) { return GroupDraft::slot_number(record_key(name, false)); };
  std::vector<std::string> names = {"88.118/0"};
  for (int i = 1; names.size() < 3; ++i) {
    const std::string name = "88.118/" + std::to_string(i);
    if (slot(name) == slot(names[0])) names.push_back(name);
  }
  ASSERT_EQ(commit(committer, put("88.118/other", 0, "x")).sequence, 1U);
  struct Step {
    std::size_t name;
    std::uint64_t version;
    std::uint64_t sequence;  // 0: it must decide again
  };
  const std::vector<Step> steps = {{0, 0, 2}, {1, 0, 3}, {0, 3, 0}, {0, 2, 4}, {1, 2, 0}, {1, 3, 5},
                                   {2, 5, 0}, {2, 0, 6}, {0, 4, 7}, {0, 4, 0}, {2, 6, 8}, {1, 5, 9}};
  std::vector<CommitResult> results(steps.size());
  CommitBatch batch;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Mutation mutation = put(names[steps[i].name], steps[i].version, "x");
    mutation.as_of = as_of;
    batch.add(mutation, [&results, i](const CommitResult& result) { results[i] = result; });
  }
  committer.submit(std::move(batch));
  committer.drain();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(results[i].status, steps[i].sequence != 0 ? CommitStatus::kCommitted : CommitStatus::kAgain)
        << i;
    EXPECT_EQ(results[i].sequence, steps[i].sequence) << i;
  }
}

TEST_F(CommitterTest, KeysOfOneSlotAreKeptApart) {
  open();
  keep_slots_apart(*committer_, 0);
  std::string image;
  EXPECT_EQ(stored(*store_, "88.118/0", image).previous, 4U);
}

TEST_F(CommitterTest, KeysOfOneSlotAreKeptApartWhenTheirReadsAreDated) {
  open();
  keep_slots_apart(*committer_, 1);
  std::string image;
  EXPECT_EQ(stored(*store_, "88.118/0", image).previous, 4U);
}

// The image that stays is the last, and its history leads to itself.
TEST_F(CommitterTest, OneMutationMayWriteAKeyTwice) {
  open();
  commit(*committer_, put("88.118/a", 0, "v1"));
  Mutation twice = put("88.118/a", 1, "v2");
  twice.writes.push_back(put("88.118/a", 1, "v3").writes[0]);
  EXPECT_EQ(commit(*committer_, std::move(twice)).status, CommitStatus::kCommitted);
  std::string image;
  const RecordView record = stored(*store_, "88.118/a", image);
  EXPECT_EQ(record.values, "v3");
  EXPECT_EQ(record.sequence, 2U);
  EXPECT_EQ(record.previous, 2U);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 2, "v4")).status, CommitStatus::kCommitted);
}

TEST_F(CommitterTest, LowWaterMarkRefusesAndRecovers) {
  CommitLimits limits;
  limits.free_space_bytes = ~std::uint64_t{0};
  open(limits);
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "x")).status, CommitStatus::kNoSpace);
  EXPECT_TRUE(committer_->counters().low_space);
  EXPECT_EQ(committer_->counters().refused_space, 1U);
  open();
  EXPECT_EQ(commit(*committer_, put("88.118/a", 0, "x")).status, CommitStatus::kCommitted);
}

TEST_F(CommitterTest, WhatIsQueuedIsFinishedAtTheEnd) {
  open();
  int committed = 0;
  for (int i = 0; i < 500; ++i) {
    committer_->submit(put("88.118/" + std::to_string(i), 0, "x"),
                       [&](const CommitResult& r) { committed += r.status == CommitStatus::kCommitted; });
  }
  committer_.reset();
  EXPECT_EQ(committed, 500);
  open();
  EXPECT_EQ(store_->applied(), 500U);
}

TEST_F(CommitterTest, BrokenCallersAreStopped) {
  open();
  Mutation counter = put("88.118/a", 0, "x");
  counter.writes[0].key = counter_key("quota");
  EXPECT_THROW(committer_->submit(std::move(counter), [](auto&) {}), std::invalid_argument);
  Mutation short_image = put("88.118/a", 0, "x");
  short_image.writes[0].image = "x";
  EXPECT_THROW(committer_->submit(std::move(short_image), [](auto&) {}), std::invalid_argument);
}

}  // namespace
}  // namespace idnode
