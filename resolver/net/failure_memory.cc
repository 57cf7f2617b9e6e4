#include "resolver/net/failure_memory.h"

#include <algorithm>

#include "protocol/identifier.h"

namespace idnode {

std::optional<SearchEnd> FailureMemory::find(const Key& key, std::uint64_t steady_ms) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || steady_ms >= found->second.until) return std::nullopt;
  return found->second.how;
}

void FailureMemory::failed(const Key& key, SearchEnd how, std::uint64_t most_seconds,
                           std::uint64_t steady_ms) {
  const std::uint64_t most_ms = most_seconds * 1'000;
  if (most_ms == 0) return;
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= kMostEntries)
      std::erase_if(entries_, [&](const auto& item) { return steady_ms >= item.second.forgotten_at; });
    if (entries_.size() >= kMostEntries) return;
    found = entries_.emplace(key, Entry{}).first;
  }
  Entry& entry = found->second;
  const bool goes_on = steady_ms < entry.forgotten_at;
  entry.how = how;
  entry.lasts_ms = std::min(most_ms, goes_on ? 2 * entry.lasts_ms : kFirstMs);
  entry.until = steady_ms + entry.lasts_ms;
  entry.forgotten_at = entry.until + most_ms;
}

void FailureMemory::drop(const std::string& name) {
  auto first = entries_.lower_bound({name, {}});
  while (first != entries_.end() && first->first.first == name) first = entries_.erase(first);
}

void FailureMemory::drop_prefix(std::string_view folded_prefix) {
  const std::string prefix_handle = "0.NA/" + std::string(folded_prefix);
  std::erase_if(entries_, [&](const auto& item) {
    const std::string& name = item.first.first;
    return name == folded_prefix || name == prefix_handle || split(name).prefix == folded_prefix;
  });
}

}  // namespace idnode
