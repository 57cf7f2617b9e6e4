#include "tests/protocol/crypto/old_ciphers.h"

#include <openssl/provider.h>

#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

// A library context of its own, so that nothing else in the program sees the legacy provider.
OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const kLibrary = [] {
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    must(made && OSSL_PROVIDER_load(made, "legacy") && OSSL_PROVIDER_load(made, "default"),
         "no legacy provider");
    return made;
  }();
  return kLibrary;
}

}  // namespace

bool old_cipher(bool encrypts, const char* name, std::string_view key, std::string_view iv,
                std::string_view data, std::string& result) {
  const std::unique_ptr<EVP_CIPHER, Free<EVP_CIPHER_free>> cipher(EVP_CIPHER_fetch(library(), name, nullptr));
  const CipherContext context(EVP_CIPHER_CTX_new());
  must(cipher && context && EVP_CIPHER_get_key_length(cipher.get()) == static_cast<int>(key.size()),
       "old cipher");
  must(EVP_CIPHER_get_iv_length(cipher.get()) == static_cast<int>(iv.size()), "IV of an old cipher");
  must(EVP_CipherInit_ex2(context.get(), cipher.get(), in(key), in(iv), encrypts ? 1 : 0, nullptr) == 1,
       "old cipher");
  result.assign(data.size() + 32, '\0');
  int written = 0;
  int last = 0;
  if (EVP_CipherUpdate(context.get(), out(result), &written, in(data), static_cast<int>(data.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), out(result) + written, &last) != 1) {
    return false;
  }
  result.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(last));
  return true;
}

}  // namespace idnode::crypto
