#include "storage/rocks_store.h"

#include <rocksdb/db.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "protocol/bytes.h"
#include "storage/keys.h"
#include "storage/rocks_options.h"

namespace idnode {
namespace {

constexpr std::uint64_t kStoreFormat = 1;

rocksdb::Slice slice(std::string_view octets) { return {octets.data(), octets.size()}; }
std::string_view view(const rocksdb::Slice& octets) { return {octets.data(), octets.size()}; }

Errc error_of(const rocksdb::Status& status) {
  if (status.IsCorruption()) return Errc::kCorrupt;
  if (status.IsIncomplete()) return Errc::kWouldBlock;
  if (status.IsNoSpace()) return Errc::kNoSpace;
  return Errc::kIo;
}

Result<void> result_of(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return std::unexpected(error_of(status));
}

std::string number_image(std::uint64_t number) {
  std::string image;
  Writer(image).u64(number);
  return image;
}

rocksdb::WriteOptions without_log() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

std::unexpected<OpenError> unopened(const std::string& folder, const rocksdb::Status& status) {
  const std::string cure = status.IsCorruption() ? "; move the folder away: it is made again from the log"
                                                 : "; check the disk, the permissions and "
                                                   "whether another process has it open";
  return open_error(error_of(status),
                    folder + ": the store cannot be opened (" + status.ToString() + ")" + cure);
}

bool has_tables(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  return env.GetChildren(folder, &names).ok() &&
         std::ranges::any_of(names, [](const std::string& file) { return file.ends_with(".sst"); });
}

rocksdb::ReadOptions from_memory() {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kBlockCacheTier;
  return options;
}

// RocksDB counts some twenty steps of every read for the thread that makes it. Nobody looks at them.
void count_nothing() {
  thread_local const bool off = [] {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    return true;
  }();
  (void)off;
}

class RocksCursor final : public Cursor {
 public:
  RocksCursor(rocksdb::DB& db, std::string_view from, std::string_view to) : to_(to), bound_(to_) {
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound_;
    options.fill_cache = false;
    iterator_.reset(db.NewIterator(options));
    iterator_->Seek(slice(from));
  }

  bool next() override {
    if (std::exchange(started_, true) && iterator_->Valid()) iterator_->Next();
    return iterator_->Valid();
  }
  std::string_view key() const override { return view(iterator_->key()); }
  std::string_view image() const override { return view(iterator_->value()); }
  Result<void> status() const override { return result_of(iterator_->status()); }

 private:
  std::string to_;
  rocksdb::Slice bound_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  bool started_ = false;
};

}  // namespace

RocksStore::RocksStore(std::unique_ptr<rocksdb::DB> db, std::shared_ptr<RocksTrouble> trouble,
                       bool flush_at_close)
    : db_(std::move(db)),
      batch_(std::make_unique<rocksdb::WriteBatch>()),
      trouble_(std::move(trouble)),
      flush_at_close_(flush_at_close) {}

RocksStore::~RocksStore() {
  // Without a log of its own everything that is not flushed has to be replayed.
  if (flush_at_close_) db_->Flush(rocksdb::FlushOptions());
  db_->Close();
}

Opened<std::unique_ptr<RocksStore>> RocksStore::open(const std::string& folder,
                                                     const RocksSettings& settings) {
  auto trouble = std::make_shared<RocksTrouble>();
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(rocks_options(settings, folder, trouble), folder, &db);
  if (!status.ok()) return unopened(folder, status);
  std::unique_ptr<RocksStore> store(
      new RocksStore(std::unique_ptr<rocksdb::DB>(db), std::move(trouble), settings.flush_at_close));
  if (const auto started = store->start(folder); !started) return std::unexpected(started.error());
  return store;
}

Opened<std::uint64_t> RocksStore::verify(const std::string& folder) {
  RocksSettings settings;
  rocksdb::Options options = rocks_options(settings, folder, std::make_shared<RocksTrouble>());
  options.create_if_missing = false;
  if (options.env->FileExists(folder + "/CURRENT").IsNotFound() && !has_tables(*options.env, folder))
    return 0;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, folder, &opened);
  if (!status.ok()) return unopened(folder, status);
  const std::unique_ptr<rocksdb::DB> db(opened);
  status = db->VerifyChecksum();
  std::string image;
  if (status.ok()) status = db->Get(rocksdb::ReadOptions(), meta_key("applied"), &image);
  if (status.IsNotFound()) return 0;
  if (!status.ok() || image.size() != 8) {
    return open_error(Errc::kCorrupt, folder + ": the store is damaged (" + status.ToString() +
                                          "); move the folder away: it is made again from the log");
  }
  return Reader(image).u64();
}

// Reads the format stamp and the sequence; stamps a new store.
Opened<void> RocksStore::start(const std::string& folder) {
  std::uint64_t format = 0;
  std::uint64_t applied = 0;
  for (const auto& [key, number] :
       {std::pair{meta_key("format"), &format}, {meta_key("applied"), &applied}}) {
    std::string image;
    const Result<bool> found = get(key, image, Depth::kDisk);
    if (!found || (*found && image.size() != 8)) {
      return open_error(Errc::kCorrupt, folder +
                                            ": the store is damaged; move the folder away: it is made again "
                                            "from the log");
    }
    if (*found) *number = Reader(image).u64();
  }
  if (format > kStoreFormat) {
    return open_error(Errc::kNewerFormat, folder + ": written by a later version (format " +
                                              std::to_string(format) + "); start that version");
  }
  applied_.store(applied, std::memory_order_release);
  durable_ = applied;  // read from tables: there is nothing else yet
  if (format == kStoreFormat) return {};
  rocksdb::Status status = db_->Put(without_log(), meta_key("format"), number_image(kStoreFormat));
  if (status.ok()) status = db_->Flush(rocksdb::FlushOptions());
  if (!status.ok()) {
    return open_error(error_of(status),
                      folder + ": cannot be written (" + status.ToString() + "); check the disk");
  }
  return {};
}

Result<bool> RocksStore::get(std::string_view key, std::string& image, Depth depth) const {
  static const rocksdb::ReadOptions kFromDisk;
  static const rocksdb::ReadOptions kFromMemory = from_memory();
  count_nothing();
  const rocksdb::Status status =
      db_->Get(depth == Depth::kMemory ? kFromMemory : kFromDisk, slice(key), &image);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return std::unexpected(error_of(status));
}

std::unique_ptr<Cursor> RocksStore::scan(std::string_view from, std::string_view to) const {
  return std::make_unique<RocksCursor>(*db_, from, to);
}

Result<void> RocksStore::apply_group(std::span<const WriteView> writes, std::uint64_t sequence) {
  count_nothing();
  rocksdb::WriteBatch& batch = *batch_;
  batch.Clear();
  rocksdb::Status status;
  for (const WriteView& write : writes) {
    if (status.ok()) status = batch.Put(slice(write.key), slice(write.image));
  }
  if (status.ok()) status = batch.Put(meta_key("applied"), number_image(sequence));
  if (status.ok()) status = db_->Write(without_log(), &batch);
  if (!status.ok()) {
    // Whoever calls will try again: give RocksDB the chance to leave its error behind.
    db_->Resume();
    return result_of(status);
  }
  applied_.store(sequence, std::memory_order_release);
  return {};
}

Result<void> RocksStore::flush() { return result_of(db_->Flush(rocksdb::FlushOptions())); }

// The sequence as the tables have it: those of the current version, which the manifest names durably.
std::uint64_t RocksStore::durable() const {
  if (!trouble_->take_flushed()) return durable_;
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kPersistedTier;
  std::string image;
  if (db_->Get(options, meta_key("applied"), &image).ok() && image.size() == 8)
    durable_ = std::max(durable_, Reader(image).u64());
  return durable_;
}

std::uint64_t RocksStore::approximate_bytes() const {
  std::uint64_t bytes = 0;
  for (const char* property : {"rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables"}) {
    std::uint64_t part = 0;
    if (db_->GetIntProperty(property, &part)) bytes += part;
  }
  return bytes;
}

std::string RocksStore::trouble() const { return trouble_->text(); }

}  // namespace idnode
