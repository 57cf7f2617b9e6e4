// Where the records of the tier are: buckets of one cache line, seven entries and a link to an overflow
// bucket.
//
// An entry is one word {16-bit tag, busy bit, 47-bit place}, 0 when empty, and changes by one store, so that
// readers need no lock; the tag says whether the record is worth a look, the key in the record decides. The
// number of buckets is fixed. One thread changes it; any thread reads, inside Readers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace idnode {

class Entry {
 public:
  Entry() = default;
  explicit Entry(std::uint64_t word) : word_(word) {}
  static Entry make(std::uint64_t hash, std::uint64_t place, bool busy) {
    return Entry(tag_of(hash) << 48 | (busy ? kBusy : 0) | place);
  }

  bool empty() const { return word_ == 0; }
  bool tagged(std::uint64_t hash) const { return word_ != 0 && word_ >> 48 == tag_of(hash); }
  // Its record is about to change: the store decides what holds.
  bool busy() const { return (word_ & kBusy) != 0; }
  std::uint64_t place() const { return word_ & (kBusy - 1); }
  Entry settled() const { return Entry(word_ & ~kBusy); }
  Entry pending() const { return Entry(word_ | kBusy); }
  std::uint64_t word() const { return word_; }

 private:
  static constexpr std::uint64_t kBusy = std::uint64_t{1} << 47;
  static std::uint64_t tag_of(std::uint64_t hash) { return hash & 0xffff; }
  std::uint64_t word_ = 0;
};

using Word = std::atomic<std::uint64_t>;

struct alignas(64) Bucket {
  static constexpr std::size_t kEntries = 7;
  Word entries[kEntries];
  std::atomic<std::uint64_t> next;  // 0, or 1 + the number of an overflow bucket
};
static_assert(sizeof(Bucket) == 64);

class ResidentIndex {
 public:
  // Room for about `records`, at five a bucket. Throws std::bad_alloc.
  explicit ResidentIndex(std::size_t records);
  ~ResidentIndex();
  ResidentIndex(const ResidentIndex&) = delete;
  ResidentIndex& operator=(const ResidentIndex&) = delete;

  const Bucket& bucket(std::uint64_t hash) const { return buckets_[number(hash)]; }
  const Bucket* next(const Bucket& bucket) const {
    const std::uint64_t link = bucket.next.load(std::memory_order_acquire);
    return link == 0 ? nullptr : buckets_ + count_ + (link - 1);
  }
  // Writer only: an empty word in the chain of `hash`, which may add an overflow bucket. Null: none is left.
  Word* vacancy(std::uint64_t hash);
  // Writer only.
  template <typename Wanted>
  Word* find(std::uint64_t hash, Wanted wanted) {
    for (Bucket* at = buckets_ + number(hash); at != nullptr; at = const_cast<Bucket*>(next(*at))) {
      for (Word& word : at->entries) {
        const Entry entry(word.load(std::memory_order_relaxed));
        if (entry.tagged(hash) && wanted(entry)) return &word;
      }
    }
    return nullptr;
  }

  std::size_t bytes() const { return (count_ + overflow_) * sizeof(Bucket); }

 private:
  std::size_t number(std::uint64_t hash) const { return ((hash >> 32) * count_) >> 32; }

  std::size_t count_;
  std::size_t overflow_;
  std::size_t overflow_used_ = 0;
  Bucket* buckets_;  // count_, then overflow_
};

}  // namespace idnode
