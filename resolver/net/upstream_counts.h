// Plain slots of the upstream thread: one writer, read by whoever collects metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "resolver/net/upstream.h"

namespace idnode {

class Count {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct UpstreamCounts {
  std::array<Count, 5> requests;
  Count questions, coalesced, cache_answers, stale_answers, upstream_queries, prefix_queries, connects,
      refused_addresses, loops, in_flight, waiting, connections;
  std::array<Count, kDroppedReasons> dropped;

  void drop(Dropped reason) { dropped[static_cast<std::size_t>(reason)].add(); }
  UpstreamCounters copy() const;
};

// How many messages a question may still cost; each one that goes out is counted.
class MessageBudget {
 public:
  MessageBudget(std::uint32_t left, Count& sent) : left_(left), sent_(sent) {}
  bool take() {
    if (left_ == 0) return false;
    --left_;
    ++used_;
    sent_.add();
    return true;
  }
  // Messages that were sent on behalf of this question by somebody else.
  void charge(std::uint32_t n) { left_ -= n < left_ ? n : left_; }
  std::uint32_t left() const { return left_; }
  std::uint32_t used() const { return used_; }

 private:
  std::uint32_t left_;
  std::uint32_t used_ = 0;
  Count& sent_;
};

}  // namespace idnode
