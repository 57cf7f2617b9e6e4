#include "storage/commit/mutation.h"

#include "protocol/bytes.h"

namespace idnode {
namespace {

constexpr std::uint8_t kMutationFormat = 1;
// What an element takes at least: its lengths and numbers.
constexpr std::size_t kSmallestRead = 4 + 8;
constexpr std::size_t kSmallestDelta = 4 + 8 + 8;
constexpr std::size_t kSmallestWrite = 4 + 4;
constexpr std::size_t kSmallestMutation = 1 + 5 * 4 + 3 * 4;  // format, texts, lists

std::uint32_t count_of(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

std::size_t size_of(const auto& mutation) {
  std::size_t size = kSmallestMutation + mutation.id.size() + mutation.actor.size() + mutation.source.size() +
                     mutation.action.size() + mutation.answer.size();
  for (const auto& read : mutation.reads) size += kSmallestRead + read.key.size();
  for (const auto& delta : mutation.deltas) size += kSmallestDelta + delta.counter.size();
  for (const auto& write : mutation.writes) size += kSmallestWrite + write.key.size() + write.image.size();
  return size;
}

void fill(const auto& mutation, Filler to) {
  to.u8(kMutationFormat);
  to.bytes(mutation.id);
  to.bytes(mutation.actor);
  to.bytes(mutation.source);
  to.bytes(mutation.action);
  to.u32(count_of(mutation.reads));
  for (const auto& read : mutation.reads) {
    to.bytes(read.key);
    to.u64(read.version);
  }
  to.u32(count_of(mutation.deltas));
  for (const auto& delta : mutation.deltas) {
    to.bytes(delta.counter);
    to.u64(static_cast<std::uint64_t>(delta.amount));
    to.u64(static_cast<std::uint64_t>(delta.ceiling));
  }
  to.u32(count_of(mutation.writes));
  for (const auto& write : mutation.writes) {
    to.bytes(write.key);
    to.bytes(write.image);
  }
  to.bytes(mutation.answer);
}

void append(const auto& mutation, std::string& out) {
  const std::size_t before = out.size();
  const std::size_t after = before + size_of(mutation);
  // Some libraries hand over the new capacity for the size.
  out.resize_and_overwrite(after, [&](char* octets, std::size_t) {
    fill(mutation, Filler(octets + before));
    return after;
  });
}

}  // namespace

void encode(const Mutation& mutation, std::string& out) { append(mutation, out); }
void encode(const MutationView& mutation, std::string& out) { append(mutation, out); }

Result<void> decode_mutation(std::string_view octets, MutationView& mutation) {
  Reader in(octets);
  const std::uint8_t format = in.u8();
  if (in.ok() && format > kMutationFormat) return std::unexpected(Errc::kNewerFormat);
  if (in.ok() && format != kMutationFormat) in.fail();
  mutation.id = in.bytes();
  mutation.actor = in.bytes();
  mutation.source = in.bytes();
  mutation.action = in.bytes();
  mutation.reads.resize(in.count(kSmallestRead));
  for (ReadView& read : mutation.reads) {
    read.key = in.bytes();
    read.version = in.u64();
  }
  mutation.deltas.resize(in.count(kSmallestDelta));
  for (DeltaView& delta : mutation.deltas) {
    delta.counter = in.bytes();
    delta.amount = static_cast<std::int64_t>(in.u64());
    delta.ceiling = static_cast<std::int64_t>(in.u64());
  }
  mutation.writes.resize(in.count(kSmallestWrite));
  for (WriteView& write : mutation.writes) {
    write.key = in.bytes();
    write.image = in.bytes();
  }
  mutation.answer = in.bytes();
  if (in.ok() && !in.at_end()) in.fail();
  if (!in.ok()) return std::unexpected(in.error());
  return {};
}

Result<MutationView> decode_mutation(std::string_view octets) {
  MutationView mutation;
  const Result<void> decoded = decode_mutation(octets, mutation);
  if (!decoded) return std::unexpected(decoded.error());
  return mutation;
}

}  // namespace idnode
