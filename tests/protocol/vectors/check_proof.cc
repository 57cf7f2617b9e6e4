// challenge_answer: HS_SECKEY and HS_PUBKEY, verified and made.
#include <stdexcept>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"
#include "protocol/handle/proof.h"
#include "tests/protocol/vectors/checks.h"
#include "tests/protocol/vectors/vector_keys.h"

namespace idnode::vectors {

namespace {

using handle::Proof;

struct Question {
  std::string nonce;
  std::string digest;
  handle::Version version;
  handle::Challenge challenge() const { return {nonce, digest, version}; }
};

Question question(const Vector& v) {
  Reader r(std::string_view{});
  const std::string frame = octets(v.fields, "challenge_frame");
  r = Reader(frame);
  const handle::Version version{r.u8(), r.u8()};
  handle::Version suggested{static_cast<std::uint8_t>(r.u8() & 0x1f), r.u8()};
  if (suggested.major == 0) suggested = version;
  return {octets(v.fields, "nonce"), octets(v.fields, "request_digest"),
          handle::challenge_version(version, suggested)};
}

bool is_secret(const Vector& v) { return text(v.fields, "auth_type") == "HS_SECKEY"; }

// HS_PUBKEY data of the identity.
std::string key_data(const Vector& v) {
  return has(v.fields, "public_key") ? octets(v.fields, "public_key")
                                     : sm2_key(v.fields).public_key().serialize();
}

std::string identity(const Vector& v) {
  return has(v.fields, "sm2_user_id") ? text(v.fields, "sm2_user_id") : "300:0.NA/88.101.5";
}

handle::ProofLimits limits(const Question& q) {
  handle::ProofLimits l;
  l.allow_md5 = !q.version.at_least(2, 1);  // nothing else existed then
  return l;
}

Proof verify(const Vector& v, const Question& q, std::string_view proof) {
  return is_secret(v) ? handle::verify_secret(q.challenge(), proof, octets(v.fields, "secret"), limits(q))
                      : handle::verify_public_key(q.challenge(), proof, key_data(v), identity(v), limits(q));
}

// Our own answer to the same challenge: equal octets where nothing in it is random, and in any case valid.
void check_made(const Vector& v, const Question& q, const Result<std::string>& made, bool same,
                Verdict& verdict) {
  verdict.holds("an answer can be made", made.has_value());
  if (!made) return;
  if (same) verdict.equal("answer", *made, v.octets);
  verdict.holds("our own answer is valid", verify(v, q, *made) == Proof::kValid);
}

void check_secret(const Vector& v, const Question& q, Verdict& verdict) {
  const std::string secret = octets(v.fields, "secret");
  const bool pbkdf2 = has(v.fields, "salt");
  check_made(v, q, handle::answer_secret(q.challenge(), secret), !pbkdf2, verdict);
  verdict.holds("another secret is wrong",
                handle::verify_secret(q.challenge(), v.octets, secret + "x", limits(q)) == Proof::kWrong);
  if (!pbkdf2) return;
  verdict.equal("answer",
                handle::answer_pbkdf2(q.challenge(), secret, octets(v.fields, "salt"),
                                      static_cast<std::uint32_t>(number(v.fields, "iterations")),
                                      static_cast<std::uint32_t>(number(v.fields, "key_bits"))),
                v.octets);
}

void check_public_key(const Vector& v, const Question& q, Verdict& verdict) {
  const auto key = crypto::PublicKey::parse(key_data(v));
  if (!key) throw std::runtime_error("public_key cannot be read");
  const bool sm2 = key->kind() == crypto::KeyKind::kSm2;
  const auto half = sm2 ? std::optional(sm2_key(v.fields)) : private_half(*key);
  if (sm2) {
    verdict.equal("signed message", crypto::digest(crypto::Digest::kSm3, {q.nonce, q.digest}),
                  octets(v.fields, "signed_message"));
    verdict.holds("the user id counts",
                  handle::verify_public_key(q.challenge(), v.octets, key_data(v), "1234567812345678",
                                            limits(q)) == Proof::kWrong);
  }
  if (half) {
    const bool same = flag(v.fields, "deterministic");
    check_made(v, q, handle::answer_public_key(q.challenge(), *half, identity(v)), same, verdict);
  }
}

void check_answer(const Vector& v, Verdict& verdict) {
  const Question q = question(v);
  verdict.holds("is valid", verify(v, q, v.octets) == Proof::kValid);
  Question other = q;
  other.nonce.front() = static_cast<char>(other.nonce.front() ^ 1);
  verdict.holds("another nonce is wrong", verify(v, other, v.octets) == Proof::kWrong);
  other = q;
  other.digest.back() = static_cast<char>(other.digest.back() ^ 1);
  verdict.holds("another request is wrong", verify(v, other, v.octets) == Proof::kWrong);
  is_secret(v) ? check_secret(v, q, verdict) : check_public_key(v, q, verdict);
}

bool accepts_answer(const Vector& v, std::string_view cut) {
  return verify(v, question(v), cut) == Proof::kValid;
}

}  // namespace

std::span<const Row> proof_rows() {
  static constexpr Row kRows[] = {{"challenge_answer", check_answer, accepts_answer}};
  return kRows;
}

}  // namespace idnode::vectors
