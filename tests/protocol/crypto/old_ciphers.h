// Ciphers of old protocol versions, for checking vectors only: the node itself refuses them.
#pragma once

#include <string>
#include <string_view>

namespace idnode::crypto {

// `name` as OpenSSL knows it ("DES-CBC", "DES-ECB", "DES-EDE3-CBC", "DES-EDE3-ECB", "AES-128-ECB"); PKCS#7
// padding. DES comes from the legacy provider. Throws std::runtime_error when the cipher is not there;
// returns false for octets that do not decrypt.
bool old_cipher(bool encrypts, const char* name, std::string_view key, std::string_view iv,
                std::string_view data, std::string& result);

}  // namespace idnode::crypto
