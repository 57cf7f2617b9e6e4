#include "protocol/handle/message_cipher.h"

#include <optional>

#include "protocol/crypto/cipher.h"
#include "protocol/crypto/random.h"

namespace idnode::handle {

using crypto::Cipher;
using crypto::SessionAlgorithm;

namespace {

constexpr std::size_t kBlock = 16;

// Why a session cannot use the cipher; empty when it can.
std::optional<Errc> hindrance(SessionAlgorithm algorithm, Version version, std::string_view key) {
  if (!version.at_least(2, 4)) return Errc::kUnsupported;
  if (algorithm != SessionAlgorithm::kAes && algorithm != SessionAlgorithm::kSm4) return Errc::kUnsupported;
  if (key.size() < kBlock) return Errc::kInvalid;
  return std::nullopt;
}

}  // namespace

Result<std::string> encrypt_message(SessionAlgorithm algorithm, Version version, std::string_view key,
                                    std::string_view message) {
  const Result<std::string> iv = crypto::random_octets(kBlock);
  if (!iv) return iv;
  return encrypt_message_with(algorithm, version, key, *iv, message);
}

Result<std::string> encrypt_message_with(SessionAlgorithm algorithm, Version version, std::string_view key,
                                         std::string_view iv, std::string_view message) {
  if (const auto why = hindrance(algorithm, version, key)) return std::unexpected(*why);
  const std::string_view cipher_key = key.substr(0, kBlock);
  if (algorithm == SessionAlgorithm::kSm4)
    return crypto::encrypt(Cipher::kSm4Cbc, cipher_key, cipher_key, message);
  Result<std::string> ciphertext = crypto::encrypt(Cipher::kAes128Cbc, cipher_key, iv, message);
  if (!ciphertext) return ciphertext;
  return std::string(iv).append(*ciphertext);
}

Result<std::string> decrypt_message(SessionAlgorithm algorithm, Version version, std::string_view key,
                                    std::string_view encrypted) {
  if (const auto why = hindrance(algorithm, version, key)) return std::unexpected(*why);
  const std::string_view cipher_key = key.substr(0, kBlock);
  if (algorithm == SessionAlgorithm::kSm4)
    return crypto::decrypt(Cipher::kSm4Cbc, cipher_key, cipher_key, encrypted);
  if (encrypted.size() < 2 * kBlock) return std::unexpected(Errc::kCrypto);
  return crypto::decrypt(Cipher::kAes128Cbc, cipher_key, encrypted.substr(0, kBlock),
                         encrypted.substr(kBlock));
}

}  // namespace idnode::handle
