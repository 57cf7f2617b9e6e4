#include "resolver/logic/source_shards.h"

#include "protocol/crypto/random.h"

namespace idnode {

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

SourceShards::SourceShards() : seed_(crypto::random_u64().value_or(0)) {}

std::uint32_t SourceShards::of_source(const Address& source) const {
  std::uint64_t x = seed_;
  for (const std::uint8_t octet : source_network(source).octets) x = mix(x ^ octet);
  return of_id(static_cast<std::uint32_t>(x));
}

std::uint32_t SourceShards::random_id(std::uint32_t shard) {
  const Result<std::uint64_t> random = crypto::random_u64();
  if (!random) return 0;
  // Both ends of the range are ends of a run of shards.
  const auto id = static_cast<std::uint32_t>(kSmallestId + *random % (kLargestId - kSmallestId + 1));
  return id - of_id(id) + shard;
}

}  // namespace idnode
