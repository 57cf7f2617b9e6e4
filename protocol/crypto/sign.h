// Signatures. Pure computation, callable from any thread; an RSA-2048 signature takes about a millisecond, a
// verification a twentieth of that, so both belong on the crypto pool.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"
#include "protocol/crypto/key.h"
#include "protocol/result.h"

struct evp_md_ctx_st;

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

// verify() with one key over and over. To set a verification up costs a third of what it computes (searches
// for algorithms by name); this sets it up once a digest and works on copies. One thread at a time.
class Verifier {
 public:
  explicit Verifier(PublicKey key);
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;
  ~Verifier();

  const PublicKey& key() const { return key_; }
  bool verify(Digest d, std::string_view message, std::string_view signature,
              const SignatureRules& rules = {});

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  PublicKey key_;
  std::array<std::unique_ptr<evp_md_ctx_st, Free>, 5> ready_;  // by digest
};

}  // namespace idnode::crypto
