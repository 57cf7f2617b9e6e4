// `idload fill`: the fast way to a node with a million records. Everything goes through log and commit
// thread, as if it had been registered; only the proofs are left out.
#include <fmt/core.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "bench/load/names.h"
#include "bench/load/records.h"
#include "protocol/bytes.h"
#include "protocol/identifier.h"
#include "resolver/app/config.h"
#include "storage/commit/committer.h"
#include "storage/data_folder.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "storage/rocks_store.h"

namespace idnode::load {
namespace {

constexpr std::uint64_t kBatch = 4'000;
constexpr std::uint64_t kQueued = 40'000;  // below the queue's own bound

// Counts what is on its way to the disk.
class Flow {
 public:
  void wait_below(std::uint64_t most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ <= most; });
  }
  void start(std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    under_way_ += n;
  }
  void done(bool committed) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    ++(committed ? committed_ : failed_);
    changed_.notify_all();
  }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t failed() const { return failed_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t under_way_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t failed_ = 0;
};

Mutation creation(const std::string& name, std::uint64_t number, const Settings& settings) {
  Mutation mutation;
  Writer(mutation.id).u64(number);
  mutation.id.append(8, 'f');
  mutation.actor = "";
  mutation.action = "create";
  mutation.reads = {{record_key(name, settings.node.case_sensitive), 0}};
  mutation.writes.push_back({mutation.reads[0].key, make_record(name, 0, kValuesOfRecord, values_of(name))});
  return mutation;
}

void submit_all(Committer& committer, const Names& names, const Settings& settings, Flow& flow) {
  for (std::uint64_t at = 0; at < names.count(); at += kBatch) {
    CommitBatch batch;
    for (std::uint64_t i = at; i < std::min(names.count(), at + kBatch); ++i)
      batch.add(creation(names[i], i, settings), [&flow](const CommitResult& result) {
        flow.done(result.status == CommitStatus::kCommitted);
      });
    flow.start(batch.items.size());
    committer.submit(std::move(batch));
    flow.wait_below(kQueued);
  }
  flow.wait_below(0);
}

Stop cannot_open(const OpenError& error) { return {kUnreachable, error.text}; }

}  // namespace

int run(const FillOptions& options) {
  const Config config = load_config(options.config);
  if (!config.ok()) throw Stop{kUsage, error_text(config, config.errors.front())};
  const Settings& settings = config.settings;
  const Names names(options.names);
  const auto start = std::chrono::steady_clock::now();
  Flow flow;
  {
    auto folder = DataFolder::open(settings.node.data, settings.node.case_sensitive);
    if (!folder) throw cannot_open(folder.error());
    auto store = RocksStore::open(folder->store(), {.memory_bytes = settings.storage.memory_mb << 20,
                                                    .journal_path = folder->store_journal()});
    if (!store) throw cannot_open(store.error());
    auto log = open_committed(folder->log(), **store);
    if (!log) throw cannot_open(log.error());
    Committer committer(**store, *log->log, {}, {});
    submit_all(committer, names, settings, flow);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const char* form = options.json ? "{{\"filled\":{},\"failed\":{},\"seconds\":{:.1f}}}\n"
                                  : "filled={} failed={} seconds={:.1f}\n";
  fmt::print(fmt::runtime(form), flow.committed(), flow.failed(), seconds);
  return flow.failed() == 0 ? kRight : kWrong;
}

}  // namespace idnode::load
