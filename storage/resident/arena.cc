#include "storage/resident/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace idnode {
namespace {

// A region that begins at a multiple of a huge page: more is reserved and the edges are given back.
char* reserve(std::size_t bytes) {
  constexpr std::size_t kPage = Arena::kSegment;
  void* got = ::mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(got);
  const std::size_t skip = (kPage - reinterpret_cast<std::uintptr_t>(begin) % kPage) % kPage;
  if (skip != 0) ::munmap(begin, skip);
  if (skip != kPage) ::munmap(begin + skip + bytes, kPage - skip);
  ::madvise(begin + skip, bytes, MADV_HUGEPAGE);  // slower without, not wrong
  return begin + skip;
}

}  // namespace

Arena::Arena(std::size_t bytes) : segments_(std::max<std::size_t>(bytes / kSegment, 2)) {
  region_ = reserve(this->bytes());
  for (std::size_t i = segments_.size(); i > 0; --i) free_.push_back(i - 1);
}

Arena::~Arena() { ::munmap(region_, bytes()); }

std::optional<std::uint64_t> Arena::allocate(std::size_t size) {
  size = taken(size);
  if (open_ && segments_[*open_].used + size > kSegment) {
    full_.push_back(*open_);
    open_.reset();
  }
  if (!open_) {
    if (free_.empty()) return std::nullopt;
    open_ = free_.back();
    free_.pop_back();
    segments_[*open_] = {kUnit, 0};  // so that no place is 0
  }
  Segment& segment = segments_[*open_];
  const std::uint64_t place = start(*open_) + segment.used;
  segment.used += static_cast<std::uint32_t>(size);
  segment.live += static_cast<std::uint32_t>(size);
  live_ += size;
  return place;
}

void Arena::release(std::uint64_t place, std::size_t size) {
  size = taken(size);
  Segment& segment = segments_[place / kSegment];
  segment.live -= static_cast<std::uint32_t>(size);
  sparse_ = sparse_ || segment.live <= kSegment / 2;
  live_ -= size;
}

std::size_t Arena::room() const {
  return free_.size() * kSegment + (open_ ? kSegment - segments_[*open_].used : 0);
}

void Arena::reclaim(const Readers& readers) {
  std::erase_if(retired_, [&](Retired& each) {
    if (!each.wait.over(readers)) return false;
    free_.push_back(each.segment);
    return true;
  });
}

std::optional<std::size_t> Arena::oldest() const {
  return full_.empty() ? std::nullopt : std::optional(full_.front());
}

std::optional<std::size_t> Arena::sparsest() {
  if (!sparse_) return std::nullopt;
  const auto at = std::ranges::min_element(full_, {}, [this](std::size_t i) { return segments_[i].live; });
  if (at == full_.end() || segments_[*at].live > kSegment / 2) {
    sparse_ = false;
    return std::nullopt;
  }
  return *at;
}

Arena::Range Arena::written(std::size_t segment) const {
  return {start(segment) + kUnit, start(segment) + segments_[segment].used};
}

void Arena::retire(std::size_t segment) {
  std::erase(full_, segment);
  retired_.push_back({segment, {}});
}

}  // namespace idnode
