// Digest of a request, which ties a response or a challenge to it (WIRE.md §15).
//
// Covered: header and body of the request exactly as received, after decryption; no envelope, no credential.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"
#include "protocol/handle/envelope.h"

namespace idnode::handle {

// By the version of the RESPONSE: SHA-256 from 2.7, SHA-1 from 2.1, MD5 before (there only in challenges, and
// without an algorithm octet).
crypto::Digest request_digest_algorithm(Version response);

inline std::string request_digest(Version response, std::string_view covered) {
  return crypto::digest(request_digest_algorithm(response), covered);
}

// The client's side: whether `digest`, received with that algorithm octet (0: the old form, told by its
// length), is that of our request.
bool request_digest_matches(std::uint8_t algorithm, std::string_view digest, std::string_view covered);

}  // namespace idnode::handle
