// Plain slots of the upstream thread: one writer, read by whoever collects metrics.
#pragma once

#include <array>
#include <cstdint>

#include "resolver/net/count.h"
#include "resolver/net/upstream.h"

namespace idnode {

struct UpstreamCounts {
  std::array<Count, 5> requests;
  Count questions, coalesced, cache_answers, stale_answers, kept_failures, upstream_queries, prefix_queries,
      connects, refused_addresses, loops, full, source_full, waiting_full, in_flight, waiting, connections;
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
