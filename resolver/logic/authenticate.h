// Proofs of identity: answers to challenges and what they are checked against (BEHAVIOUR.md §8.4-8.6,
// WIRE.md §16). The check costs CPU and runs on the crypto pool; everything it needs is in the task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/envelope.h"

namespace idnode {

// Keys that one proof is tried with at most: each costs a verification or a PBKDF2 that a stranger asked for.
inline constexpr std::size_t kMostProofKeys = 20;

struct ProofTask {
  struct Key {
    std::uint32_t index = 0;
    std::string data;  // of the HS_PUBKEY or HS_SECKEY value
    bool operator==(const Key&) const = default;
  };
  std::string type;      // HS_PUBKEY or HS_SECKEY
  std::string identity;  // handle, as sent: the user id of an SM2 signature
  std::string covered;   // nonce, then digest
  std::string proof;     // signed response
  handle::Version version;
  std::vector<Key> keys;  // tried in this order; the first that verifies wins
  bool allow_md5 = false;
  std::uint32_t pbkdf2_iterations = 20'000;  // most that is computed
  bool operator==(const ProofTask&) const = default;
};

struct ProofResult {
  bool valid = false;
  std::uint32_t index = 0;  // of the key that verified
  bool operator==(const ProofResult&) const = default;
};

// Crypto pool. Pure; never fails open: whatever can not be read or is not supported is not valid.
ProofResult run_proof(const ProofTask& task);

}  // namespace idnode
