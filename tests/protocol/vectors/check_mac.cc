// mac, signed: whole frames, sliced by the fixed offsets of envelope and header. mac_primitive, digest.
#include <stdexcept>

#include "protocol/bytes.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/request_digest.h"
#include "tests/protocol/vectors/checks.h"
#include "tests/protocol/vectors/vector_keys.h"

namespace idnode::vectors {

namespace {

using handle::AuthResult;
using handle::Coverage;

struct Frame {
  bool ok = false;
  Coverage coverage;
  std::string_view message;  // header and body
  std::string_view type;
  std::string_view algorithm;
  std::string_view signature;
  std::size_t signature_offset = 0;
};

Frame slice(std::string_view octets) {
  Frame f;
  Reader r(octets);
  f.coverage.version = {r.u8(), r.u8()};
  f.coverage.suggested = {static_cast<std::uint8_t>(r.u8() & 0x1f), r.u8()};
  f.coverage.session_id = r.u32();
  f.coverage.request_id = r.u32();
  r.u32();
  if (const std::uint32_t length = r.u32(); length != r.left()) return f;
  const std::string_view header = r.take(24);
  if (!r.ok()) return f;
  const std::uint32_t body = Reader(header.substr(20)).u32();
  r.take(body);
  if (!r.ok()) return f;
  f.message = octets.substr(20, 24 + body);
  Reader c(r.bytes());
  c.take(4);
  c.bytes();
  f.coverage.counter = c.u32();
  f.type = c.bytes();
  c.u32();
  f.algorithm = c.bytes();
  f.signature = c.bytes();
  f.signature_offset = octets.size() - f.signature.size();
  f.ok = r.ok() && r.at_end() && c.ok() && c.at_end();
  return f;
}

std::string spoiled(std::string_view octets) {
  std::string other(octets);
  other.back() = static_cast<char>(other.back() ^ 1);
  return other;
}

void check_mac(const Vector& v, Verdict& verdict) {
  const std::string key = octets(v.fields, "session_key");
  const Frame f = slice(v.octets);
  verdict.holds("the frame can be sliced", f.ok);
  verdict.equal("type", f.type, "HS_MAC");
  verdict.equal("covered", handle::mac_covered(f.coverage, f.message, key), octets(v.fields, "covered"));
  const handle::Authentication made = handle::make_mac(f.coverage, f.message, key);
  verdict.equal("algorithm", made.algorithm, f.algorithm);
  verdict.equal("mac", made.signature, f.signature);
  const auto verify = [&](const Coverage& c, std::string_view message, std::string_view algorithm,
                          std::string_view mac) {
    return handle::verify_mac(c, message, key, algorithm, mac);
  };
  verdict.holds("verifies", verify(f.coverage, f.message, f.algorithm, f.signature) == AuthResult::kValid,
                f.signature_offset);
  verdict.holds("another MAC is wrong",
                verify(f.coverage, f.message, f.algorithm, spoiled(f.signature)) == AuthResult::kWrong);
  verdict.holds("another message is wrong",
                verify(f.coverage, spoiled(f.message), f.algorithm, f.signature) == AuthResult::kWrong);
  verdict.holds("an unknown algorithm is not taken",
                verify(f.coverage, f.message, "HMAC-SHA1", f.signature) == AuthResult::kUnacceptable);
  Coverage other = f.coverage;
  ++other.counter;
  const AuthResult counter_result = verify(other, f.message, f.algorithm, f.signature);
  verdict.holds(
      "the counter is covered from 2.7",
      counter_result == (f.coverage.version.at_least(2, 7) ? AuthResult::kWrong : AuthResult::kValid));
}

bool accepts_mac(const Vector& v, std::string_view cut) {
  const Frame f = slice(cut);
  return f.ok && handle::verify_mac(f.coverage, f.message, octets(v.fields, "session_key"), f.algorithm,
                                    f.signature) == AuthResult::kValid;
}

crypto::PublicKey public_key(const Vector& v) {
  auto key = crypto::PublicKey::parse(octets(v.fields, "public_key"));
  if (!key) throw std::runtime_error("public_key cannot be read");
  return std::move(*key);
}

void check_signed(const Vector& v, Verdict& verdict) {
  const crypto::PublicKey key = public_key(v);
  const Frame f = slice(v.octets);
  verdict.holds("the frame can be sliced", f.ok);
  verdict.equal("type", f.type, "HS_SIGNED");
  verdict.equal("covered", handle::signature_covered(f.coverage, f.message), octets(v.fields, "covered"));
  verdict.holds(
      "verifies",
      handle::verify_message(f.coverage, f.message, key, f.algorithm, f.signature) == AuthResult::kValid,
      f.signature_offset);
  verdict.holds("another message is wrong",
                handle::verify_message(f.coverage, spoiled(f.message), key, f.algorithm, f.signature) ==
                    AuthResult::kWrong);
  verdict.holds("MD5 is not taken", handle::verify_message(f.coverage, f.message, key, "MD5", f.signature) ==
                                        AuthResult::kUnacceptable);
  const auto half = private_half(key);
  if (!half) return;
  const auto made = handle::sign_message(f.coverage, f.message, *half);
  verdict.holds("can be signed", made.has_value());
  if (!made) return;
  verdict.equal("algorithm", made->algorithm, f.algorithm);
  if (flag(v.fields, "deterministic")) verdict.equal("signature", made->signature, f.signature);
  verdict.holds("our own signature verifies",
                handle::verify_message(f.coverage, f.message, key, made->algorithm, made->signature) ==
                    AuthResult::kValid);
}

bool accepts_signed(const Vector& v, std::string_view cut) {
  const Frame f = slice(cut);
  return f.ok && handle::verify_message(f.coverage, f.message, public_key(v), f.algorithm, f.signature) ==
                     AuthResult::kValid;
}

void check_mac_primitive(const Vector& v, Verdict& verdict) {
  const auto mac = handle::proof_mac(static_cast<std::uint8_t>(number(v.fields, "algorithm")),
                                     octets(v.fields, "key"), octets(v.fields, "data"));
  verdict.holds("the algorithm is known", mac.has_value());
  if (mac) verdict.equal("mac", *mac, v.octets);
}

void check_digest(const Vector& v, Verdict& verdict) {
  const std::string frame = octets(v.fields, "request_frame");
  const std::uint32_t body = Reader(std::string_view(frame).substr(40)).u32();
  verdict.equal("covered", std::string_view(frame).substr(20, 24 + body), v.octets);
  struct Expected {
    handle::Version response;
    const char* field;
    std::uint8_t octet;
  };
  for (const Expected& e :
       {Expected{{2, 0}, "md5", 1}, Expected{{2, 1}, "sha1", 2}, Expected{{2, 6}, "sha1", 2},
        Expected{{2, 7}, "sha256", 3}, Expected{{2, 11}, "sha256", 3}}) {
    const std::string digest = octets(v.fields, e.field);
    verdict.equal(e.field, handle::request_digest(e.response, v.octets), digest);
    verdict.holds("matches", handle::request_digest_matches(e.octet, digest, v.octets));
    verdict.holds("the old form matches", handle::request_digest_matches(0, digest, v.octets));
    verdict.holds("another request does not match",
                  !handle::request_digest_matches(e.octet, digest, spoiled(v.octets)));
  }
}

}  // namespace

std::span<const Row> mac_rows() {
  static constexpr Row kRows[] = {
      {"mac", check_mac, accepts_mac},
      {"signed", check_signed, accepts_signed},
      {"mac_primitive", check_mac_primitive},
      {"digest", check_digest},
  };
  return kRows;
}

}  // namespace idnode::vectors
