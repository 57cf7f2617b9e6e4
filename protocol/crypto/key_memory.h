// Keys that are used over and over.
#pragma once

#include <string_view>

#include "protocol/crypto/key.h"

namespace idnode::crypto {

// PublicKey::parse() with a memory: each thread keeps the kRemembered keys that it used last. Reading a key
// and preparing its modulus costs several times what one verification does, and few administrators register
// most records. Octets are compared in full; what is no key, or is longer than kLongestRemembered, is not
// kept.
inline constexpr std::size_t kRemembered = 32;
inline constexpr std::size_t kLongestRemembered = 4'096;
Result<PublicKey> parse_remembered(std::string_view octets);

}  // namespace idnode::crypto
