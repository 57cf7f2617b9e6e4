// session_key, session_key_envelope, encrypted, encrypted_frame.
#include <stdexcept>

#include "protocol/bytes.h"
#include "protocol/crypto/cipher.h"
#include "protocol/crypto/exchange.h"
#include "protocol/handle/message_cipher.h"
#include "tests/protocol/crypto/old_ciphers.h"
#include "tests/protocol/vectors/checks.h"
#include "tests/protocol/vectors/vector_keys.h"

namespace idnode::vectors {

namespace {

using crypto::SessionAlgorithm;

void check_session_key(const Vector& v, Verdict& verdict) {
  const std::string p = octets(v.fields, "p");
  const std::string g = octets(v.fields, "g");
  const auto z = crypto::dh_secret({p, g, octets(v.fields, "public_b")}, octets(v.fields, "private_a"));
  const auto other = crypto::dh_secret({p, g, octets(v.fields, "public_a")}, octets(v.fields, "private_b"));
  verdict.holds("the group is taken", z.has_value() && other.has_value());
  if (!z || !other) return;
  verdict.equal("secret", *z, octets(v.fields, "shared_secret_fixed_length"));
  verdict.equal("secret of the other side", *other, *z);
  const std::uint64_t algorithm = number(v.fields, "algorithm");
  // 0: DES of versions that name no algorithm.
  const auto key =
      crypto::session_key(algorithm == 0 ? SessionAlgorithm::kDes : SessionAlgorithm(algorithm), *z);
  verdict.holds("a key comes out", key.has_value());
  if (!key) return;
  verdict.equal("key", *key, v.octets);
  verdict.equal("MAC key", *key, octets(v.fields, "mac_key"));
  verdict.equal("cipher key", algorithm == 3 ? key->substr(0, 16) : *key, octets(v.fields, "cipher_key"));
  const auto pair = crypto::dh_generate(p, g);
  verdict.holds("a pair in the same group", pair.has_value());
  if (!pair) return;
  const auto a = crypto::dh_secret(pair->key, octets(v.fields, "private_a"));
  const auto b = crypto::dh_secret({p, g, octets(v.fields, "public_a")}, pair->exponent);
  verdict.holds("both sides agree", a && b && *a == *b);
}

crypto::PrivateKey envelope_key(const Vector& v) {
  if (!has(v.fields, "private_key")) return sm2_key(v.fields);
  auto key = crypto::PrivateKey::parse(octets(v.fields, "private_key"));
  if (!key) throw std::runtime_error("private_key cannot be read");
  return std::move(*key);
}

Result<std::string> open(const crypto::PrivateKey& key, std::string_view sealed) {
  return key.kind() == crypto::KeyKind::kSm2 ? crypto::sm2_decrypt(key, sealed)
                                             : crypto::rsa_decrypt(key, sealed);
}

void check_session_key_envelope(const Vector& v, Verdict& verdict) {
  const crypto::PrivateKey key = envelope_key(v);
  const std::string plain = octets(v.fields, "plaintext");
  verdict.equal("opened", open(key, v.octets).value_or(""), plain);
  Reader r(plain);
  verdict.equal("algorithm", r.u32(), number(v.fields, "session_key_algorithm"));
  verdict.equal("session key", r.rest(), octets(v.fields, "session_key"));
  const bool sm2 = key.kind() == crypto::KeyKind::kSm2;
  const auto sealed =
      sm2 ? crypto::sm2_encrypt(key.public_key(), plain) : crypto::rsa_encrypt(key.public_key(), plain);
  verdict.holds("can be sealed", sealed.has_value());
  if (!sealed) return;
  verdict.equal("size of our own", sealed->size(), v.octets.size());
  verdict.equal("our own opened", open(key, *sealed).value_or(""), plain);
  if (!sm2) return;
  const auto der = crypto::sm2_to_asn1(v.octets);
  verdict.holds("has an ASN.1 form", der.has_value());
  if (der) verdict.equal("back from ASN.1", crypto::sm2_from_asn1(*der).value_or(""), v.octets);
}

bool accepts_session_key_envelope(const Vector& v, std::string_view cut) {
  return open(envelope_key(v), cut).has_value();
}

struct Session {
  SessionAlgorithm algorithm;
  handle::Version version;
  std::string key;
};

Session session(const Vector& v) {
  return {SessionAlgorithm(number(v.fields, "algorithm")),
          {2, static_cast<std::uint8_t>(number(v.fields, "protocol_minor"))},
          octets(v.fields, "session_key")};
}

// What the node refuses: the DES family, and everything before 2.4. The name OpenSSL has for it, or nullptr.
const char* old_name(const Session& s) {
  const bool cbc = s.version.at_least(2, 4);
  switch (s.algorithm) {
    case SessionAlgorithm::kDes: return cbc ? "DES-CBC" : "DES-ECB";
    case SessionAlgorithm::kDesede: return cbc ? "DES-EDE3-CBC" : "DES-EDE3-ECB";
    case SessionAlgorithm::kAes: return cbc ? nullptr : "AES-128-ECB";
    case SessionAlgorithm::kSm4: break;
  }
  return nullptr;
}

bool old_decrypt(const Vector& v, const Session& s, std::string_view sealed, std::string& plain) {
  const std::size_t iv_size = octets(v.fields, "iv").size();
  if (sealed.size() < iv_size) return false;
  return crypto::old_cipher(false, old_name(s), octets(v.fields, "cipher_key"), sealed.substr(0, iv_size),
                            sealed.substr(iv_size), plain);
}

void check_old(const Vector& v, const Session& s, Verdict& verdict) {
  const std::string iv = octets(v.fields, "iv");
  const std::string plain = octets(v.fields, "plaintext");
  std::string result;
  verdict.holds("decrypts", old_decrypt(v, s, v.octets, result));
  verdict.equal("plaintext", result, plain);
  verdict.holds("encrypts",
                crypto::old_cipher(true, old_name(s), octets(v.fields, "cipher_key"), iv, plain, result));
  verdict.equal("ciphertext", iv + result, v.octets);
  const auto refused = handle::decrypt_message(s.algorithm, s.version, s.key, v.octets);
  verdict.holds("the node does not serve it", !refused && refused.error() == Errc::kUnsupported);
}

void check_encrypted(const Vector& v, Verdict& verdict) {
  const Session s = session(v);
  if (old_name(s) != nullptr) return check_old(v, s, verdict);
  const std::string plain = octets(v.fields, "plaintext");
  const auto opened = handle::decrypt_message(s.algorithm, s.version, s.key, v.octets);
  verdict.holds("decrypts", opened.has_value());
  if (opened) verdict.equal("plaintext", *opened, plain);
  const auto sealed =
      handle::encrypt_message_with(s.algorithm, s.version, s.key, octets(v.fields, "iv"), plain);
  verdict.equal("ciphertext", sealed.value_or(""), v.octets);
  const auto own = handle::encrypt_message(s.algorithm, s.version, s.key, plain);
  verdict.holds("encrypts", own.has_value());
  if (own)
    verdict.equal("our own", handle::decrypt_message(s.algorithm, s.version, s.key, *own).value_or("?"),
                  plain);
}

bool accepts_encrypted(const Vector& v, std::string_view cut) {
  const Session s = session(v);
  std::string ignored;
  return old_name(s) != nullptr ? old_decrypt(v, s, cut, ignored)
                                : handle::decrypt_message(s.algorithm, s.version, s.key, cut).has_value();
}

Result<std::string> open_frame(const Vector& v, std::string_view frame) {
  Reader r(frame);
  const handle::Version version{r.u8(), r.u8()};
  const bool encrypted = (r.u8() & 0x40) != 0;
  r.take(13);
  const std::uint32_t length = r.u32();
  if (!r.ok() || !encrypted || length != r.left()) return std::unexpected(Errc::kMalformed);
  return handle::decrypt_message(SessionAlgorithm::kAes, version, octets(v.fields, "session_key"), r.rest());
}

void check_encrypted_frame(const Vector& v, Verdict& verdict) {
  const std::string message = octets(v.fields, "plaintext_message");
  const std::string plain_frame = octets(v.fields, "plaintext_frame");
  verdict.equal("message", open_frame(v, v.octets).value_or(""), message);
  verdict.equal("plain frame ends with it", plain_frame.substr(20), message);
  // Only the flag and the length of the envelope differ.
  const auto sealed = handle::encrypt_message_with(
      SessionAlgorithm::kAes, {2, 11}, octets(v.fields, "session_key"), octets(v.fields, "iv"), message);
  verdict.holds("encrypts", sealed.has_value());
  if (!sealed) return;
  std::string envelope = plain_frame.substr(0, 20);
  envelope[2] = static_cast<char>(envelope[2] | 0x40);
  Writer(envelope).patch_u32(16, static_cast<std::uint32_t>(sealed->size()));
  verdict.equal("frame", envelope + *sealed, v.octets);
}

bool accepts_encrypted_frame(const Vector& v, std::string_view cut) { return open_frame(v, cut).has_value(); }

}  // namespace

std::span<const Row> session_rows() {
  static constexpr Row kRows[] = {
      {"session_key", check_session_key},
      {"session_key_envelope", check_session_key_envelope, accepts_session_key_envelope},
      {"encrypted", check_encrypted, accepts_encrypted},
      {"encrypted_frame", check_encrypted_frame, accepts_encrypted_frame},
  };
  return kRows;
}

}  // namespace idnode::vectors
