// Keys that are used over and over.
#pragma once

#include <string_view>

#include "protocol/crypto/sign.h"

namespace idnode::crypto {

// PublicKey::parse() with a memory: each thread keeps the kRemembered keys that it used last, ready to verify
// with. Reading a key, preparing its modulus and setting up a verification cost several times what one
// verification does, and few administrators register most records. Octets are compared in full; what is no
// key is not kept, and what is longer than kLongestRemembered only until the next call.
//
// Of the calling thread alone, and good until its next call.
inline constexpr std::size_t kRemembered = 32;
inline constexpr std::size_t kLongestRemembered = 4'096;
Result<Verifier*> remembered_verifier(std::string_view octets);

}  // namespace idnode::crypto
