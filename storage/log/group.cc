#include "storage/log/group.h"

#include "storage/log/segment.h"

namespace idnode {
namespace {

constexpr std::string_view kMagic = "GRUP";
constexpr std::size_t kCheckSize = 8;
constexpr std::size_t kChecked = kGroupHeaderSize - kCheckSize;
// How many zeros at the end of a check or hash are no accident and no damage, but a write that did not get
// there.
constexpr std::size_t kCheckZeros = 4;
constexpr std::size_t kHashZeros = 16;
constexpr std::size_t kLengthAt = 4;
constexpr std::size_t kCountAt = 16;

struct Hash {
  char octets[crypto::Sha256::kSize];
  std::string_view view() const { return {octets, sizeof octets}; }
};

Hash sha256_of(crypto::Sha256& sha256, std::string_view data) {
  Hash result;
  sha256.add(data);
  sha256.finish(result.octets);
  return result;
}

}  // namespace

void GroupBuilder::begin(std::uint64_t first, std::uint64_t time_ms, std::string_view previous) {
  first_ = first;
  time_ms_ = time_ms;
  count_ = 0;
  octets_.clear();
  Writer out(octets_);
  out.raw(kMagic);
  out.u32(0);
  out.u64(first);
  out.u32(0);
  out.u64(time_ms);
  out.raw(previous);
  out.u64(0);
}

void GroupBuilder::add(std::string_view mutation) {
  Writer(octets_).bytes(mutation);
  ++count_;
}

void GroupBuilder::finish() {
  Writer out(octets_);
  out.patch_u32(kLengthAt, static_cast<std::uint32_t>(octets_.size() - kGroupHeaderSize));
  out.patch_u32(kCountAt, count_);
  const Hash header = sha256_of(sha256_, std::string_view(octets_).substr(0, kChecked));
  octets_.replace(kChecked, kCheckSize, header.view().substr(0, kCheckSize));
  out.raw(sha256_of(sha256_, octets_).view());
}

GroupWalk::GroupWalk(std::string_view segment) : segment_(segment), offset_(kSegmentHeaderSize) {}

GroupStep GroupWalk::damaged(std::string_view problem) {
  problem_ = problem;
  return GroupStep::kDamaged;
}

GroupStep GroupWalk::next(GroupView& group) {
  const std::string_view left = segment_.substr(offset_);
  if (left.empty()) return GroupStep::kEnd;
  // The end of the last write may be missing or, where the file system had given room already, be zeros.
  if (left.size() < kGroupHeaderSize || all_zeros(left.substr(kGroupHeaderSize - kCheckZeros)))
    return GroupStep::kTorn;
  Reader in(left);
  const bool ours = in.take(kMagic.size()) == kMagic;
  const std::size_t length = in.u32();
  group.offset = offset_;
  group.first = in.u64();
  group.count = in.u32();
  group.time_ms = in.u64();
  group.previous = in.take(kHashSize);
  const Hash header = sha256_of(sha256_, left.substr(0, kChecked));
  if (!ours || in.take(kCheckSize) != header.view().substr(0, kCheckSize) || group.count == 0) {
    return damaged("the header of a group is damaged");
  }
  const std::size_t hashed = kGroupHeaderSize + length;
  if (left.size() < hashed + kHashSize || all_zeros(left.substr(hashed + kHashSize - kHashZeros))) {
    return GroupStep::kTorn;
  }
  group.body = in.take(length);
  group.hash = in.take(kHashSize);
  if (group.hash != sha256_of(sha256_, left.substr(0, hashed)).view()) {
    return damaged("the octets of a group do not have its hash");
  }
  offset_ += hashed + kHashSize;
  return GroupStep::kGroup;
}

MutationWalk::MutationWalk(const GroupView& group) : reader_(group.body), left_(group.count) {}

bool MutationWalk::next(std::string_view& encoded) {
  if (left_ == 0) return false;
  encoded = reader_.bytes();
  if (!reader_.ok()) return false;
  --left_;
  return true;
}

}  // namespace idnode
