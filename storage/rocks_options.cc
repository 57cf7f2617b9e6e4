#include "storage/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "storage/rocks_journal.h"

namespace idnode {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

class Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(std::shared_ptr<RocksTrouble> trouble) : trouble_(std::move(trouble)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    trouble_->set(status->ToString());
  }
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { trouble_->flushed(); }
  void OnErrorRecoveryCompleted(rocksdb::Status) override { trouble_->set(""); }

 private:
  std::shared_ptr<RocksTrouble> trouble_;
};

// A quarter of what the process may open: the rest is for connections and the log.
int open_files() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
  return static_cast<int>(std::clamp<rlim_t>(limit.rlim_cur / 4, 64, 65'536));
}

// Filters and indexes take some 2 per cent of the tables. Up to this many times the memory they are pinned:
// looking each of them up in the cache for every read costs as much as the rest of it. Beyond they come and
// go like blocks.
constexpr std::uint64_t kPinnedTables = 10;

bool pins_metadata(const RocksSettings& settings, const std::string& folder) {
  std::uint64_t octets = 0;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
    if (file.path().extension() != ".sst") continue;
    const std::uint64_t size = file.file_size(ignored);
    if (!ignored) octets += size;
  }
  return octets <= kPinnedTables * settings.memory_bytes;
}

rocksdb::BlockBasedTableOptions table_options(const RocksSettings& settings, const std::string& folder,
                                              std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  if (pins_metadata(settings, folder))
    table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  return table;
}

}  // namespace

void RocksTrouble::set(std::string text) {
  std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

std::string RocksTrouble::text() const {
  std::lock_guard lock(mutex_);
  return text_;
}

rocksdb::Options rocks_options(const RocksSettings& settings, const std::string& folder,
                               std::shared_ptr<RocksTrouble> trouble) {
  rocksdb::Options options;
  if (settings.env != nullptr) options.env = settings.env;
  options.create_if_missing = true;
  options.info_log = make_rocks_journal(settings.journal_path);
  options.listeners.push_back(std::make_shared<Listener>(std::move(trouble)));

  const auto cache = rocksdb::NewLRUCache(settings.memory_bytes, -1, false, 0.5);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(settings, folder, cache)));
  // Small enough that what a crash leaves to the replay takes seconds.
  options.write_buffer_size = std::clamp(settings.memory_bytes / 4, kMiB, 64 * kMiB);
  options.max_write_buffer_number = 3;
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(4 * options.write_buffer_size, cache);
  // Most look-ups of the commit thread are for names that are not there. Ten bits a key for records of a
  // hundred octets, and small enough to stay in the processor's cache.
  options.memtable_prefix_bloom_size_ratio = 0.01;
  options.memtable_whole_key_filtering = true;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.level_compaction_dynamic_level_bytes = true;

  // The commit log is the log: a batch is as durable as the flush that takes it along. There is one column
  // family, whose tables always hold a prefix of the batches, so no flush has to be atomic over several;
  // and after a flush that failed, RocksDB 7.8 waits for an atomic one for ever (resuming, or closing).
  options.atomic_flush = false;
  options.avoid_flush_during_shutdown = !settings.flush_at_close;
  options.manifest_preallocation_size = 64 << 10;
  options.max_background_jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 4U));
  options.bytes_per_sync = kMiB;
  options.max_open_files = open_files();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace idnode
