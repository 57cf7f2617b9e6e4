// Diffie-Hellman of session set-up and the keys made from it (protocol/handle/WIRE.md §17.4, §21.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode::crypto {

// Numbers are unsigned, big-endian, without leading zeros.
struct DhKey {
  std::string p;
  std::string g;
  std::string y;
  bool operator==(const DhKey&) const = default;
};
struct DhPair {
  DhKey key;
  std::string exponent;  // secret
};

// DH_PUB_KEY | int2 | y, p, g bytes. kTruncated, kMalformed; kUnsupported: another key type. The numbers are
// not judged here.
Result<DhKey> parse_dh(std::string_view octets);
std::string serialize(const DhKey& key);

// A fresh exponent of 320 bits in the group of `p` and `g`. kInvalid unless p is odd and of 1024..4096 bits
// and 1 < g < p-1; kCrypto: no random octets.
Result<DhPair> dh_generate(std::string_view p, std::string_view g);

// theirs.y ^ exponent mod p, padded on the left with zeros to the length of p. kInvalid for a group as above
// or unless 1 < y < p-1. A 4096-bit group takes some milliseconds.
Result<std::string> dh_secret(const DhKey& theirs, std::string_view exponent);

// The numbers of the wire (WIRE.md §17.3).
enum class SessionAlgorithm : std::uint32_t { kDes = 1, kDesede = 2, kAes = 3, kSm4 = 4 };

// The session key K, which keys the MAC: AES: 32 octets behind the leading zeros (the cipher takes the first
// 16); DES and DESede: the first 8 or 24 octets with odd parity, nothing skipped. kUnsupported: SM4 has no
// such rule; kInvalid: fewer octets than that.
Result<std::string> session_key(SessionAlgorithm algorithm, std::string_view secret);

}  // namespace idnode::crypto
