// The names under which digests stand in credentials and answers (WIRE.md §14.1).
#pragma once

#include <optional>
#include <string_view>

#include "protocol/crypto/digest.h"
#include "protocol/crypto/key.h"
#include "protocol/handle/envelope.h"

namespace idnode::handle {

// SHA1, SHA-1, SHA256, SHA-256, MD5, SM3, or one octet 1 MD5, 2 SHA-1, 3 SHA-256. Case counts.
std::optional<crypto::Digest> parse_hash_name(std::string_view field);

// As we write them: MD5, SHA1, SHA-256, SM3.
std::string_view hash_name(crypto::Digest d);

// The digest of a signature made in a message or answer of that version: RSA SHA-256 from 2.7, DSA from 2.11,
// SHA-1 before; P-256 and Ed25519 always SHA-256; SM2 always SM3.
crypto::Digest signature_hash(Version version, crypto::KeyKind kind);

// Whether a reader of that version takes the digest: SHA-1 only where the version asks for it, MD5 only if
// allowed.
bool acceptable_hash(Version version, crypto::KeyKind kind, crypto::Digest d, bool allow_md5);

}  // namespace idnode::handle
