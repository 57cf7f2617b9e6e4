// Questions that lately nobody answered: for a while they are told so from here, and upstream is left alone
// (BEHAVIOUR.md §17.3 "negative"; the limit `upstream_failure_seconds`).
//
// The first failure counts for kFirstMs, each that follows for twice as long, up to the limit; who fails anew
// only after that much silence begins again. Remembered is what cost a try: time-outs, connections that
// broke, referrals without end. An answer is none, whatever its code, nor is what no server was asked for
// (its breaker is open).
//
// Recovery goes first. The limit is 5 s unless somebody raises it, so that what is asked is fresh well within
// the 30 s that the breaker takes at most; and a server that had failed and answers makes the upstream thread
// forget everything here, whatever the limit. So do other settings; an answer about a name, or its change
// here, forgets that name.
//
// Upstream thread only. Pure: the caller says what time it is. Bounded by kMostEntries; what does not fit is
// not remembered, which costs messages and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace idnode {

// How a question, or a step of it, ended.
enum class SearchEnd {
  kAnswered,
  kTimeout,
  kFailed,  // nobody gave an answer that counts, or nobody may be asked
  kLoop,    // the same question came back to the same server, or the message bound is reached
};

class FailureMemory {
 public:
  static constexpr std::uint64_t kFirstMs = 1'000;
  static constexpr std::size_t kMostEntries = 4'096;

  // What was looked for: a name as the answer cache folds it, or a bare prefix whose sites were; and whatever
  // else makes two questions about it different.
  using Key = std::pair<std::string, std::string>;

  // How it failed, while that counts.
  std::optional<SearchEnd> find(const Key& key, std::uint64_t steady_ms) const;
  // It failed (`how` is not kAnswered). most_seconds 0: nothing is remembered.
  void failed(const Key& key, SearchEnd how, std::uint64_t most_seconds, std::uint64_t steady_ms);

  // Every entry of the name.
  void drop(const std::string& name);
  // Every entry of names under the prefix ("88.200"), of the prefix itself and of its prefix handle.
  void drop_prefix(std::string_view folded_prefix);
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    SearchEnd how = SearchEnd::kFailed;
    std::uint64_t lasts_ms = 0;
    std::uint64_t until = 0;
    std::uint64_t forgotten_at = 0;  // how long it lasted counts until then
  };
  std::map<Key, Entry> entries_;
};

}  // namespace idnode
