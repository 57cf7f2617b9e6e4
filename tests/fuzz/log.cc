// The log's decoders: the octets are a segment after its header, and a mutation. What a walk accepts must say
// the same again when it is encoded.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/commit/mutation.h"
#include "storage/log/group.h"
#include "storage/log/segment.h"

using namespace idnode;

namespace {

void mutation(std::string_view octets) {
  const auto decoded = decode_mutation(octets);
  if (!decoded) return;
  std::string again;
  encode(*decoded, again);
  if (again != octets) std::abort();
}

void segment(std::string_view octets) {
  GroupWalk walk(octets);
  GroupView group;
  while (walk.next(group) == GroupStep::kGroup) {
    MutationWalk mutations(group);
    std::string_view encoded;
    while (mutations.next(encoded)) mutation(encoded);
  }
}

// The hashes cannot be guessed: a group whose body is the input, sealed as it should be.
std::string sealed(std::string_view octets) {
  Mutation inner;
  inner.answer = octets;
  std::string encoded;
  encode(inner, encoded);
  GroupBuilder group;
  group.begin(1, 1, std::string(kHashSize, '\0'));
  group.add(encoded);
  group.finish();
  return encode(SegmentHeader()) + std::string(group.octets());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  mutation(octets);
  (void)decode_segment_header(octets);
  segment(encode(SegmentHeader()) + std::string(octets));
  std::string whole = sealed(octets);
  segment(whole);
  if (size > 1) {
    whole[data[0] * 256U % whole.size()] = static_cast<char>(data[1]);
    segment(whole);
  }
  return 0;
}
