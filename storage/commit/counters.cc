#include "storage/commit/counters.h"

#include "protocol/bytes.h"
#include "storage/keys.h"

namespace idnode {

Result<std::int64_t> read_counter(const Store& store, std::string_view counter) {
  std::string image;
  const Result<bool> found = store.get(counter_key(counter), image, Depth::kDisk);
  if (!found) return std::unexpected(found.error());
  if (!*found) return 0;
  Reader in(image);
  const auto sum = static_cast<std::int64_t>(in.u64());
  if (!in.ok() || !in.at_end()) return std::unexpected(Errc::kCorrupt);
  return sum;
}

Result<std::int64_t> CounterSums::sum(std::string_view counter) const {
  const auto staged = sums_.find(counter);
  if (staged != sums_.end()) return staged->second;
  return read_counter(store_, counter);
}

Result<bool> CounterSums::add(std::span<const DeltaView> deltas) {
  if (deltas.empty()) return true;
  std::map<std::string_view, std::int64_t> added;
  for (const DeltaView& delta : deltas) {
    const auto earlier = added.find(delta.counter);
    const Result<std::int64_t> before =
        earlier != added.end() ? Result<std::int64_t>(earlier->second) : sum(delta.counter);
    if (!before) return std::unexpected(before.error());
    std::int64_t after = 0;
    if (__builtin_add_overflow(*before, delta.amount, &after) || after < 0) return false;
    if (delta.amount > 0 && after > delta.ceiling) return false;
    added[delta.counter] = after;
  }
  for (const auto& [counter, after] : added) sums_.insert_or_assign(std::string(counter), after);
  return true;
}

Result<void> CounterSums::replay(std::span<const DeltaView> deltas) {
  for (const DeltaView& delta : deltas) {
    const Result<std::int64_t> before = sum(delta.counter);
    if (!before) return std::unexpected(before.error());
    std::int64_t after = 0;
    if (__builtin_add_overflow(*before, delta.amount, &after)) return std::unexpected(Errc::kCorrupt);
    sums_.insert_or_assign(std::string(delta.counter), after);
  }
  return {};
}

std::span<const WriteView> CounterSums::writes() {
  writes_.clear();
  for (const auto& [counter, sum] : sums_) {
    Write& write = writes_.emplace_back(counter_key(counter), std::string());
    Writer(write.image).u64(static_cast<std::uint64_t>(sum));
  }
  views_ = views_of(writes_);
  return views_;
}

}  // namespace idnode
