#include "protocol/crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "protocol/crypto/algorithms.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;

// One context a thread and digest, made on first use: naming the digest anew each time costs more than a MAC.
EVP_MAC_CTX* context_of(Digest d) {
  static EVP_MAC* const kHmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  thread_local MacContext sha1, sha256;
  must(d == Digest::kSha1 || d == Digest::kSha256, "HMAC is for SHA-1 and SHA-256");
  MacContext& c = d == Digest::kSha1 ? sha1 : sha256;
  if (!c) {
    c.reset(EVP_MAC_CTX_new(kHmac));
    char name[8];
    must(OPENSSL_strlcpy(name, d == Digest::kSha1 ? "SHA1" : "SHA256", sizeof name) < sizeof name, "a name");
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    must(c && EVP_MAC_CTX_set_params(c.get(), params) == 1, "HMAC cannot be made");
  }
  return c.get();
}

}  // namespace

std::string hmac(Digest d, std::string_view key, std::initializer_list<std::string_view> parts) {
  EVP_MAC_CTX* c = context_of(d);
  // A null pointer would mean "the key of the last time".
  if (key.data() == nullptr) key = "";
  must(EVP_MAC_init(c, in(key), key.size(), nullptr) == 1, "HMAC cannot start");
  for (const std::string_view part : parts) {
    must(EVP_MAC_update(c, in(part), part.size()) == 1, "HMAC cannot go on");
  }
  std::string result(digest_size(d), '\0');
  std::size_t size = 0;
  must(EVP_MAC_final(c, out(result), &size, result.size()) == 1 && size == result.size(), "HMAC cannot end");
  return result;
}

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, std::uint32_t iterations,
                        std::size_t size) {
  std::string result(size, '\0');
  // A null password would be read as an absent one.
  if (password.data() == nullptr) password = "";
  must(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), in(salt),
                         static_cast<int>(salt.size()), static_cast<int>(iterations), md_of(Digest::kSha1),
                         static_cast<int>(size), out(result)) == 1,
       "PBKDF2 failed");
  return result;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace idnode::crypto
