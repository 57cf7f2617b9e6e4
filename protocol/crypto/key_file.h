// The Handle System's private-key file (protocol/handle/WIRE.md §21.4):
//
//   scheme int4 | 1: key octets to the end
//               | 3 (DESede, 192 bit), 4 (AES, 128 bit): salt bytes | iterations int4 | key bits int4 | IV
//               bytes |
//                 ciphertext bytes
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/key.h"
#include "protocol/result.h"

namespace idnode::crypto {

// True when the file is well formed so far as its scheme word and asks for a passphrase.
bool key_file_is_encrypted(std::string_view file);

// `passphrase` is not looked at for scheme 1. Errors: those of PrivateKey::parse; kRefused: the passphrase is
// wrong (or the ciphertext damaged); kUnsupported: schemes 0 and 2; kTooLarge: more than 10,000,000
// iterations.
Result<PrivateKey> read_key_file(std::string_view file, std::string_view passphrase = {});

// Scheme 1. Errors: those of PrivateKey::serialize.
Result<std::string> write_key_file(const PrivateKey& key);

}  // namespace idnode::crypto
