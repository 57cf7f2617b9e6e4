// One open group: decides which mutations may enter, stamps them, encodes them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/commit/committer.h"
#include "storage/commit/counters.h"
#include "storage/log/group.h"

namespace idnode {

// Commit thread only. Mutations that were offered must stay where they are until the next begin().
class GroupDraft {
 public:
  explicit GroupDraft(const Store& store);

  void begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous);

  // kCommitted: it is in, its images stamped; result holds sequence and time. kAgain, kCeiling: it is not.
  // kUnknown: the store could not be asked.
  CommitResult enter(Mutation& mutation);

  bool empty() const { return committed_.empty(); }
  std::size_t size() const { return builder_.size(); }
  std::size_t count() const { return committed_.size(); }
  // Seals the group; nothing enters any more.
  const GroupBuilder& seal();
  // For Store::apply_parts: the writes of each mutation, then the counters. After seal().
  std::span<const std::span<const Write>> parts() const { return parts_; }
  std::span<const Committed> committed() const { return committed_; }

 private:
  // The version of `key` in this group or before it. The key must live until the next begin().
  Result<std::uint64_t> version(std::string_view key);
  // Nobody has written `key` after `as_of`, so what was read then still holds. May be false all the same.
  bool unwritten_since(std::string_view key, std::uint64_t as_of) const;
  Result<CommitStatus> check(const Mutation& mutation);
  Result<void> look_up_previous(const Mutation& mutation);
  void stage(Mutation& mutation, std::uint64_t sequence);

  const Store& store_;
  const std::uint64_t opened_;  // what was written up to here stands in no slot of written_
  // For each hash of a key the sequence of the last write of such a key, whether it came to be or not: a
  // larger number only costs a look-up.
  std::vector<std::uint64_t> written_;
  CounterSums sums_;
  GroupBuilder builder_;
  std::unordered_map<std::string_view, std::uint64_t> versions_;
  std::vector<std::span<const Write>> parts_;
  std::vector<Committed> committed_;
  std::string image_;  // reused between look-ups
};

// Records and homed prefixes: their images have a header that is stamped and versions that can be read.
bool has_versions(std::string_view key);

}  // namespace idnode
