// Private keys that belong to the vectors, so that the signing direction can be checked too.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/crypto/key.h"
#include "tests/protocol/vectors/loader.h"

namespace idnode::vectors {

// The private key among the `privkey` vectors of the file under test whose public half is `key`; nothing when
// the file holds none.
std::optional<crypto::PrivateKey> private_half(const crypto::PublicKey& key);

// Out of `private_scalar` (hexadecimal of any length) and `public_key_point` of an SM2 vector. Throws
// std::runtime_error when they are no pair.
crypto::PrivateKey sm2_key(const Object& fields);

}  // namespace idnode::vectors
