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
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "storage/commit/batch.h"
#include "storage/log/log.h"
#include "storage/store.h"

namespace idnode {

// What the publish seam sees of one committed mutation, until the call returns; the images are stamped.
struct Committed {
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;
  std::string_view action;
  std::span<const WriteView> writes;
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

  // Any thread. All of a batch is queued at once, in order: one sync for all that fit in a group. Each is
  // answered for itself; what finds the queue full is kBusy. kAgain is answered after the group that it met
  // has been published, so that the next decision sees it.
  void submit(CommitBatch batch);
  void submit(const Mutation& mutation, CommitDone done);
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
