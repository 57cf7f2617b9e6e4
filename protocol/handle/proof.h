// Answers to a challenge: made by a client, verified by the node that holds the key (WIRE.md §16, §25.4,
// resolver/BEHAVIOUR.md §8.4, §8.5).
//
//   HS_SECKEY from 2.1: algorithm octet | MAC            before 2.1: MAC (MD5)
//     0x22: 0x22 | salt bytes | iterations int4 | key bits int4 | MAC bytes
//   HS_PUBKEY: hash name bytes | signature bytes
//
// Pure computation for the crypto pool: no state, any thread. PBKDF2 costs 0.4 microseconds an iteration, an
// RSA verification some 50 microseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/crypto/key.h"
#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

// What was asked. Signed octets: nonce, then digest, without lengths.
struct Challenge {
  std::string_view nonce;
  std::string_view digest;  // of the request, without its algorithm octet
  Version version;          // challenge_version() of the challenge message
};

// The lesser of the challenge's version and its suggestion (WIRE.md §16.3).
Version challenge_version(Version version, Version suggested);

enum class Proof : std::uint8_t {
  kValid,
  kWrong,         // does not verify
  kMalformed,     // the field breaks its grammar
  kUnacceptable,  // algorithm unknown, too old for the version, or beyond the bounds below
  kUnusableKey,   // the key octets are no key, or too weak a one
};

struct ProofLimits {
  std::uint32_t pbkdf2_iterations = 20'000;  // at most; at least 1
  std::uint32_t salt_bytes = 64;             // at most
  std::uint32_t least_key_bits = 128;        // of the derived key; a multiple of 8
  std::uint32_t most_key_bits = 512;
  int rsa_bits = 2048;  // least modulus
  bool allow_md5 = false;
};

// `secret`: the data of an HS_SECKEY value; an empty one proves nothing. SHA-1(key, D, key) is taken
// below 2.7 only.
Proof verify_secret(const Challenge& challenge, std::string_view proof, std::string_view secret,
                    const ProofLimits& limits);

// `key`: the data of an HS_PUBKEY value. `identity`: the identity handle as sent in the answer, the user id
// of SM2.
Proof verify_public_key(const Challenge& challenge, std::string_view proof, std::string_view key,
                        std::string_view identity, const ProofLimits& limits);

// The client's side. kCrypto: no random octets, or no signature.
Result<std::string> answer_secret(const Challenge& challenge, std::string_view secret);
Result<std::string> answer_public_key(const Challenge& challenge, const crypto::PrivateKey& key,
                                      std::string_view identity);
// As answer_secret from 2.7 on, with the caller's salt.
std::string answer_pbkdf2(const Challenge& challenge, std::string_view secret, std::string_view salt,
                          std::uint32_t iterations, std::uint32_t key_bits);

// The MAC of one algorithm octet (0, 1 MD5; 2 SHA-1; 3 SHA-256: key, data, key; 0x12, 0x13: HMAC with SHA-1,
// SHA-256). kUnsupported for other octets.
Result<std::string> proof_mac(std::uint8_t algorithm, std::string_view key, std::string_view data);

// What some tools store in HS_SECKEY instead of the password: the lower-case hexadecimal of its SHA-1.
std::string hashed_secret(std::string_view password);

}  // namespace idnode::handle
