// The one commit thread: takes mutations from any thread, orders them, makes them durable, publishes them,
// then answers.
//
// A group is whatever arrived while the last one was synced, at most `group_bytes` or `group_mutations`. For
// each group: check reads against what is committed or earlier in the group; stamp sequence, time and
// previous versions; append to the log; sync; apply to the store in one batch; on_committed; acknowledge.
// (ARCHITECTURE.md, "One registration".)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "storage/commit/mutation.h"
#include "storage/log/log.h"
#include "storage/store.h"

namespace idnode {

enum class CommitStatus {
  kCommitted,  // durable and visible
  kAgain,      // a read has moved: decide again on the new state
  kCeiling,    // a delta would pass its ceiling
  kBusy,       // the queue is full; nothing was queued
  kNoSpace,    // refused by the low-water mark or ENOSPC; nothing is written
  kReadOnly,   // an earlier sync failed: no writes until a restart
  kUnknown,    // the disk failed while this was on its way: it may or may not be there after a restart
};

struct CommitResult {
  CommitStatus status = CommitStatus::kUnknown;
  std::uint64_t sequence = 0;  // of this mutation; only when committed
  std::uint64_t time_ms = 0;   // stamped commit time
};

// Called exactly once for each submitted mutation, on the commit thread (or on the submitting one for kBusy
// and kReadOnly). Must not block.
using CommitDone = std::move_only_function<void(const CommitResult&)>;

struct Submission {
  Mutation mutation;
  CommitDone done;
};

// What the publish seam sees: one committed mutation, its writes stamped.
struct Committed {
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;
  const Mutation* mutation = nullptr;
};
// Commit thread, after the store's batch and before any acknowledgement of the group.
using OnCommitted = std::move_only_function<void(std::span<const Committed>)>;

struct CommitLimits {
  std::size_t queue_bytes = std::size_t{64} << 20;
  std::size_t queue_mutations = 100'000;
  std::size_t group_bytes = std::size_t{4} << 20;
  std::size_t group_mutations = 4'000;
  std::uint64_t free_space_bytes = 0;  // low-water mark: writes are refused below it; 0 = none
};

// A copy for the metrics thread.
struct CommitCounters {
  std::uint64_t committed = 0;  // mutations
  std::uint64_t groups = 0;
  std::uint64_t again = 0;
  std::uint64_t refused_ceiling = 0;
  std::uint64_t refused_busy = 0;
  std::uint64_t refused_space = 0;
  std::uint64_t refused_read_only = 0;
  std::uint64_t failed = 0;
  std::uint64_t queued = 0;        // now
  std::uint64_t queued_bytes = 0;  // now
  std::uint64_t sequence = 0;      // last committed
  bool read_only = false;
  bool low_space = false;  // below the low-water mark, or the disk had no room for the last group
};

// Cumulative counts of observations at most each bound; the last count is +Inf.
struct CommitHistogram {
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  double sum = 0;
};

class Resident;

class Committer {
 public:
  // `store` and `log` must outlive this object and already agree (storage/log/replay.h), as must `resident`,
  // the memory tier in front of the store (null: there is none).
  Committer(Store& store, Log& log, const CommitLimits& limits, OnCommitted on_committed,
            Resident* resident = nullptr);
  // Finishes what is queued, then stops the thread.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Any thread. Reads and writes name keys of the tables kRecords and kHomed only, images are made by
  // storage/record.h: anything else throws std::invalid_argument. kAgain is answered after the group that it
  // met has been published, so that the next decision sees it.
  void submit(Mutation mutation, CommitDone done);
  // The same for each, in order, but queued at once: one sync for all that fit in a group. Each is answered
  // for itself; what finds the queue full is kBusy.
  void submit(std::vector<Submission> submissions);
  // Blocks until everything submitted before has been decided. Not from the commit thread.
  void drain();

  CommitCounters counters() const;
  CommitHistogram commit_seconds() const;
  CommitHistogram group_mutations() const;

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace idnode
