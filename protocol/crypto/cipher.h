// Ciphers for sessions and key transport. Pure computation, callable from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/crypto/key.h"
#include "protocol/result.h"

namespace idnode::crypto {

// All in CBC mode with PKCS#7 padding. Key octets: 16, 16, 24; IV octets: 16, 16, 8. DESede is for old key
// files.
enum class Cipher : std::uint8_t { kAes128Cbc, kSm4Cbc, kDesedeCbc };

std::size_t iv_size(Cipher c);

// kInvalid: a key or IV of another length.
Result<std::string> encrypt(Cipher c, std::string_view key, std::string_view iv, std::string_view plain);
// Everything that is wrong with the ciphertext is kCrypto: padding must not be told from length.
Result<std::string> decrypt(Cipher c, std::string_view key, std::string_view iv, std::string_view encrypted);

// RSA PKCS#1 v1.5. kInvalid: another kind of key; kTooLarge: more than modulus - 11 octets; decryption:
// kCrypto whatever is wrong (never tell a peer which).
Result<std::string> rsa_encrypt(const PublicKey& key, std::string_view plain);
Result<std::string> rsa_decrypt(const PrivateKey& key, std::string_view encrypted);

// SM2 with SM3 in the order C1 (65-octet point, leading 04), C3 (32 octets), C2 (protocol/handle/WIRE.md
// §25.5). Errors as above; an empty plaintext is kInvalid.
Result<std::string> sm2_encrypt(const PublicKey& key, std::string_view plain);
Result<std::string> sm2_decrypt(const PrivateKey& key, std::string_view encrypted);

// The same ciphertext in the ASN.1 form of GM/T 0009 (sequence of x, y, C3, C2) and back. kMalformed.
Result<std::string> sm2_to_asn1(std::string_view c1c3c2);
Result<std::string> sm2_from_asn1(std::string_view der);

}  // namespace idnode::crypto
