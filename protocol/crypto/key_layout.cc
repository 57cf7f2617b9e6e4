// The layouts of WIRE.md §21.2 and §21.4:
//
//   RSA_PUB_KEY | int2 | exponent bytes | modulus bytes | four zero octets (or nothing)
//   DSA_PUB_KEY | int2 | q, p, g, y bytes
//   SM2_PUB_KEY | int2 | SubjectPublicKeyInfo bytes, PEM or DER
//   RSA_PRIVCRT_KEY | n, e, d, p, q, d mod p-1, d mod q-1, q^-1 mod p bytes
//   RSA_PRIV_KEY | n, d bytes
//   DSA_PRIV_KEY | x, p, q, g bytes
//
// each with the key type as bytes in front.
#include "protocol/crypto/key_access.h"
#include "protocol/crypto/numbers.h"

namespace idnode::crypto {

namespace {

using BnContext = std::unique_ptr<BN_CTX, Free<BN_CTX_free>>;

constexpr std::string_view kFourZeros("\0\0\0\0", 4);

constexpr const char* kRsaCrt[] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

Result<PublicKey> finish_public(PkeyPtr key) {
  if (!key) return std::unexpected(Errc::kInvalid);
  return KeyAccess::public_key(std::move(key));
}

Result<PrivateKey> finish_private(PkeyPtr key) {
  if (!key) return std::unexpected(Errc::kInvalid);
  return KeyAccess::private_key(std::move(key));
}

Result<PublicKey> parse_rsa(Reader& r) {
  const Number e = read_number(r);
  const Number n = read_number(r);
  if (!r.ok()) return std::unexpected(r.error());
  const std::string_view tail = r.rest();
  if (!tail.empty() && tail != kFourZeros) return std::unexpected(Errc::kMalformed);
  return finish_public(key_from_numbers(
      "RSA", EVP_PKEY_PUBLIC_KEY, {{OSSL_PKEY_PARAM_RSA_N, n.get()}, {OSSL_PKEY_PARAM_RSA_E, e.get()}}));
}

Result<PublicKey> parse_dsa(Reader& r) {
  const Number q = read_number(r);
  const Number p = read_number(r);
  const Number g = read_number(r);
  const Number y = read_number(r);
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  return finish_public(key_from_numbers("DSA", EVP_PKEY_PUBLIC_KEY,
                                        {{OSSL_PKEY_PARAM_FFC_P, p.get()},
                                         {OSSL_PKEY_PARAM_FFC_Q, q.get()},
                                         {OSSL_PKEY_PARAM_FFC_G, g.get()},
                                         {OSSL_PKEY_PARAM_PUB_KEY, y.get()}}));
}

Result<PublicKey> parse_sm2(Reader& r) {
  const std::string_view content = r.bytes();
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  Result<PublicKey> key =
      content.starts_with("-----BEGIN") ? PublicKey::from_pem(content) : PublicKey::from_der(content);
  if (key && key->kind() != KeyKind::kSm2) return std::unexpected(Errc::kInvalid);
  return key;
}

// n = p q: what a damaged file breaks first. The library itself checks each signature against e.
bool factors_fit(const BIGNUM* n, const BIGNUM* p, const BIGNUM* q) {
  const BnContext context(BN_CTX_new());
  const Number product(BN_new());
  must(context && product && BN_mul(product.get(), p, q, context.get()) == 1, "no memory for a number");
  return BN_cmp(product.get(), n) == 0;
}

Result<PrivateKey> parse_rsa_crt(Reader& r) {
  Number numbers[8];
  for (Number& n : numbers) n = read_number(r);
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  if (!factors_fit(numbers[0].get(), numbers[3].get(), numbers[4].get()))
    return std::unexpected(Errc::kInvalid);
  return finish_private(key_from_numbers("RSA", EVP_PKEY_KEYPAIR,
                                         {{kRsaCrt[0], numbers[0].get()},
                                          {kRsaCrt[1], numbers[1].get()},
                                          {kRsaCrt[2], numbers[2].get()},
                                          {kRsaCrt[3], numbers[3].get()},
                                          {kRsaCrt[4], numbers[4].get()},
                                          {kRsaCrt[5], numbers[5].get()},
                                          {kRsaCrt[6], numbers[6].get()},
                                          {kRsaCrt[7], numbers[7].get()}}));
}

// e such that (2^e)^d = 2 mod n; nullptr when none of the usual ones fits.
Number public_exponent(const BIGNUM* n, const BIGNUM* d) {
  const BnContext context(BN_CTX_new());
  const Number two(BN_new()), power(BN_new());
  must(context && two && power && BN_set_word(two.get(), 2) == 1, "no memory for a number");
  for (const BN_ULONG candidate : {65537UL, 3UL, 17UL, 5UL, 257UL}) {
    Number e(BN_new());
    must(e && BN_set_word(e.get(), candidate) == 1, "no memory for a number");
    if (BN_mod_exp(power.get(), two.get(), e.get(), n, context.get()) == 1 &&
        BN_mod_exp_mont_consttime(power.get(), power.get(), d, n, context.get(), nullptr) == 1 &&
        BN_cmp(power.get(), two.get()) == 0) {
      return e;
    }
  }
  return nullptr;
}

Result<PrivateKey> parse_rsa_plain(Reader& r) {
  const Number n = read_number(r);
  const Number d = read_number(r);
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  if (!BN_is_odd(n.get()) || BN_num_bits(n.get()) > 8192 || BN_cmp(d.get(), n.get()) >= 0) {
    return std::unexpected(Errc::kInvalid);
  }
  const Number e = public_exponent(n.get(), d.get());
  if (!e) return std::unexpected(Errc::kInvalid);
  return finish_private(key_from_numbers("RSA", EVP_PKEY_KEYPAIR,
                                         {{OSSL_PKEY_PARAM_RSA_N, n.get()},
                                          {OSSL_PKEY_PARAM_RSA_E, e.get()},
                                          {OSSL_PKEY_PARAM_RSA_D, d.get()}}));
}

Result<PrivateKey> parse_dsa_private(Reader& r) {
  const Number x = read_number(r);
  const Number p = read_number(r);
  const Number q = read_number(r);
  const Number g = read_number(r);
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  if (!BN_is_odd(p.get()) || BN_num_bits(p.get()) > 4096 || BN_is_zero(x.get()) ||
      BN_cmp(x.get(), q.get()) >= 0) {
    return std::unexpected(Errc::kInvalid);
  }
  const BnContext context(BN_CTX_new());
  const Number y(BN_new());
  must(context && y &&
           BN_mod_exp_mont_consttime(y.get(), g.get(), x.get(), p.get(), context.get(), nullptr) == 1,
       "no memory for a number");
  return finish_private(key_from_numbers("DSA", EVP_PKEY_KEYPAIR,
                                         {{OSSL_PKEY_PARAM_FFC_P, p.get()},
                                          {OSSL_PKEY_PARAM_FFC_Q, q.get()},
                                          {OSSL_PKEY_PARAM_FFC_G, g.get()},
                                          {OSSL_PKEY_PARAM_PUB_KEY, y.get()},
                                          {OSSL_PKEY_PARAM_PRIV_KEY, x.get()}}));
}

void write_numbers(Writer& w, const EVP_PKEY* key, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const Number n = number_of(key, name);
    must(n != nullptr, "a key lacks a number");
    write_number(w, n.get());
  }
}

struct PublicLayout {
  std::string_view type;
  Result<PublicKey> (*parse)(Reader&);
};
constexpr PublicLayout kPublic[] = {
    {"RSA_PUB_KEY", parse_rsa}, {"DSA_PUB_KEY", parse_dsa}, {"SM2_PUB_KEY", parse_sm2}};

struct PrivateLayout {
  std::string_view type;
  Result<PrivateKey> (*parse)(Reader&);
};
constexpr PrivateLayout kPrivate[] = {{"RSA_PRIVCRT_KEY", parse_rsa_crt},
                                      {"RSA_PRIV_KEY", parse_rsa_plain},
                                      {"DSA_PRIV_KEY", parse_dsa_private}};

}  // namespace

Result<PublicKey> parse_public_layout(std::string_view octets) {
  Reader r(octets);
  const std::string_view type = r.bytes();
  r.u16();
  if (!r.ok()) return std::unexpected(r.error());
  for (const PublicLayout& each : kPublic) {
    if (each.type == type) return each.parse(r);
  }
  return std::unexpected(Errc::kUnsupported);
}

Result<PrivateKey> parse_private_layout(std::string_view octets) {
  Reader r(octets);
  const std::string_view type = r.bytes();
  if (!r.ok()) return std::unexpected(r.error());
  for (const PrivateLayout& each : kPrivate) {
    if (each.type == type) return each.parse(r);
  }
  return std::unexpected(Errc::kUnsupported);
}

std::string public_layout(const PublicKey& key) {
  std::string octets;
  Writer w(octets);
  switch (key.kind()) {
    case KeyKind::kRsa:
      w.bytes("RSA_PUB_KEY");
      w.u16(0);
      write_numbers(w, key.native(), {OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N});
      w.raw(kFourZeros);
      return octets;
    case KeyKind::kDsa:
      w.bytes("DSA_PUB_KEY");
      w.u16(0);
      write_numbers(
          w, key.native(),
          {OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY});
      return octets;
    case KeyKind::kSm2:
      w.bytes("SM2_PUB_KEY");
      w.u16(0);
      w.bytes(key.der());
      return octets;
    case KeyKind::kP256:
    case KeyKind::kEd25519: break;
  }
  return key.pem();
}

Result<std::string> private_layout(const PrivateKey& key) {
  std::string octets;
  Writer w(octets);
  if (key.kind() == KeyKind::kRsa) {
    if (!number_of(key.native(), OSSL_PKEY_PARAM_RSA_COEFFICIENT1)) return std::unexpected(Errc::kInvalid);
    w.bytes("RSA_PRIVCRT_KEY");
    write_numbers(
        w, key.native(),
        {kRsaCrt[0], kRsaCrt[1], kRsaCrt[2], kRsaCrt[3], kRsaCrt[4], kRsaCrt[5], kRsaCrt[6], kRsaCrt[7]});
    return octets;
  }
  if (key.kind() == KeyKind::kDsa) {
    w.bytes("DSA_PRIV_KEY");
    write_numbers(
        w, key.native(),
        {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G});
    return octets;
  }
  return std::unexpected(Errc::kUnsupported);
}

}  // namespace idnode::crypto
