// Latencies in nanoseconds, in buckets that are never wider than 1/64 of what they hold. Adding is a few
// instructions and allocates nothing.
#pragma once

#include <array>
#include <cstdint>

namespace idnode::load {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds);
  void merge(const Histogram& other);
  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  // The value that a share of `q` (0 to 1) of the entries does not exceed: the upper edge of its bucket, at
  // most max(). 0 when empty.
  std::uint64_t quantile(double q) const;

 private:
  static constexpr unsigned kSubBits = 6;
  static constexpr std::uint64_t kSub = 1U << kSubBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<std::uint64_t, (64 - kSubBits + 1) * kSub> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace idnode::load
