// Private to protocol/crypto: makes the key values out of OpenSSL objects.
#pragma once

#include <optional>

#include "protocol/crypto/key.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

struct KeyAccess {
  // Takes the key; refuses kinds that this node does not use (kUnsupported) and numbers that cannot be a key
  // (kInvalid).
  static Result<PublicKey> public_key(PkeyPtr key);
  static Result<PrivateKey> private_key(PkeyPtr key);
};

// The DER of the one PEM block of that name in `text`, around which only white space stands. kMalformed
// otherwise; kUnsupported: a block of another name.
Result<std::string> pem_block(std::string_view text, std::string_view name);

// Handle layouts; key_layout.cc.
Result<PublicKey> parse_public_layout(std::string_view octets);
Result<PrivateKey> parse_private_layout(std::string_view octets);
std::string public_layout(const PublicKey& key);
Result<std::string> private_layout(const PrivateKey& key);

}  // namespace idnode::crypto
