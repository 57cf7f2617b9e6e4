// pubkey, privkey, privkey_file, seckey.
#include <string>

#include "protocol/bytes.h"
#include "protocol/crypto/exchange.h"
#include "protocol/crypto/key_file.h"
#include "protocol/handle/proof.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

bool is_dh(const Vector& v) {
  return has(v.fields, "key_type") && text(v.fields, "key_type") == "DH_PUB_KEY";
}

std::string unsigned_form(const std::string& number) { return number.substr(number.find_first_not_of('\0')); }

void check_dh(const Vector& v, Verdict& verdict) {
  const auto key = crypto::parse_dh(v.octets);
  verdict.holds("is a key", key.has_value());
  if (!key) return;
  verdict.equal("p", key->p, unsigned_form(octets(v.fields, "p")));
  verdict.equal("g", key->g, unsigned_form(octets(v.fields, "g")));
  verdict.equal("y", key->y, unsigned_form(octets(v.fields, "y")));
  verdict.equal("written again", crypto::serialize(*key), v.octets);
}

// The layout out of the fields, in the order of the specification.
std::string layout(const Object& f, std::initializer_list<const char*> names, bool is_public) {
  std::string want;
  Writer w(want);
  w.bytes(text(f, "key_type"));
  if (is_public) w.u16(static_cast<std::uint16_t>(number(f, "reserved")));
  for (const char* name : names) w.bytes(octets(f, name));
  if (f.contains("trailing_zero_bytes")) want.append(number(f, "trailing_zero_bytes"), '\0');
  return want;
}

void check_pubkey(const Vector& v, Verdict& verdict) {
  if (is_dh(v)) return check_dh(v, verdict);
  const auto key = crypto::PublicKey::parse(v.octets);
  verdict.holds("is a key", key.has_value());
  if (!key) return;
  if (v.fields.contains("subject_public_key_info_der")) {
    verdict.equal("SubjectPublicKeyInfo", key->der(), octets(v.fields, "subject_public_key_info_der"));
    const auto again = crypto::PublicKey::parse(key->serialize());
    verdict.holds("what we write is read", again.has_value());
    if (again) verdict.equal("read again", again->der(), key->der());
    const bool der = v.fields.contains("content_form") && text(v.fields, "content_form").starts_with("DER");
    if (der) verdict.equal("written again", key->serialize(), v.octets);
    return;
  }
  const bool rsa = text(v.fields, "key_type") == "RSA_PUB_KEY";
  verdict.holds("kind", key->kind() == (rsa ? crypto::KeyKind::kRsa : crypto::KeyKind::kDsa));
  verdict.equal("written again", key->serialize(), v.octets);
  verdict.equal(
      "out of the fields",
      rsa ? layout(v.fields, {"exponent", "modulus"}, true) : layout(v.fields, {"q", "p", "g", "y"}, true),
      key->serialize());
  const auto pem = crypto::PublicKey::parse(key->pem());
  verdict.holds("its PEM is read", pem.has_value());
  if (pem) verdict.equal("through PEM", pem->serialize(), v.octets);
}

bool accepts_pubkey(const Vector& v, std::string_view cut) {
  return is_dh(v) ? crypto::parse_dh(cut).has_value() : crypto::PublicKey::parse(cut).has_value();
}

const char* short_pubkey(const Vector& v, std::size_t length) {
  const std::size_t missing = v.octets.size() - length;
  if (v.fields.contains("trailing_zero_bytes") && missing == 4) return "RSA without its four zero octets";
  const bool bare_pem = v.octets.starts_with("-----BEGIN");
  if (bare_pem && missing <= 2) return "PEM without its last line end";
  return nullptr;
}

void check_privkey(const Vector& v, Verdict& verdict) {
  const auto key = crypto::PrivateKey::parse(v.octets);
  verdict.holds("is a key", key.has_value());
  if (!key) return;
  const auto written = key->serialize();
  verdict.holds("can be written", written.has_value());
  if (!written) return;
  verdict.equal("written again", *written, v.octets);
  const bool rsa = key->kind() == crypto::KeyKind::kRsa;
  verdict.equal("out of the fields",
                rsa ? layout(v.fields,
                             {"modulus", "public_exponent", "private_exponent", "p", "q", "exponent_p",
                              "exponent_q", "coefficient"},
                             false)
                    : layout(v.fields, {"x", "p", "q", "g"}, false),
                v.octets);
  const auto pem = crypto::PrivateKey::from_pem(key->pem());
  verdict.holds("its PEM is read", pem.has_value());
  if (pem) verdict.equal("through PEM", pem->serialize().value_or(""), v.octets);
}

bool accepts_privkey(const Vector&, std::string_view cut) {
  return crypto::PrivateKey::parse(cut).has_value();
}

std::string passphrase(const Vector& v) {
  return has(v.fields, "passphrase") ? text(v.fields, "passphrase") : std::string();
}

void check_privkey_file(const Vector& v, Verdict& verdict) {
  const std::uint64_t scheme = number(v.fields, "scheme");
  verdict.holds("says whether it is encrypted", crypto::key_file_is_encrypted(v.octets) == (scheme != 1));
  const auto key = crypto::read_key_file(v.octets, passphrase(v));
  verdict.holds("is read", key.has_value());
  if (!key) return;
  verdict.equal("the key inside", key->serialize().value_or(""), octets(v.fields, "private_key"));
  if (scheme == 1) {
    verdict.equal("written again", crypto::write_key_file(*key).value_or(""), v.octets);
  } else {
    const auto wrong = crypto::read_key_file(v.octets, "Secret");
    verdict.holds("a wrong passphrase is refused", !wrong && wrong.error() == Errc::kRefused);
  }
}

bool accepts_privkey_file(const Vector& v, std::string_view cut) {
  return crypto::read_key_file(cut, passphrase(v)).has_value();
}

// The octets are the secret itself, whatever they are: nothing can be cut wrongly.
void check_seckey(const Vector& v, Verdict& verdict) {
  const std::string secret = text(v.fields, "secret");
  verdict.equal("data", flag(v.fields, "hashed") ? handle::hashed_secret(secret) : secret, v.octets);
}

}  // namespace

std::span<const Row> key_rows() {
  static constexpr Row kRows[] = {
      {"pubkey", check_pubkey, accepts_pubkey, short_pubkey},
      {"privkey", check_privkey, accepts_privkey},
      {"privkey_file", check_privkey_file, accepts_privkey_file},
      {"seckey", check_seckey},
  };
  return kRows;
}

}  // namespace idnode::vectors
