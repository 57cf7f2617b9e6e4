// Memory for immutable records: one region of huge pages, cut into segments that are filled one after
// another. A segment counts the octets in it that are still in use; the owner moves the rest of sparse ones
// elsewhere and gives them back.
//
// One thread changes it; readers look at octets by place as long as the index leads there and Readers knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "storage/resident/readers.h"

namespace idnode {

class Arena {
 public:
  static constexpr std::size_t kSegment = std::size_t{2} << 20;
  static constexpr std::size_t kUnit = 16;  // records begin at multiples of it

  // Octets that a record of `size` takes.
  static constexpr std::size_t taken(std::size_t size) { return (size + kUnit - 1) / kUnit * kUnit; }

  // Reserves `bytes`, rounded down to segments (at least two); memory is taken as it is used. Throws
  // std::bad_alloc.
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A place for `size` octets, at most kSegment / 2; never 0. None: no segment is free.
  std::optional<std::uint64_t> allocate(std::size_t size);
  // The record at `place` is no longer led to.
  void release(std::uint64_t place, std::size_t size);
  char* at(std::uint64_t place) const { return region_ + place; }

  // Takes up segments that nobody reads any more.
  void reclaim(const Readers& readers);

  // Segments to clear, by number: the one that has been full for longest; the sparsest full one when at most
  // half of it is in use. None: there is none.
  std::optional<std::size_t> oldest() const;
  std::optional<std::size_t> sparsest();
  // What has been written to a segment, from its first record's place on.
  struct Range {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  Range written(std::size_t segment) const;
  // Nothing leads to the segment any more: free as soon as the readers of now are gone.
  void retire(std::size_t segment);

  bool waiting() const { return !retired_.empty(); }
  std::size_t free_segments() const { return free_.size(); }
  // Octets that can be allocated before segments are given back.
  std::size_t room() const;
  std::size_t bytes() const { return segments_.size() * kSegment; }
  std::size_t live_bytes() const { return live_; }

 private:
  struct Segment {
    std::uint32_t used = 0;
    std::uint32_t live = 0;
  };
  struct Retired {
    std::size_t segment;
    Readers::Wait wait;
  };
  static std::uint64_t start(std::size_t segment) { return segment * kSegment; }

  char* region_ = nullptr;
  std::vector<Segment> segments_;
  std::vector<std::size_t> free_;
  std::deque<std::size_t> full_;  // in the order in which they were filled
  std::optional<std::size_t> open_;
  std::vector<Retired> retired_;
  bool sparse_ = false;  // a segment may have become so
  std::size_t live_ = 0;
};

}  // namespace idnode
