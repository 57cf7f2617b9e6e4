#include "protocol/crypto/sign.h"

#include <openssl/err.h>

#include "protocol/crypto/algorithms.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

const char* name_of(KeyKind kind, Digest d) {
  if (kind == KeyKind::kEd25519) return nullptr;
  return EVP_MD_get0_name(md_of(d));
}

using Start = int (*)(EVP_MD_CTX*, EVP_PKEY_CTX**, const char*, OSSL_LIB_CTX*, const char*, EVP_PKEY*,
                      const OSSL_PARAM*);

// RSA takes PKCS#1 v1.5 padding by default; SM2 must be told whose signature it is before the message comes.
bool start(EVP_MD_CTX* context, Start begin, EVP_PKEY* key, KeyKind kind, Digest d,
           const SignatureRules& rules) {
  EVP_PKEY_CTX* operation = nullptr;
  if (begin(context, &operation, name_of(kind, d), nullptr, nullptr, key, nullptr) != 1) return false;
  return kind != KeyKind::kSm2 ||
         EVP_PKEY_CTX_set1_id(operation, rules.sm2_user.data(), rules.sm2_user.size()) == 1;
}

}  // namespace

bool pairs(KeyKind kind, Digest d, const SignatureRules& rules) {
  switch (kind) {
    case KeyKind::kRsa:
      return d == Digest::kSha1 || d == Digest::kSha256 || (d == Digest::kMd5 && rules.allow_md5);
    case KeyKind::kDsa: return d == Digest::kSha1 || d == Digest::kSha256;
    case KeyKind::kP256:
    case KeyKind::kEd25519: return d == Digest::kSha256;
    case KeyKind::kSm2: return d == Digest::kSm3;
  }
  return false;
}

Result<std::string> sign(const PrivateKey& key, Digest d, std::string_view message,
                         const SignatureRules& rules) {
  if (d == Digest::kMd5 || !pairs(key.kind(), d)) return std::unexpected(Errc::kInvalid);
  const MdContext context(EVP_MD_CTX_new());
  std::string signature;
  std::size_t size = 0;
  if (!context || !start(context.get(), EVP_DigestSignInit_ex, key.native(), key.kind(), d, rules) ||
      EVP_DigestSign(context.get(), nullptr, &size, in(message), message.size()) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  signature.resize(size);
  if (EVP_DigestSign(context.get(), out(signature), &size, in(message), message.size()) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  signature.resize(size);
  return signature;
}

bool verify(const PublicKey& key, Digest d, std::string_view message, std::string_view signature,
            const SignatureRules& rules) {
  if (!pairs(key.kind(), d, rules)) return false;
  const MdContext context(EVP_MD_CTX_new());
  const bool good =
      context && start(context.get(), EVP_DigestVerifyInit_ex, key.native(), key.kind(), d, rules) &&
      EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
  // A refused signature leaves its reasons in the thread's queue; nobody reads them.
  if (!good) ERR_clear_error();
  return good;
}

Verifier::Verifier(PublicKey key) : key_(std::move(key)) {}
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

void Verifier::Free::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

bool Verifier::verify(Digest d, std::string_view message, std::string_view signature,
                      const SignatureRules& rules) {
  // Whose SM2 signature it is belongs to the set-up.
  if (key_.kind() == KeyKind::kSm2) return crypto::verify(key_, d, message, signature, rules);
  if (!pairs(key_.kind(), d, rules)) return false;
  auto& ready = ready_[static_cast<std::size_t>(d)];
  if (!ready) {
    ready.reset(EVP_MD_CTX_new());
    if (!ready || !start(ready.get(), EVP_DigestVerifyInit_ex, key_.native(), key_.kind(), d, rules)) {
      ready.reset();
      ERR_clear_error();
      return false;
    }
  }
  const MdContext context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_MD_CTX_copy_ex(context.get(), ready.get()) == 1 &&
      EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace idnode::crypto
