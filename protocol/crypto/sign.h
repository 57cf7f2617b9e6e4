// Signatures. Pure computation, callable from any thread; an RSA-2048 signature takes about a millisecond, a
// verification a twentieth of that, so both belong on the crypto pool.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"
#include "protocol/crypto/key.h"
#include "protocol/result.h"

namespace idnode::crypto {

// What GM/T 0009 uses where nothing else is agreed.
inline constexpr std::string_view kDefaultSm2User = "1234567812345678";

struct SignatureRules {
  std::string_view sm2_user = kDefaultSm2User;  // SM2 only
  bool allow_md5 = false;                       // verification only; never signed
};

// Whether the pair makes a signature here: RSA and DSA with SHA-1 or SHA-256, RSA with MD5 if allowed, P-256
// and Ed25519 with SHA-256 (Ed25519 signs the message itself and the digest is only a name), SM2 with SM3.
bool pairs(KeyKind kind, Digest d, const SignatureRules& rules = {});

// RSA: PKCS#1 v1.5; DSA, P-256, SM2: DER sequence of r and s; Ed25519: 64 octets.
// kInvalid: a pair that does not fit, or MD5; kCrypto: the signature could not be made.
Result<std::string> sign(const PrivateKey& key, Digest d, std::string_view message,
                         const SignatureRules& rules = {});

// False for everything but a good signature, also for a pair that does not fit.
bool verify(const PublicKey& key, Digest d, std::string_view message, std::string_view signature,
            const SignatureRules& rules = {});

}  // namespace idnode::crypto
