// Answers of others to public questions, kept until their values expire (BEHAVIOUR.md §17.3).
//
// Written only by the upstream thread, read by every worker. A set-associative table of fixed size: all
// questions about one name fall into one set of kWays slots, so dropping a name looks at one set. A slot is
// a snapshot of an immutable entry with a tag beside it; a reader compares tags and takes only
// the entry whose tag fits, so misses touch nothing that is shared for writing. The hash is keyed by a random
// seed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "resolver/logic/question.h"
#include "resolver/logic/source.h"

namespace idnode {

struct CacheBounds {
  std::size_t entries = 65'536;                     // rounded up to a power of two
  std::size_t octets = std::size_t{64} << 20;       // of keys and values
  std::size_t entry_octets = std::size_t{1} << 18;  // a larger answer is not kept
};

struct CacheTimes {
  std::uint32_t positive_seconds = 3'600;  // cap of the values' own ttl
  std::uint32_t negative_seconds = 30;     // codes 100 and 200; 0: not kept
  std::uint32_t stale_seconds = 0;  // how long an expired success may still be served when upstream fails
};
inline constexpr std::uint32_t kCacheHardCapSeconds = 2 * 86'400;

// The key of a question: folded prefix, exact suffix (names under "0." folded whole, bare prefixes as prefix
// handles), and its filters: none, or the sorted indexes and folded types. Lengths are written in front, so
// that no two questions share one.
struct CacheKey {
  std::string name;
  std::string filter;  // empty: all values
};
CacheKey cache_key(const Question& question);

// How long an answer may be kept: the least ttl of its values (relative from now, absolute until then), at
// most the caps. 0: not at all (a ttl of 0, an absolute time that has passed, a ttl with the top bit set, a
// kind of ttl nobody defines, an HS_SECKEY value or one that is not for the public, whoever sent it, a code
// other than 1, 100 and 200).
std::uint32_t keep_seconds(const ForwardAnswer& answer, const CacheTimes& times, Now now);

class AnswerCache {
 public:
  explicit AnswerCache(const CacheBounds& bounds = {});
  ~AnswerCache();
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;

  // Any thread. Whether a kept answer settles the question; only for question.cacheable(), and with CT only
  // by an entry whose signature was verified. A filtered question is also answered from the entry of all
  // values (nothing left: 200). `stale`: takes a success that expired at most stale_seconds ago.
  bool find(const Question& question, Now now, ForwardAnswer& answer, bool stale = false) const;

  // The rest: upstream thread only.
  // Keeps the answer if keep_seconds() allows and the question asked for public values without a token; an
  // answer to an AT question refreshes the entry.
  void put(const Question& question, const ForwardAnswer& answer, const CacheTimes& times, Now now);
  // Every answer about this name, whatever its filters.
  void drop(std::string_view name);
  // Every answer about names under the prefix ("88.200") and about its prefix handle.
  void drop_prefix(std::string_view prefix);
  void clear();

  struct Counters {
    std::uint64_t entries = 0, octets = 0, stored = 0, evicted = 0, dropped = 0;
  };
  Counters counters() const;  // any thread

 private:
  static constexpr std::size_t kWays = 8;
  struct Entry;
  struct Slot {
    std::atomic<std::uint64_t> tag{0};  // 0: empty
    Snapshot<Entry> entry;
  };
  using Set = std::array<Slot, kWays>;

  std::uint64_t hash(std::string_view octets) const;
  Set& set_of(std::string_view name) const;
  std::uint64_t tag_of(std::string_view name, std::string_view filter) const;
  std::shared_ptr<const Entry> look(std::string_view name, std::string_view filter) const;
  void clear_slot(Slot& slot);
  void make_room(std::size_t octets, Now now);

  CacheBounds bounds_;
  std::uint64_t seed_;
  std::size_t mask_;
  std::unique_ptr<Set[]> sets_;
  std::size_t hand_ = 0;  // of the eviction sweep
  std::atomic<std::uint64_t> entries_{0}, octets_{0}, stored_{0}, evicted_{0}, dropped_{0};
};

}  // namespace idnode
