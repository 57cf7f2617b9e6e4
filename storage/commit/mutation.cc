#include "storage/commit/mutation.h"

#include "protocol/bytes.h"

namespace idnode {
namespace {

constexpr std::uint8_t kMutationFormat = 1;
// What an element takes at least: its lengths and numbers.
constexpr std::size_t kSmallestRead = 4 + 8;
constexpr std::size_t kSmallestDelta = 4 + 8 + 8;
constexpr std::size_t kSmallestWrite = 4 + 4;

std::uint32_t count_of(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

}  // namespace

void encode(const Mutation& mutation, std::string& out) {
  Writer to(out);
  to.u8(kMutationFormat);
  to.bytes(mutation.id);
  to.bytes(mutation.actor);
  to.bytes(mutation.source);
  to.bytes(mutation.action);
  to.u32(count_of(mutation.reads));
  for (const Read& read : mutation.reads) {
    to.bytes(read.key);
    to.u64(read.version);
  }
  to.u32(count_of(mutation.deltas));
  for (const Delta& delta : mutation.deltas) {
    to.bytes(delta.counter);
    to.u64(static_cast<std::uint64_t>(delta.amount));
    to.u64(static_cast<std::uint64_t>(delta.ceiling));
  }
  to.u32(count_of(mutation.writes));
  for (const Write& write : mutation.writes) {
    to.bytes(write.key);
    to.bytes(write.image);
  }
  to.bytes(mutation.answer);
}

Result<Mutation> decode_mutation(std::string_view octets) {
  Reader in(octets);
  const std::uint8_t format = in.u8();
  if (in.ok() && format > kMutationFormat) return std::unexpected(Errc::kNewerFormat);
  if (in.ok() && format != kMutationFormat) in.fail();
  Mutation mutation;
  mutation.id = in.bytes();
  mutation.actor = in.bytes();
  mutation.source = in.bytes();
  mutation.action = in.bytes();
  mutation.reads.resize(in.count(kSmallestRead));
  for (Read& read : mutation.reads) {
    read.key = in.bytes();
    read.version = in.u64();
  }
  mutation.deltas.resize(in.count(kSmallestDelta));
  for (Delta& delta : mutation.deltas) {
    delta.counter = in.bytes();
    delta.amount = static_cast<std::int64_t>(in.u64());
    delta.ceiling = static_cast<std::int64_t>(in.u64());
  }
  mutation.writes.resize(in.count(kSmallestWrite));
  for (Write& write : mutation.writes) {
    write.key = in.bytes();
    write.image = in.bytes();
  }
  mutation.answer = in.bytes();
  if (in.ok() && !in.at_end()) in.fail();
  if (!in.ok()) return std::unexpected(in.error());
  return mutation;
}

}  // namespace idnode
