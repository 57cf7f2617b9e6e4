// One open group: decides which mutations may enter, stamps them, gathers them in the log's form.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/commit/committer.h"
#include "storage/commit/counters.h"
#include "storage/log/group.h"

namespace idnode {

// Commit thread only. Mutations that entered must stay where they are until the next begin().
class GroupDraft {
 public:
  // Keys share this many slots, a megabyte of them. With a few thousand mutations between a decision and its
  // commit some per cent of the reads meet the slot of another key.
  static constexpr std::size_t kSlots = std::size_t{1} << 16;
  static std::size_t slot_number(std::string_view key);

  explicit GroupDraft(const Store& store);

  void begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous);

  // `mutation` is in the log's form, `as_of` as in Mutation. kCommitted: it is in, its images stamped; result
  // holds sequence and time. kAgain, kCeiling: it is not. kUnknown: the store could not be asked.
  CommitResult enter(std::span<char> mutation, std::uint64_t as_of);

  bool empty() const { return committed_.empty(); }
  std::size_t size() const { return builder_.size(); }
  std::size_t count() const { return committed_.size(); }
  // Seals the group; nothing enters any more.
  const GroupBuilder& seal();
  // After seal(), until the next begin(): what the store gets (of each mutation, then the counters), and what
  // the publish seam sees.
  std::span<const WriteView> writes() const { return writes_; }
  std::span<const Committed> committed() const { return committed_; }

 private:
  // The last write of all keys of one slot, whether it came to be or not: a larger sequence only costs a
  // look-up.
  struct Slot {
    std::uint64_t sequence = 0;
    std::uint32_t index = 0;  // in writes_ of its group
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // One of writes_ and what was before it.
  struct Link {
    std::uint64_t sequence;  // of the mutation that makes the write
    std::uint32_t before;    // index of the write of the same slot before it in this group, or kNone
  };

  Slot& slot_of(std::string_view key) { return slots_[slot_number(key)]; }
  // Index of the open group's last write of the slot, or kNone. After a group that failed the sequences come
  // again, so it may be one of another slot: what a walk from it meets has to be compared by its key.
  std::uint32_t last_here(const Slot& slot) const {
    return slot.index < links_.size() && links_[slot.index].sequence == slot.sequence ? slot.index : kNone;
  }
  // The version of `key`, whose slot this is, if the group has written it.
  std::optional<std::uint64_t> version_here(const Slot& slot, std::string_view key) const;
  // The version of `key` in this group or before it.
  Result<std::uint64_t> version(std::string_view key);
  // Nobody has written `key` after `as_of`, so what was read then still holds. May be false all the same.
  bool unwritten_since(std::string_view key, std::uint64_t as_of);
  Result<CommitStatus> check(std::uint64_t as_of);
  Result<void> look_up_previous();
  void stage(std::span<char> mutation, std::uint64_t sequence);

  const Store& store_;
  const std::uint64_t opened_;  // what was written up to here stands in no slot
  std::vector<Slot> slots_;
  CounterSums sums_;
  GroupBuilder builder_;
  std::vector<WriteView> writes_;
  std::vector<Link> links_;  // one for each of writes_, before the counters come
  std::vector<Committed> committed_;

  // Reused from mutation to mutation.
  MutationView mutation_;
  std::vector<std::uint64_t> previous_;  // versions before the writes of mutation_
  std::string image_;
};

}  // namespace idnode
