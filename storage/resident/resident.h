// The memory tier: public values of records, in front of the store. RocksDB takes microseconds for a record
// that it has in memory; this takes two cache lines and a copy.
//
// What is in it is what the store holds, always. Only the commit thread writes: it marks the records of a
// group as busy before the store gets the group (stage()) and shows the new ones after (publish()); who meets
// a busy record asks the store. What a reader missed here and read from the store comes as a fill, with the
// write counter that stood at its hash before the read; a fill older than a commit is dropped.
//
// Values that not everybody may read never come here. Of a record that has nothing else, or more than
// kLargest octets, there is a stub that sends readers to the store: so a name without an entry is one that
// does not exist, as long as everything has its entry (complete()).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/resident/arena.h"
#include "storage/resident/fills.h"
#include "storage/resident/hash.h"
#include "storage/resident/index.h"
#include "storage/resident/readers.h"
#include "storage/store.h"

namespace idnode {

// A copy for the metrics thread.
struct ResidentCounters {
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t room_bytes = 0;  // for records
  std::uint64_t filled = 0;
  std::uint64_t dropped = 0;  // fills: too many waited, or older than a commit
  std::uint64_t evicted = 0;  // records that made room for others
  bool complete = false;      // every record of the store has its entry
};

class Resident {
 public:
  static constexpr std::size_t kLargest = 4'096;  // octets of the public values of one record

  // Takes `bytes` for index and records, as they fill. `key` is nobody else's. Throws std::bad_alloc.
  Resident(std::size_t bytes, const HashKey& key);
  Resident(const Resident&) = delete;
  Resident& operator=(const Resident&) = delete;

  // --- Any thread. Keys are those of the store, table kRecords. ---

  enum class Kind : std::uint8_t {
    kMiss,    // ask the store, then offer() what it had
    kStore,   // ask the store
    kAbsent,  // there is no such record
    kValues,
  };
  struct Found {
    Kind kind = Kind::kMiss;
    bool whole = false;       // the record has no other values
    std::uint32_t count = 0;  // of those copied
  };
  // kValues: `values` holds the public values, encoded, in stored order; else it is as before.
  Found find(std::string_view key, std::string& values) const;

  // Hints that find() will be asked for the key: the first fetches its place in the index; the second, of
  // what the first returned and a little later, the record.
  std::uint64_t foresee(std::string_view key) const;
  void fetch(std::uint64_t foreseen) const;

  // Taken before the store is read.
  FillTicket ticket(std::string_view key) const;
  // The image that the store had, no tombstone. May be dropped: then the next reader misses again.
  void offer(const FillTicket& ticket, std::string_view key, std::string_view image);

  ResidentCounters counters() const;

  // --- The loader (storage/resident/loader.h) ---

  // As offer(), but waits for room among the fills. False: closed, or the tier is full.
  bool load(const FillTicket& ticket, std::string_view key, std::string_view image);
  // How often each counter has been raised; see FillTicket.
  std::vector<std::uint64_t> written() const;
  static std::size_t counter_of(std::uint64_t hash) { return hash >> 16 & (kCounters - 1); }
  // All that the store holds has been loaded. Empty: the tier is complete, or cannot become so. Else: these
  // came too late and are to be loaded anew.
  std::vector<std::string> loaded();
  // load() and loaded() end, nothing is filled any more.
  void close() { fills_.close(); }

  // --- Commit thread ---

  // `wake` is called from any thread when there is something for work().
  void on_fill(std::function<void()> wake) { fills_.on_first(std::move(wake)); }
  // The writes of a group, as Store::apply_group gets them next; they stay until publish().
  void stage(std::span<const WriteView> writes);
  // The store has the group.
  void publish();
  // Takes up fills and tidies a little. True: there is more to do.
  bool work();

 private:
  struct Head;
  struct Staged {
    std::uint64_t hash;
    std::string_view key;
    bool gone;
  };

  std::uint64_t hash(std::string_view key) const { return siphash13(hash_key_, key); }
  void prefetch(std::uint64_t place, std::size_t from) const;
  Head& head(std::uint64_t place) const;
  std::string_view key_of(std::uint64_t place) const;
  Word* find_word(std::uint64_t hash, std::string_view key);

  void stage(const WriteView& write);
  void take_up(const Fill& fill);
  void insert(const Fill& fill, Word* word, bool busy);
  void remove(Word& word);
  std::uint64_t put(const Fill& fill);
  void clear(std::size_t segment, bool keep);
  void not_complete();

  static constexpr std::size_t kCounters = std::size_t{1} << 16;
  static constexpr std::size_t kSpare = Arena::kSegment;  // octets kept for commits and for moving records

  const HashKey hash_key_;
  Readers readers_;
  ResidentIndex index_;
  Arena arena_;
  std::vector<std::atomic<std::uint64_t>> written_;  // commits, by counter_of
  std::atomic<bool> complete_{false};
  Fills fills_;

  // Commit thread only.
  std::vector<Staged> staged_;
  std::vector<Fill> taken_;
  bool lost_ = false;  // an entry that existed has been given up: never complete again

  std::mutex late_mutex_;
  std::vector<std::string> late_;  // loads that came too late

  std::atomic<bool> loads_stopped_{false};
  std::atomic<bool> all_loaded_{false};
  std::atomic<std::uint64_t> records_{0};
  std::atomic<std::uint64_t> record_bytes_{0};
  std::atomic<std::uint64_t> filled_{0};
  std::atomic<std::uint64_t> late_fills_{0};
  std::atomic<std::uint64_t> evicted_{0};
};

}  // namespace idnode
