#include "protocol/crypto/cipher.h"

#include <openssl/rsa.h>

#include <algorithm>

#include "protocol/bytes.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

struct Parameters {
  const EVP_CIPHER* cipher;
  std::size_t key_size;
  std::size_t iv_size;
};

const Parameters& parameters_of(Cipher c) {
  static const Parameters kParameters[] = {
      {EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr), 16, 16},
      {EVP_CIPHER_fetch(nullptr, "SM4-CBC", nullptr), 16, 16},
      {EVP_CIPHER_fetch(nullptr, "DES-EDE3-CBC", nullptr), 24, 8},
  };
  return kParameters[static_cast<std::size_t>(c)];
}

Result<std::string> run(Cipher c, bool encrypts, std::string_view key, std::string_view iv,
                        std::string_view data) {
  const Parameters& p = parameters_of(c);
  if (key.size() != p.key_size || iv.size() != p.iv_size || data.size() > 0x40000000) {
    return std::unexpected(Errc::kInvalid);
  }
  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context && p.cipher != nullptr &&
           EVP_CipherInit_ex2(context.get(), p.cipher, in(key), in(iv), encrypts ? 1 : 0, nullptr) == 1,
       "a cipher cannot start");
  std::string result(data.size() + 32, '\0');
  int written = 0;
  int last = 0;
  if (EVP_CipherUpdate(context.get(), out(result), &written, in(data), static_cast<int>(data.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), out(result) + written, &last) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  result.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(last));
  return result;
}

using Operation = int (*)(EVP_PKEY_CTX*, unsigned char*, std::size_t*, const unsigned char*, std::size_t);

// The two calls of every asymmetric operation: how much room, then the work.
Result<std::string> run(EVP_PKEY_CTX* context, Operation operation, std::string_view data) {
  std::size_t size = 0;
  if (operation(context, nullptr, &size, in(data), data.size()) != 1) return std::unexpected(Errc::kCrypto);
  std::string result(size, '\0');
  if (operation(context, out(result), &size, in(data), data.size()) != 1)
    return std::unexpected(Errc::kCrypto);
  result.resize(size);
  return result;
}

KeyContext context_for(EVP_PKEY* key) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  must(context != nullptr, "no memory for an operation");
  return context;
}

constexpr std::size_t kField = 32;  // octets of a coordinate, and of the SM3 value
constexpr std::uint8_t kSequence = 0x30, kInteger = 0x02, kOctets = 0x04;

void write_tlv(Writer& w, std::uint8_t tag, std::string_view content) {
  w.u8(tag);
  if (content.size() < 0x80) {
    w.u8(static_cast<std::uint8_t>(content.size()));
  } else if (content.size() < 0x100) {
    w.u8(0x81);
    w.u8(static_cast<std::uint8_t>(content.size()));
  } else if (content.size() < 0x10000) {
    w.u8(0x82);
    w.u16(static_cast<std::uint16_t>(content.size()));
  } else {
    w.u8(0x84);
    w.u32(static_cast<std::uint32_t>(content.size()));
  }
  w.raw(content);
}

// Lengths of one to five octets, also those that are longer than they need to be.
std::string_view read_tlv(Reader& r, std::uint8_t tag) {
  if (r.u8() != tag) r.fail();
  std::size_t size = r.u8();
  if (size > 0x80 && size <= 0x84) {
    std::size_t longer = 0;
    for (std::size_t octets = size - 0x80; octets > 0; --octets) longer = longer << 8 | r.u8();
    size = longer;
  } else if (size >= 0x80) {
    r.fail();
  }
  return r.take(size);
}

// Shortest two's-complement form of an unsigned number.
std::string integer(std::string_view unsigned_number) {
  const std::size_t first = std::min(unsigned_number.find_first_not_of('\0'), unsigned_number.size() - 1);
  std::string shortest(unsigned_number.substr(first));
  if ((static_cast<unsigned char>(shortest.front()) & 0x80) != 0) shortest.insert(shortest.begin(), '\0');
  return shortest;
}

// Exactly kField octets, or nothing when the number is larger.
std::string coordinate(std::string_view integer) {
  while (integer.size() > kField && integer.front() == '\0') integer.remove_prefix(1);
  if (integer.empty() || integer.size() > kField) return {};
  return std::string(kField - integer.size(), '\0') + std::string(integer);
}

}  // namespace

std::size_t iv_size(Cipher c) { return parameters_of(c).iv_size; }

Result<std::string> encrypt(Cipher c, std::string_view key, std::string_view iv, std::string_view plain) {
  return run(c, true, key, iv, plain);
}

Result<std::string> decrypt(Cipher c, std::string_view key, std::string_view iv, std::string_view encrypted) {
  return run(c, false, key, iv, encrypted);
}

Result<std::string> rsa_encrypt(const PublicKey& key, std::string_view plain) {
  if (key.kind() != KeyKind::kRsa) return std::unexpected(Errc::kInvalid);
  if (static_cast<int>(plain.size()) > (key.bits() + 7) / 8 - 11) return std::unexpected(Errc::kTooLarge);
  const KeyContext context = context_for(key.native());
  if (EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  return run(context.get(), EVP_PKEY_encrypt, plain);
}

Result<std::string> rsa_decrypt(const PrivateKey& key, std::string_view encrypted) {
  if (key.kind() != KeyKind::kRsa) return std::unexpected(Errc::kInvalid);
  const KeyContext context = context_for(key.native());
  if (EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  return run(context.get(), EVP_PKEY_decrypt, encrypted);
}

Result<std::string> sm2_encrypt(const PublicKey& key, std::string_view plain) {
  if (key.kind() != KeyKind::kSm2 || plain.empty()) return std::unexpected(Errc::kInvalid);
  const KeyContext context = context_for(key.native());
  if (EVP_PKEY_encrypt_init(context.get()) != 1) return std::unexpected(Errc::kCrypto);
  const Result<std::string> der = run(context.get(), EVP_PKEY_encrypt, plain);
  if (!der) return std::unexpected(der.error());
  return sm2_from_asn1(*der);
}

Result<std::string> sm2_decrypt(const PrivateKey& key, std::string_view encrypted) {
  if (key.kind() != KeyKind::kSm2) return std::unexpected(Errc::kInvalid);
  const Result<std::string> der = sm2_to_asn1(encrypted);
  if (!der) return std::unexpected(Errc::kCrypto);
  const KeyContext context = context_for(key.native());
  if (EVP_PKEY_decrypt_init(context.get()) != 1) return std::unexpected(Errc::kCrypto);
  return run(context.get(), EVP_PKEY_decrypt, *der);
}

Result<std::string> sm2_to_asn1(std::string_view c1c3c2) {
  Reader r(c1c3c2);
  if (r.u8() != 0x04) r.fail();
  const std::string_view x = r.take(kField);
  const std::string_view y = r.take(kField);
  const std::string_view hash = r.take(kField);
  const std::string_view ciphertext = r.rest();
  if (!r.ok() || ciphertext.empty()) return std::unexpected(Errc::kMalformed);
  std::string content;
  Writer inner(content);
  write_tlv(inner, kInteger, integer(x));
  write_tlv(inner, kInteger, integer(y));
  write_tlv(inner, kOctets, hash);
  write_tlv(inner, kOctets, ciphertext);
  std::string der;
  Writer outer(der);
  write_tlv(outer, kSequence, content);
  return der;
}

Result<std::string> sm2_from_asn1(std::string_view der) {
  Reader outer(der);
  Reader inner(read_tlv(outer, kSequence));
  const std::string x = coordinate(read_tlv(inner, kInteger));
  const std::string y = coordinate(read_tlv(inner, kInteger));
  const std::string_view hash = read_tlv(inner, kOctets);
  const std::string_view ciphertext = read_tlv(inner, kOctets);
  if (!outer.ok() || !outer.at_end() || !inner.ok() || !inner.at_end() || x.empty() || y.empty() ||
      hash.size() != kField || ciphertext.empty()) {
    return std::unexpected(Errc::kMalformed);
  }
  return '\x04' + x + y + std::string(hash) + std::string(ciphertext);
}

}  // namespace idnode::crypto
