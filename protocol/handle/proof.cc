#include "protocol/handle/proof.h"

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/crypto/key_memory.h"
#include "protocol/crypto/mac.h"
#include "protocol/crypto/random.h"
#include "protocol/crypto/sign.h"
#include "protocol/handle/hash_name.h"

namespace idnode::handle {

using crypto::Digest;
using crypto::KeyKind;

namespace {

constexpr std::uint8_t kMd5 = 1, kSha1 = 2, kPbkdf2 = 0x22;
// What the reference client uses.
constexpr std::size_t kSaltOctets = 16;
constexpr std::uint32_t kIterations = 10'000, kKeyBits = 160;

std::string signed_octets(const Challenge& c) { return std::string(c.nonce).append(c.digest); }

// The reference makes one Latin-1 character of every octet and its library then writes UTF-8.
std::string password_of(std::string_view secret) {
  std::string password;
  for (const char c : secret) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x80) {
      password.push_back(static_cast<char>(0xc0 | octet >> 6));
      password.push_back(static_cast<char>(0x80 | (octet & 0x3f)));
    } else {
      password.push_back(c);
    }
  }
  return password;
}

std::string pbkdf2_mac(std::string_view secret, std::string_view salt, std::uint32_t iterations,
                       std::uint32_t bits, std::string_view data) {
  std::string password = password_of(secret);
  std::string key = crypto::pbkdf2_sha1(password, salt, iterations, bits / 8);
  std::string mac = crypto::hmac(Digest::kSha1, key, data);
  crypto::wipe(password);
  crypto::wipe(key);
  return mac;
}

Proof compare(std::string_view got, std::string_view expected) {
  return crypto::equal_constant_time(got, expected) ? Proof::kValid : Proof::kWrong;
}

Proof verify_pbkdf2(const Challenge& c, Reader& r, std::string_view secret, const ProofLimits& limits) {
  const std::string_view salt = r.bytes();
  const std::uint32_t iterations = r.u32();
  const std::uint32_t bits = r.u32();
  const std::string_view mac = r.bytes();
  if (!r.ok() || !r.at_end()) return Proof::kMalformed;
  if (iterations == 0 || iterations > limits.pbkdf2_iterations || salt.size() > limits.salt_bytes ||
      bits < limits.least_key_bits || bits > limits.most_key_bits || bits % 8 != 0) {
    return Proof::kUnacceptable;
  }
  return compare(mac, pbkdf2_mac(secret, salt, iterations, bits, signed_octets(c)));
}

bool acceptable_mac(std::uint8_t algorithm, Version version, const ProofLimits& limits) {
  if (algorithm <= kMd5) return limits.allow_md5;
  return algorithm != kSha1 || !version.at_least(2, 7);
}

// SM2 signs the SM3 of the octets, not the octets: its own digest comes on top.
std::string message_for(KeyKind kind, const Challenge& c) {
  return kind == KeyKind::kSm2 ? crypto::digest(Digest::kSm3, {c.nonce, c.digest}) : signed_octets(c);
}

}  // namespace

Version challenge_version(Version version, Version suggested) {
  return version.at_least(suggested.major, suggested.minor) ? suggested : version;
}

Result<std::string> proof_mac(std::uint8_t algorithm, std::string_view key, std::string_view data) {
  switch (algorithm) {
    case 0:
    case kMd5: return crypto::digest(Digest::kMd5, {key, data, key});
    case kSha1: return crypto::digest(Digest::kSha1, {key, data, key});
    case 3: return crypto::digest(Digest::kSha256, {key, data, key});
    case 0x12: return crypto::hmac(Digest::kSha1, key, data);
    case 0x13: return crypto::hmac(Digest::kSha256, key, data);
    default: return std::unexpected(Errc::kUnsupported);
  }
}

Proof verify_secret(const Challenge& c, std::string_view proof, std::string_view secret,
                    const ProofLimits& limits) {
  if (secret.empty()) return Proof::kUnusableKey;
  Reader r(proof);
  // Before 2.1 there was one algorithm and no octet for it.
  const std::uint8_t algorithm = c.version.at_least(2, 1) ? r.u8() : kMd5;
  if (!r.ok()) return Proof::kMalformed;
  if (algorithm == kPbkdf2) return verify_pbkdf2(c, r, secret, limits);
  if (!acceptable_mac(algorithm, c.version, limits)) return Proof::kUnacceptable;
  const Result<std::string> expected = proof_mac(algorithm, secret, signed_octets(c));
  if (!expected) return Proof::kUnacceptable;
  return compare(r.rest(), *expected);
}

Proof verify_public_key(const Challenge& c, std::string_view proof, std::string_view key_octets,
                        std::string_view identity, const ProofLimits& limits) {
  Reader r(proof);
  const std::string_view name = r.bytes();
  const std::string_view signature = r.bytes();
  if (!r.ok() || !r.at_end()) return Proof::kMalformed;
  const Result<crypto::Verifier*> verifier = crypto::remembered_verifier(key_octets);
  if (!verifier) return Proof::kUnusableKey;
  const crypto::PublicKey& key = (*verifier)->key();
  if (key.kind() == KeyKind::kRsa && key.bits() < limits.rsa_bits) return Proof::kUnusableKey;
  const std::optional<Digest> hash = parse_hash_name(name);
  const crypto::SignatureRules rules{.sm2_user = identity, .allow_md5 = limits.allow_md5};
  if (!hash || !crypto::pairs(key.kind(), *hash, rules) ||
      !acceptable_hash(c.version, key.kind(), *hash, limits.allow_md5)) {
    return Proof::kUnacceptable;
  }
  return (*verifier)->verify(*hash, message_for(key.kind(), c), signature, rules) ? Proof::kValid
                                                                                  : Proof::kWrong;
}

std::string answer_pbkdf2(const Challenge& c, std::string_view secret, std::string_view salt,
                          std::uint32_t iterations, std::uint32_t key_bits) {
  std::string answer;
  Writer w(answer);
  w.u8(kPbkdf2);
  w.bytes(salt);
  w.u32(iterations);
  w.u32(key_bits);
  w.bytes(pbkdf2_mac(secret, salt, iterations, key_bits, signed_octets(c)));
  return answer;
}

Result<std::string> answer_secret(const Challenge& c, std::string_view secret) {
  if (!c.version.at_least(2, 1)) return proof_mac(kMd5, secret, signed_octets(c));
  if (!c.version.at_least(2, 7)) {
    return std::string(1, static_cast<char>(kSha1)) + *proof_mac(kSha1, secret, signed_octets(c));
  }
  const Result<std::string> salt = crypto::random_octets(kSaltOctets);
  if (!salt) return salt;
  return answer_pbkdf2(c, secret, *salt, kIterations, kKeyBits);
}

Result<std::string> answer_public_key(const Challenge& c, const crypto::PrivateKey& key,
                                      std::string_view identity) {
  const Digest hash = signature_hash(c.version, key.kind());
  const Result<std::string> signature =
      crypto::sign(key, hash, message_for(key.kind(), c), {.sm2_user = identity});
  if (!signature) return std::unexpected(Errc::kCrypto);
  std::string answer;
  Writer w(answer);
  w.bytes(hash_name(hash));
  w.bytes(*signature);
  return answer;
}

std::string hashed_secret(std::string_view password) {
  return to_hex(crypto::digest(Digest::kSha1, password));
}

}  // namespace idnode::handle
