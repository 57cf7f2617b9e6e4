#include "protocol/handle/message_auth.h"

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/crypto/mac.h"
#include "protocol/crypto/sign.h"
#include "protocol/handle/hash_name.h"

namespace idnode::handle {

using crypto::Digest;

namespace {

constexpr std::string_view kHmacSha256 = "HMAC-SHA256";

// P8 of the specification, or P7 without the suggestion.
std::string envelope_part(const Coverage& c) {
  std::string octets;
  Writer w(octets);
  w.u8(c.version.major);
  w.u8(c.version.minor);
  if (c.version.at_least(2, 8)) {
    w.u8(c.suggested.major);
    w.u8(c.suggested.minor);
  }
  w.u32(c.session_id);
  w.u32(c.request_id);
  w.u32(c.counter);
  return octets;
}

// 2.6 meant to write the same but copied only two octets of the session id, left the rest zero.
std::string envelope_part_2_6(const Coverage& c) {
  std::string octets;
  Writer w(octets);
  w.u8(c.version.major);
  w.u8(c.version.minor);
  w.u16(static_cast<std::uint16_t>(c.session_id >> 16));
  w.u32(c.counter);
  octets.append(6, '\0');
  return octets;
}

std::string join(std::string_view a, std::string_view b) {
  std::string octets;
  octets.reserve(a.size() + b.size());
  return octets.append(a).append(b);
}

bool uses_hmac(const Coverage& c) { return c.version.at_least(2, 7); }

std::string compute_mac(const Coverage& c, std::string_view message, std::string_view key) {
  if (uses_hmac(c)) return crypto::hmac(Digest::kSha256, key, {envelope_part(c), message});
  return crypto::digest(Digest::kSha1, mac_covered(c, message, key));
}

// Case and punctuation stripped: HMAC-SHA256, HmacSHA256, hmac_sha_256 are one name.
bool is_hmac_sha256(std::string_view field) {
  std::string letters;
  for (const char c : field) {
    if (c >= 'a' && c <= 'z') letters.push_back(static_cast<char>(c - 'a' + 'A'));
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) letters.push_back(c);
  }
  return letters == "HMACSHA256";
}

}  // namespace

std::string mac_covered(const Coverage& c, std::string_view message, std::string_view key) {
  if (uses_hmac(c)) return join(envelope_part(c), message);
  if (!c.version.at_least(2, 5)) return join(join(key, message), key);
  // 2.5 and 2.6: an index that was never moved on put the start of the key in front and zeros behind.
  std::string octets = join(join(key.substr(0, 4), message), key);
  octets.append(key.size() + 10, '\0');
  return octets;
}

std::string signature_covered(const Coverage& c, std::string_view message) {
  if (c.version.at_least(2, 7)) return join(envelope_part(c), message);
  return c.version.at_least(2, 6) ? join(envelope_part_2_6(c), message) : std::string(message);
}

Authentication make_mac(const Coverage& c, std::string_view message, std::string_view key) {
  const std::string_view algorithm = uses_hmac(c) ? kHmacSha256 : c.version.at_least(2, 6) ? "SHA1" : "\x02";
  return {std::string(algorithm), compute_mac(c, message, key)};
}

AuthResult verify_mac(const Coverage& c, std::string_view message, std::string_view key,
                      std::string_view algorithm, std::string_view mac) {
  const bool known = uses_hmac(c) ? is_hmac_sha256(algorithm) : parse_hash_name(algorithm) == Digest::kSha1;
  if (!known) return AuthResult::kUnacceptable;
  return crypto::equal_constant_time(mac, compute_mac(c, message, key)) ? AuthResult::kValid
                                                                        : AuthResult::kWrong;
}

Result<Authentication> sign_message(const Coverage& c, std::string_view message,
                                    const crypto::PrivateKey& key) {
  const Digest d = signature_hash(c.version, key.kind());
  Result<std::string> signature = crypto::sign(key, d, signature_covered(c, message));
  if (!signature) return std::unexpected(Errc::kCrypto);
  return Authentication{std::string(hash_name(d)), std::move(*signature)};
}

AuthResult verify_message(const Coverage& c, std::string_view message, const crypto::PublicKey& key,
                          std::string_view algorithm, std::string_view signature, bool allow_md5) {
  const std::optional<Digest> d = parse_hash_name(algorithm);
  const crypto::SignatureRules rules{.allow_md5 = allow_md5};
  if (!d || !crypto::pairs(key.kind(), *d, rules) || !acceptable_hash(c.version, key.kind(), *d, allow_md5)) {
    return AuthResult::kUnacceptable;
  }
  return crypto::verify(key, *d, signature_covered(c, message), signature, rules) ? AuthResult::kValid
                                                                                  : AuthResult::kWrong;
}

}  // namespace idnode::handle
