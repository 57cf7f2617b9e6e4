// Keyed digests, key derivation, comparison in constant time. Pure computation, callable from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"

namespace idnode::crypto {

// HMAC (RFC 2104) of the parts one after the other, with SHA-1 or SHA-256. An empty key is a key.
std::string hmac(Digest d, std::string_view key, std::initializer_list<std::string_view> parts);
inline std::string hmac(Digest d, std::string_view key, std::string_view data) {
  return hmac(d, key, {data});
}

// PBKDF2 with HMAC-SHA1 (RFC 8018). Costs two compressions an iteration and 20 octets of result: bound
// `iterations` before calling with a stranger's number. 10,000 iterations are about 4 ms.
std::string pbkdf2_sha1(std::string_view password, std::string_view salt, std::uint32_t iterations,
                        std::size_t size);

// Takes the same time wherever the octets differ; a difference in length shows at once.
bool equal_constant_time(std::string_view a, std::string_view b);

// Overwrites what a secret leaves behind and empties the string.
void wipe(std::string& secret);

}  // namespace idnode::crypto
