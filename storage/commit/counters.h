// Counters of the store: signed 64-bit numbers under counter_key(), big-endian two's complement, changed only
// by the deltas of mutations.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "storage/commit/mutation.h"
#include "storage/store.h"

namespace idnode {

// 0 for a counter that was never changed. May read the disk.
Result<std::int64_t> read_counter(const Store& store, std::string_view counter);

// The sums of one group, over what the store holds. One thread at a time.
class CounterSums {
 public:
  explicit CounterSums(const Store& store) : store_(store) {}

  // True: all deltas fit and have been added. False: one would pass its ceiling, fall below 0 or overflow;
  // none has been added. An amount that is not positive fits under any ceiling.
  Result<bool> add(std::span<const DeltaView> deltas);
  // Without ceilings, for replay. kCorrupt when a sum overflows.
  Result<void> replay(std::span<const DeltaView> deltas);

  // New images of everything that was added to. Until the next add() or clear().
  std::span<const WriteView> writes();
  void clear() { sums_.clear(); }

 private:
  Result<std::int64_t> sum(std::string_view counter) const;

  const Store& store_;
  std::map<std::string, std::int64_t, std::less<>> sums_;
  std::vector<Write> writes_;
  std::vector<WriteView> views_;
};

}  // namespace idnode
