// How the tables that are keyed by session id (challenges, sessions) are split: by the network of the source,
// so that what a source holds is in one shard under one lock. The low bits of an id that is chosen here are
// its shard, so it is found by the id alone.
//
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/address.h"

namespace idnode {

class SourceShards {
 public:
  static constexpr std::size_t kCount = 64;
  // Ids that are chosen here; smaller ones are those of SDK clients (WIRE.md §25.1), and the top bit stands
  // for no session (§2).
  static constexpr std::uint32_t kSmallestId = 0x01000000;
  static constexpr std::uint32_t kLargestId = 0x7fffffff;

  // The seed is random for each process, so nobody outside can tell which sources share a shard.
  SourceShards();

  std::uint32_t of_source(const Address& source) const;
  static std::uint32_t of_id(std::uint32_t id) { return id & (kCount - 1); }
  // A random id of the shard; 0 when there are no random octets.
  static std::uint32_t random_id(std::uint32_t shard);

 private:
  std::uint64_t seed_;
};

// splitmix64
std::uint64_t mix(std::uint64_t x);

}  // namespace idnode
