// Histograms of the commit thread, read by the metrics thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "storage/commit/committer.h"

namespace idnode {

// One thread adds; copies are made under whatever lock the owner has.
template <std::size_t N>
class Observations {
 public:
  explicit Observations(const std::array<double, N>& bounds) : bounds_(bounds) {}

  void add(double value) {
    std::size_t at = 0;
    while (at < N && value > bounds_[at]) ++at;
    ++counts_[at];
    sum_ += value;
  }

  CommitHistogram histogram() const {
    CommitHistogram copy;
    copy.bounds.assign(bounds_.begin(), bounds_.end());
    std::uint64_t cumulative = 0;
    for (const std::uint64_t count : counts_) copy.counts.push_back(cumulative += count);
    copy.sum = sum_;
    return copy;
  }

 private:
  std::array<double, N> bounds_;
  std::array<std::uint64_t, N + 1> counts_{};
  double sum_ = 0;
};

}  // namespace idnode
