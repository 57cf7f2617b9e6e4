#include "protocol/crypto/key_file.h"

#include "protocol/bytes.h"
#include "protocol/crypto/cipher.h"
#include "protocol/crypto/mac.h"

namespace idnode::crypto {

namespace {

enum Scheme : std::uint32_t { kPlain = 1, kDesede = 3, kAes = 4 };
// A file is the operator's own, so only a number that would never end is refused.
constexpr std::uint32_t kMostIterations = 10'000'000;

struct Sealed {
  Cipher cipher;
  std::size_t key_size;
};

Result<PrivateKey> read_sealed(Reader& r, Sealed kind, std::string_view passphrase) {
  const std::string_view salt = r.bytes();
  const std::uint32_t iterations = r.u32();
  const std::uint32_t key_bits = r.u32();
  const std::string_view iv = r.bytes();
  const std::string_view ciphertext = r.bytes();
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end() || iterations == 0 || key_bits != kind.key_size * 8 || iv.size() != iv_size(kind.cipher)) {
    return std::unexpected(Errc::kMalformed);
  }
  if (iterations > kMostIterations) return std::unexpected(Errc::kTooLarge);
  std::string key = pbkdf2_sha1(passphrase, salt, iterations, kind.key_size);
  Result<std::string> plain = decrypt(kind.cipher, key, iv, ciphertext);
  wipe(key);
  if (!plain) return std::unexpected(Errc::kRefused);
  Result<PrivateKey> result = PrivateKey::parse(*plain);
  wipe(*plain);
  // One in 256 wrong passphrases leaves good padding; what it leaves is no key.
  if (!result) return std::unexpected(Errc::kRefused);
  return result;
}

}  // namespace

bool key_file_is_encrypted(std::string_view file) {
  const std::uint32_t scheme = Reader(file).u32();
  return scheme == kDesede || scheme == kAes;
}

Result<PrivateKey> read_key_file(std::string_view file, std::string_view passphrase) {
  Reader r(file);
  const std::uint32_t scheme = r.u32();
  if (!r.ok()) return std::unexpected(r.error());
  switch (scheme) {
    case kPlain: return PrivateKey::parse(r.rest());
    case kDesede: return read_sealed(r, {Cipher::kDesedeCbc, 24}, passphrase);
    case kAes: return read_sealed(r, {Cipher::kAes128Cbc, 16}, passphrase);
    default: break;
  }
  return std::unexpected(scheme == 0 || scheme == 2 ? Errc::kUnsupported : Errc::kMalformed);
}

Result<std::string> write_key_file(const PrivateKey& key) {
  Result<std::string> octets = key.serialize();
  if (!octets) return octets;
  std::string file;
  Writer w(file);
  w.u32(kPlain);
  w.raw(*octets);
  wipe(*octets);
  return file;
}

}  // namespace idnode::crypto
