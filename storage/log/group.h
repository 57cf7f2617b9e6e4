// Groups of the log (storage/log/FORMAT.md): building one, walking those of a segment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/result.h"

namespace idnode {

inline constexpr std::size_t kGroupHeaderSize = 68;

// Encodes one group after the other into one buffer that keeps its memory. One thread at a time.
class GroupBuilder {
 public:
  // `previous`: the hash of the group before.
  void begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous);
  // A mutation in the log's form, stamped.
  void add(std::string_view mutation);
  // Seals the group. At least one mutation has been added.
  void finish();

  std::uint64_t first() const { return first_; }
  std::uint32_t count() const { return count_; }
  std::uint64_t time_ms() const { return time_ms_; }
  std::size_t size() const { return octets_.size(); }
  // After finish().
  std::string_view octets() const { return octets_; }
  std::string_view hash() const { return std::string_view(octets_).substr(octets_.size() - 32); }

 private:
  std::string octets_;
  std::uint64_t first_ = 0;
  std::uint64_t time_ms_ = 0;
  std::uint32_t count_ = 0;
  crypto::Sha256 sha256_;
};

// Views point into the segment.
struct GroupView {
  std::uint64_t offset = 0;  // in the segment
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::uint64_t time_ms = 0;
  std::string_view previous;
  std::string_view body;
  std::string_view hash;

  std::uint64_t last() const { return first + count - 1; }
};

enum class GroupStep {
  kGroup,
  kEnd,
  kTorn,     // what is left was being written when the machine stopped
  kDamaged,  // see problem()
};

// Walks the groups of one segment from its header on. Each group's own octets are checked, not how it follows
// on the one before.
class GroupWalk {
 public:
  // `segment` is the whole file, its header already checked.
  explicit GroupWalk(std::string_view segment);

  GroupStep next(GroupView& group);
  // Where the next group begins: after kTorn the length to cut to.
  std::uint64_t offset() const { return offset_; }
  std::string_view problem() const { return problem_; }

 private:
  GroupStep damaged(std::string_view problem);

  std::string_view segment_;
  std::uint64_t offset_;
  std::string_view problem_;
  crypto::Sha256 sha256_;
};

// Walks the mutations of a checked group. A view lives as long as the group's.
class MutationWalk {
 public:
  explicit MutationWalk(const GroupView& group);
  // False at the end or on failure.
  bool next(std::string_view& encoded);
  // Exactly `count` mutations and nothing else have been met.
  bool whole() const { return left_ == 0 && reader_.ok() && reader_.at_end(); }

 private:
  Reader reader_;
  std::uint32_t left_;
};

}  // namespace idnode
