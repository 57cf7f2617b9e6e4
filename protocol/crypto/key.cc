#include "protocol/crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string>

#include "protocol/crypto/key_access.h"
#include "protocol/crypto/numbers.h"

namespace idnode::crypto {

namespace {

constexpr std::string_view kPemStart = "-----BEGIN";

std::optional<KeyKind> kind_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return KeyKind::kRsa;
  if (EVP_PKEY_is_a(key, "DSA")) return KeyKind::kDsa;
  if (EVP_PKEY_is_a(key, "ED25519")) return KeyKind::kEd25519;
  if (EVP_PKEY_is_a(key, "SM2")) return KeyKind::kSm2;
  char group[32] = {};
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
      std::string_view(group, size) == SN_X9_62_prime256v1) {
    return KeyKind::kP256;
  }
  return std::nullopt;
}

// A stranger's modulus sets the price of a verification: at most 8192 bits, and an exponent of a machine
// word.
bool sound_rsa(const EVP_PKEY* key) {
  const Number n = number_of(key, OSSL_PKEY_PARAM_RSA_N);
  const Number e = number_of(key, OSSL_PKEY_PARAM_RSA_E);
  return n && e && BN_is_odd(n.get()) && BN_num_bits(n.get()) >= 512 && BN_num_bits(n.get()) <= 8192 &&
         BN_is_odd(e.get()) && !BN_is_one(e.get()) && BN_num_bits(e.get()) <= 64;
}

bool sound_dsa(const EVP_PKEY* key) {
  const Number p = number_of(key, OSSL_PKEY_PARAM_FFC_P);
  const Number q = number_of(key, OSSL_PKEY_PARAM_FFC_Q);
  const Number g = number_of(key, OSSL_PKEY_PARAM_FFC_G);
  const Number y = number_of(key, OSSL_PKEY_PARAM_PUB_KEY);
  if (!p || !q || !g || !y) return false;
  const int bits = BN_num_bits(q.get());
  return BN_is_odd(p.get()) && BN_num_bits(p.get()) >= 512 && BN_num_bits(p.get()) <= 4096 &&
         BN_is_odd(q.get()) && (bits == 160 || bits == 224 || bits == 256) &&
         between_one_and(g.get(), p.get()) && between_one_and(y.get(), p.get());
}

bool sound_point(EVP_PKEY* key) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_public_check_quick(context.get()) == 1;
}

bool sound(EVP_PKEY* key, KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa: return sound_rsa(key);
    case KeyKind::kDsa: return sound_dsa(key);
    case KeyKind::kP256:
    case KeyKind::kSm2: return sound_point(key);
    case KeyKind::kEd25519: return true;
  }
  return false;
}

Result<KeyKind> check(EVP_PKEY* key) {
  const std::optional<KeyKind> kind = kind_of(key);
  if (!kind) return std::unexpected(Errc::kUnsupported);
  if (!sound(key, *kind)) return std::unexpected(Errc::kInvalid);
  return *kind;
}

std::shared_ptr<EVP_PKEY> shared(PkeyPtr key) { return {key.release(), EVP_PKEY_free}; }

bool is_space(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Our own generator, so that no parameter is left to a default that may change.
PkeyPtr generate_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa: return PkeyPtr(EVP_RSA_gen(2048));
    case KeyKind::kP256: return PkeyPtr(EVP_EC_gen("P-256"));
    case KeyKind::kEd25519: return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    case KeyKind::kSm2: return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "SM2"));
    case KeyKind::kDsa: break;
  }
  return nullptr;
}

}  // namespace

Result<PublicKey> KeyAccess::public_key(PkeyPtr key) {
  const Result<KeyKind> kind = check(key.get());
  if (!kind) return std::unexpected(kind.error());
  return PublicKey(shared(std::move(key)), *kind);
}

Result<PrivateKey> KeyAccess::private_key(PkeyPtr key) {
  const Result<KeyKind> kind = check(key.get());
  if (!kind) return std::unexpected(kind.error());
  return PrivateKey(shared(std::move(key)), *kind);
}

Result<std::string> pem_block(std::string_view text, std::string_view name) {
  // OpenSSL skips whatever stands before the first block; a value that is a key starts with it.
  if (!text.starts_with(kPemStart)) return std::unexpected(Errc::kMalformed);
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  must(bio != nullptr, "no memory for a text");
  char* found = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &found, &header, &data, &size) != 1) return std::unexpected(Errc::kMalformed);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  const bool named = name == found;
  const bool plain = *header == '\0';
  OPENSSL_free(found);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  if (!named || !plain) return std::unexpected(Errc::kUnsupported);
  if (!is_space(contents(bio.get()))) return std::unexpected(Errc::kMalformed);
  return der;
}

Result<PublicKey> PublicKey::parse(std::string_view octets) {
  return octets.starts_with(kPemStart) ? from_pem(octets) : parse_public_layout(octets);
}

Result<PublicKey> PublicKey::from_pem(std::string_view text) {
  const Result<std::string> der = pem_block(text, PEM_STRING_PUBLIC);
  if (!der) return std::unexpected(der.error());
  return from_der(*der);
}

Result<PublicKey> PublicKey::from_der(std::string_view der) {
  const unsigned char* at = in(der);
  PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != in(der) + der.size()) return std::unexpected(Errc::kMalformed);
  return KeyAccess::public_key(std::move(key));
}

std::string PublicKey::serialize() const { return public_layout(*this); }

std::string PublicKey::der() const {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(native(), &data);
  must(size > 0, "a public key cannot be written");
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

std::string PublicKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(bio && PEM_write_bio_PUBKEY(bio.get(), native()) == 1, "a public key cannot be written");
  return contents(bio.get());
}

int PublicKey::bits() const { return EVP_PKEY_get_bits(native()); }

Result<PrivateKey> PrivateKey::parse(std::string_view octets) { return parse_private_layout(octets); }

Result<PrivateKey> PrivateKey::from_pem(std::string_view text) {
  const Result<std::string> der = pem_block(text, PEM_STRING_PKCS8INF);
  if (!der) return std::unexpected(der.error());
  const unsigned char* at = in(*der);
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>> info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der->size())));
  if (!info || at != in(*der) + der->size()) return std::unexpected(Errc::kMalformed);
  PkeyPtr key(EVP_PKCS82PKEY(info.get()));
  if (!key) return std::unexpected(Errc::kMalformed);
  return KeyAccess::private_key(std::move(key));
}

Result<PrivateKey> PrivateKey::generate(KeyKind kind) {
  if (kind == KeyKind::kDsa) return std::unexpected(Errc::kUnsupported);
  PkeyPtr key = generate_key(kind);
  if (!key) return std::unexpected(Errc::kCrypto);
  return KeyAccess::private_key(std::move(key));
}

Result<std::string> PrivateKey::serialize() const { return private_layout(*this); }

std::string PrivateKey::pem() const {
  // Secure memory is overwritten when it is freed.
  const Bio bio(BIO_new(BIO_s_secmem()));
  must(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "a private key cannot be written");
  return contents(bio.get());
}

}  // namespace idnode::crypto
