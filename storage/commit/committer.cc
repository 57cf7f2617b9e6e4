#include "storage/commit/committer.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "storage/commit/group_draft.h"
#include "storage/commit/observations.h"
#include "storage/commit/queue.h"
#include "storage/resident/resident.h"

namespace idnode {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long an idle commit thread sleeps before it looks at the free space again.
constexpr milliseconds kIdle{1000};
// How long before it looks whether readers of the memory tier have gone on.
constexpr milliseconds kTidy{1};
// How long it waits before it offers a refused batch to the store once more.
constexpr milliseconds kRetry{100};

constexpr std::array kSecondsBounds = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                       0.02,   0.05,   0.1,    0.2,   0.5,   1.0,   2.0};
constexpr std::array kMutationsBounds = {1.0,   2.0,   5.0,   10.0,   20.0,   50.0,
                                         100.0, 200.0, 500.0, 1000.0, 2000.0, 4000.0};

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// Items that are decided and answered together, and the batches that they are in.
class CommitGroup {
 public:
  struct Member {
    CommitBatch* batch;
    CommitItem* item;
  };

  void add(const std::shared_ptr<CommitBatch>& batch, CommitItem& item) {
    if (batches_.empty() || batches_.back() != batch) batches_.push_back(batch);
    members_.push_back({batch.get(), &item});
  }
  void clear() {
    members_.clear();
    batches_.clear();
  }
  std::span<const Member> members() const { return members_; }

 private:
  CommitBatches batches_;
  std::vector<Member> members_;
};

// What was taken from the queue and is in no group yet.
class CommitBacklog {
 public:
  bool empty() const { return batch_ == batches_.size(); }
  CommitBatch& batch() { return *batches_[batch_]; }
  CommitItem& front() { return batch().items[item_]; }
  void move_front(CommitGroup& group) {
    group.add(batches_[batch_], front());
    if (++item_ < batch().items.size()) return;
    batches_[batch_++].reset();
    item_ = 0;
    if (empty()) clear();
  }
  void take(CommitQueue& queue, milliseconds patience) { queue.take(batches_, patience); }

 private:
  void clear() {
    batches_.clear();
    batch_ = 0;
  }

  CommitBatches batches_;
  std::size_t batch_ = 0;  // of the front
  std::size_t item_ = 0;
};

}  // namespace

class Committer::Thread {
 public:
  Thread(Store& store, Log& log, const CommitLimits& limits, OnCommitted on_committed, Resident* resident)
      : store_(store),
        log_(log),
        resident_(resident),
        limits_(limits),
        on_committed_(std::move(on_committed)),
        queue_(limits.queue_bytes, limits.queue_mutations),
        draft_(store),
        sequence_(log.position().sequence),
        read_only_(log.failed()),
        thread_([this] { run(); }) {
    if (resident_ != nullptr) resident_->on_fill([this] { queue_.nudge(); });
  }

  ~Thread() {
    if (resident_ != nullptr) resident_->on_fill(nullptr);
    queue_.close();
    thread_.join();
  }

  void submit(CommitBatch batch) {
    batch.submitted = steady_clock::now();
    const bool read_only = read_only_.load(std::memory_order_acquire);
    std::vector<CommitItem> refused =
        read_only ? std::move(batch.items) : queue_.push(std::make_shared<CommitBatch>(std::move(batch)));
    for (CommitItem& item : refused)
      refuse(item.done, read_only ? CommitStatus::kReadOnly : CommitStatus::kBusy);
  }

  void drain() { queue_.drain(); }

  CommitCounters counters() const {
    std::lock_guard lock(counts_mutex_);
    CommitCounters counters = counts_;
    const CommitQueue::Size queued = queue_.size();
    counters.refused_busy = refused_busy_.load(std::memory_order_relaxed);
    counters.refused_read_only += refused_read_only_.load(std::memory_order_relaxed);
    counters.queued = queued.items;
    counters.queued_bytes = queued.bytes;
    counters.sequence = sequence_.load(std::memory_order_relaxed);
    counters.read_only = read_only_.load(std::memory_order_acquire);
    counters.low_space = low_space_.load(std::memory_order_relaxed) || full_.load(std::memory_order_relaxed);
    return counters;
  }

  CommitHistogram commit_seconds() const {
    std::lock_guard lock(counts_mutex_);
    return seconds_.histogram();
  }

  CommitHistogram group_mutations() const {
    std::lock_guard lock(counts_mutex_);
    return mutations_.histogram();
  }

 private:
  void refuse(CommitDone& done, CommitStatus status) {
    auto& count = status == CommitStatus::kBusy ? refused_busy_ : refused_read_only_;
    count.fetch_add(1, std::memory_order_relaxed);
    done({status, 0, 0});
  }

  void run() {
    bool untidy = false;
    while (true) {
      if (waiting_.empty()) waiting_.take(queue_, untidy ? kTidy : kIdle);
      look_at_space();
      if (!waiting_.empty())
        commit_group();
      else if (queue_.closed())
        break;
      untidy = resident_ != nullptr && resident_->work();
    }
  }

  void look_at_space() {
    const bool full = full_.load(std::memory_order_relaxed);
    if (limits_.free_space_bytes == 0 && !full) return;
    const Result<std::uint64_t> free = log_.free_bytes();
    if (limits_.free_space_bytes > 0)
      low_space_.store(!free || *free < limits_.free_space_bytes, std::memory_order_relaxed);
    // Who is told that the disk is full may send no more writes, so their success cannot be waited for.
    if (full && free && *free >= limits_.group_bytes) full_.store(false, std::memory_order_relaxed);
  }

  void commit_group() {
    if (read_only_.load(std::memory_order_relaxed)) return answer_waiting(CommitStatus::kReadOnly);
    if (low_space_.load(std::memory_order_relaxed)) return answer_waiting(CommitStatus::kNoSpace);
    gather();
    if (!draft_.empty()) {
      const Result<void> appended = log_.append(draft_.seal(), store_.durable());
      if (!appended)
        fail_group(appended.error());
      else
        publish();
    }
    answer_group();
    group_.clear();  // while nobody waits for it
  }

  // Fills the group with what waits and what arrives meanwhile.
  void gather() {
    const LogPosition& end = log_.position();
    draft_.begin(end.sequence + 1, std::max(now_ms(), end.time_ms), end.hash);
    while (draft_.count() < limits_.group_mutations) {
      if (waiting_.empty()) waiting_.take(queue_, milliseconds{0});
      if (waiting_.empty()) break;
      CommitItem& item = waiting_.front();
      if (!draft_.empty() && draft_.size() + item.bytes() > limits_.group_bytes) break;
      item.result = draft_.enter(waiting_.batch().mutation(item), item.as_of);
      waiting_.move_front(group_);
    }
  }

  void fail_group(Errc error) {
    if (error == Errc::kNoSpace) {
      full_.store(true, std::memory_order_relaxed);
      return change_group(CommitStatus::kNoSpace);
    }
    if (error == Errc::kBusy) return change_group(CommitStatus::kBusy);
    read_only_.store(true, std::memory_order_release);
    change_group(error == Errc::kReadOnly ? CommitStatus::kReadOnly : CommitStatus::kUnknown);
  }

  // What would have been committed is now `status`.
  void change_group(CommitStatus status) {
    for (const auto& [batch, item] : group_.members()) {
      if (item->result.status == CommitStatus::kCommitted) item->result = {status, 0, 0};
    }
  }

  void publish() {
    const std::uint64_t last = log_.position().sequence;
    if (resident_ != nullptr) resident_->stage(draft_.writes());
    if (!store_.apply_group(draft_.writes(), last)) {
      // It is in the log, so it will come true; but nobody can be told so now.
      change_group(CommitStatus::kUnknown);
      answer_group();
      if (!apply_until_done(last)) return;
    }
    sequence_.store(last, std::memory_order_relaxed);
    full_.store(false, std::memory_order_relaxed);
    if (resident_ != nullptr) resident_->publish();
    if (on_committed_) on_committed_(draft_.committed());
  }

  // No new group until the store has the last one: what comes meanwhile is refused. False: the node stops,
  // the next start replays.
  bool apply_until_done(std::uint64_t last) {
    stuck_ = std::exchange(group_, {});  // the draft points into it
    while (true) {
      const Result<void> applied = store_.apply_group(draft_.writes(), last);
      if (applied) return true;
      full_.store(applied.error() == Errc::kNoSpace, std::memory_order_relaxed);
      if (queue_.closed()) read_only_.store(true, std::memory_order_release);
      answer_waiting(applied.error() == Errc::kNoSpace ? CommitStatus::kNoSpace : CommitStatus::kReadOnly);
      if (queue_.closed()) return false;
      waiting_.take(queue_, kRetry);
      if (!waiting_.empty()) std::this_thread::sleep_for(kRetry);
    }
  }

  void answer_waiting(CommitStatus status) {
    waiting_.take(queue_, milliseconds{0});
    while (!waiting_.empty()) {
      waiting_.front().result = {status, 0, 0};
      waiting_.move_front(group_);
    }
    answer_group();
    group_.clear();
  }

  // Answers each item of the group once; its mutation stays until the group is cleared.
  void answer_group() {
    const auto now = steady_clock::now();
    count_group(now);
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const auto& [batch, item] : group_.members()) {
      if (!item->done) continue;
      std::exchange(item->done, nullptr)(item->result);
      ++count;
      bytes += item->bytes();
    }
    if (count > 0) queue_.settle(count, bytes);
  }

  void count_group(steady_clock::time_point now) {
    std::lock_guard lock(counts_mutex_);
    std::size_t committed = 0;
    for (const auto& [batch, item] : group_.members()) {
      if (!item->done) continue;
      count(item->result.status);
      if (item->result.status != CommitStatus::kCommitted) continue;
      ++committed;
      seconds_.add(std::chrono::duration<double>(now - batch->submitted).count());
    }
    if (committed == 0) return;
    ++counts_.groups;
    mutations_.add(static_cast<double>(committed));
  }

  void count(CommitStatus status) {
    switch (status) {
      case CommitStatus::kCommitted: ++counts_.committed; break;
      case CommitStatus::kAgain: ++counts_.again; break;
      case CommitStatus::kBusy: refused_busy_.fetch_add(1, std::memory_order_relaxed); break;
      case CommitStatus::kNoSpace: ++counts_.refused_space; break;
      case CommitStatus::kReadOnly: ++counts_.refused_read_only; break;
      case CommitStatus::kUnknown: ++counts_.failed; break;
      case CommitStatus::kCeiling: ++counts_.refused_ceiling; break;
    }
  }

  Store& store_;
  Log& log_;
  Resident* const resident_;
  const CommitLimits limits_;
  OnCommitted on_committed_;
  CommitQueue queue_;

  // Commit thread only.
  CommitBacklog waiting_;
  CommitGroup group_;
  CommitGroup stuck_;
  GroupDraft draft_;

  std::atomic<std::uint64_t> sequence_;
  std::atomic<bool> read_only_;
  std::atomic<bool> low_space_ = false;  // below the low-water mark: refuses
  std::atomic<bool> full_ = false;       // the disk itself refused the last group: only told
  std::atomic<std::uint64_t> refused_busy_ = 0;
  std::atomic<std::uint64_t> refused_read_only_ = 0;
  mutable std::mutex counts_mutex_;
  CommitCounters counts_;
  Observations<kSecondsBounds.size()> seconds_{kSecondsBounds};
  Observations<kMutationsBounds.size()> mutations_{kMutationsBounds};

  std::thread thread_;  // the last member: it uses all others
};

Committer::Committer(Store& store, Log& log, const CommitLimits& limits, OnCommitted on_committed,
                     Resident* resident)
    : thread_(std::make_unique<Thread>(store, log, limits, std::move(on_committed), resident)) {}

Committer::~Committer() = default;

void Committer::submit(CommitBatch batch) { thread_->submit(std::move(batch)); }

void Committer::submit(const Mutation& mutation, CommitDone done) {
  CommitBatch one;
  one.add(mutation, std::move(done));
  thread_->submit(std::move(one));
}

void Committer::drain() { thread_->drain(); }

CommitCounters Committer::counters() const { return thread_->counters(); }
CommitHistogram Committer::commit_seconds() const { return thread_->commit_seconds(); }
CommitHistogram Committer::group_mutations() const { return thread_->group_mutations(); }

}  // namespace idnode
