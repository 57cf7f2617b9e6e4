#include "storage/resident/index.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace idnode {
namespace {

constexpr std::size_t kRecordsPerBucket = 5;
constexpr std::size_t kBucketsPerOverflow = 4;
constexpr std::size_t kFewest = 64;

}  // namespace

ResidentIndex::ResidentIndex(std::size_t records)
    : count_(std::clamp<std::size_t>(records / kRecordsPerBucket, kFewest, std::uint32_t{0xffffffff})),
      overflow_(count_ / kBucketsPerOverflow) {
  // Pages that the kernel hands out are zero, and words of zero are empty entries.
  void* got =
      ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc();
  ::madvise(got, bytes(), MADV_HUGEPAGE);  // slower without, not wrong
  buckets_ = static_cast<Bucket*>(got);
}

ResidentIndex::~ResidentIndex() { ::munmap(buckets_, bytes()); }

Word* ResidentIndex::vacancy(std::uint64_t hash) {
  Bucket* at = buckets_ + number(hash);
  while (true) {
    for (Word& word : at->entries) {
      if (word.load(std::memory_order_relaxed) == 0) return &word;
    }
    if (const Bucket* const next = this->next(*at)) {
      at = const_cast<Bucket*>(next);
      continue;
    }
    if (overflow_used_ == overflow_) return nullptr;
    at->next.store(++overflow_used_, std::memory_order_release);
  }
}

}  // namespace idnode
