#include "protocol/crypto/exchange.h"

#include <bit>

#include "protocol/bytes.h"
#include "protocol/crypto/numbers.h"
#include "protocol/crypto/random.h"

namespace idnode::crypto {

namespace {

using BnContext = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;

constexpr std::string_view kType = "DH_PUB_KEY";
// Twice the strength of the groups in use; the exponent, not the group, is what a stranger makes us pay for.
constexpr std::size_t kExponentOctets = 40;

std::string_view unsigned_form(std::string_view n) {
  const std::size_t first = n.find_first_not_of('\0');
  return first == std::string_view::npos ? std::string_view{} : n.substr(first);
}

std::string octets_of(const BIGNUM* n, int size) {
  std::string octets(static_cast<std::size_t>(size), '\0');
  must(BN_bn2binpad(n, out(octets), size) == size, "a number does not fit");
  return octets;
}

// 1 < n < p-1
bool inside(const BIGNUM* n, const BIGNUM* p) {
  const Number limit(BN_dup(p));
  must(limit && BN_sub_word(limit.get(), 1) == 1, "no memory for a number");
  return between_one_and(n, limit.get());
}

bool sound_group(const BIGNUM* p, const BIGNUM* g) {
  return BN_is_odd(p) && BN_num_bits(p) >= 1024 && BN_num_bits(p) <= 4096 && inside(g, p);
}

Number power(const BIGNUM* base, const BIGNUM* exponent, const BIGNUM* p) {
  const BnContext context(BN_CTX_new());
  Number result(BN_new());
  must(context && result &&
           BN_mod_exp_mont_consttime(result.get(), base, exponent, p, context.get(), nullptr) == 1,
       "no memory for a number");
  return result;
}

void set_odd_parity(std::string& key) {
  for (char& c : key) {
    const auto octet = static_cast<unsigned char>(c);
    const bool seven_are_odd = (std::popcount(static_cast<unsigned>(octet >> 1)) & 1) != 0;
    c = static_cast<char>((octet & 0xfe) | (seven_are_odd ? 0 : 1));
  }
}

}  // namespace

Result<DhKey> parse_dh(std::string_view octets) {
  Reader r(octets);
  const std::string_view type = r.bytes();
  r.u16();
  if (!r.ok()) return std::unexpected(r.error());
  if (type != kType) return std::unexpected(Errc::kUnsupported);
  const std::string_view y = r.bytes();
  const std::string_view p = r.bytes();
  const std::string_view g = r.bytes();
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  return DhKey{std::string(unsigned_form(p)), std::string(unsigned_form(g)), std::string(unsigned_form(y))};
}

std::string serialize(const DhKey& key) {
  std::string octets;
  Writer w(octets);
  w.bytes(kType);
  w.u16(0);
  for (const std::string* n : {&key.y, &key.p, &key.g}) write_number(w, number(*n).get());
  return octets;
}

Result<DhPair> dh_generate(std::string_view p, std::string_view g) {
  const Number modulus = number(p);
  const Number base = number(g);
  if (!sound_group(modulus.get(), base.get())) return std::unexpected(Errc::kInvalid);
  Result<std::string> exponent = random_octets(kExponentOctets);
  if (!exponent) return std::unexpected(exponent.error());
  exponent->front() = static_cast<char>(exponent->front() | '\x80');
  const Number y = power(base.get(), number(*exponent).get(), modulus.get());
  return DhPair{{std::string(unsigned_form(p)), std::string(unsigned_form(g)),
                 octets_of(y.get(), BN_num_bytes(y.get()))},
                std::move(*exponent)};
}

Result<std::string> dh_secret(const DhKey& theirs, std::string_view exponent) {
  const Number p = number(theirs.p);
  const Number g = number(theirs.g);
  const Number y = number(theirs.y);
  if (!sound_group(p.get(), g.get()) || !inside(y.get(), p.get())) return std::unexpected(Errc::kInvalid);
  const Number z = power(y.get(), number(exponent).get(), p.get());
  return octets_of(z.get(), BN_num_bytes(p.get()));
}

Result<std::string> session_key(SessionAlgorithm algorithm, std::string_view secret) {
  if (algorithm == SessionAlgorithm::kAes) {
    while (secret.size() > 32 && secret.front() == '\0') secret.remove_prefix(1);
    if (secret.size() < 32) return std::unexpected(Errc::kInvalid);
    return std::string(secret.substr(0, 32));
  }
  if (algorithm == SessionAlgorithm::kSm4) return std::unexpected(Errc::kUnsupported);
  const std::size_t size = algorithm == SessionAlgorithm::kDes ? 8 : 24;
  if (secret.size() < size) return std::unexpected(Errc::kInvalid);
  std::string key(secret.substr(0, size));
  set_odd_parity(key);
  return key;
}

}  // namespace idnode::crypto
