#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace idnode::load {

// Values below 64 have a bucket each; above, the six bits after the leading one choose it.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kSub) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  return (shift + 1) * kSub + ((value >> shift) - kSub);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
  if (bucket < kSub) return bucket;
  const unsigned shift = static_cast<unsigned>(bucket / kSub) - 1;
  return ((kSub + bucket % kSub + 1) << shift) - 1;
}

void Histogram::add(std::uint64_t nanoseconds) {
  ++buckets_[bucket_of(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(upper_edge(i), max_);
  }
  return max_;
}

}  // namespace idnode::load
