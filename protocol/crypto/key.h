// Keys as values, and the octets they are stored in (protocol/handle/WIRE.md §21).
//
// A key is immutable and cheap to copy (shared); any number of threads may use one at once. Errors of every
// reader: kTruncated and kMalformed for octets that are no key, kUnsupported for a kind of key this node does
// not use, kInvalid for numbers that cannot be a key (even modulus, point not on the curve, out of bounds).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/result.h"

struct evp_pkey_st;

namespace idnode::crypto {

enum class KeyKind : std::uint8_t { kRsa, kDsa, kP256, kEd25519, kSm2 };

class PublicKey {
 public:
  // The data of an HS_PUBKEY value, of a site's server entry: RSA_PUB_KEY (with or without its four trailing
  // zero octets), DSA_PUB_KEY, SM2_PUB_KEY (PEM or DER inside), or the bare PEM text of a
  // SubjectPublicKeyInfo. DH_PUB_KEY is not a signing key: exchange.h.
  static Result<PublicKey> parse(std::string_view octets);
  // PEM text of exactly one SubjectPublicKeyInfo; its DER.
  static Result<PublicKey> from_pem(std::string_view text);
  static Result<PublicKey> from_der(std::string_view der);

  // What an HS_PUBKEY value holds: the Handle layout for RSA, DSA and SM2, PEM for P-256 and Ed25519.
  std::string serialize() const;
  std::string pem() const;
  std::string der() const;

  KeyKind kind() const { return kind_; }
  // Size of the modulus, prime or field.
  int bits() const;
  // For this folder and for TLS.
  evp_pkey_st* native() const { return key_.get(); }

 private:
  friend class PrivateKey;
  friend struct KeyAccess;
  PublicKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind) : key_(std::move(key)), kind_(kind) {}
  std::shared_ptr<evp_pkey_st> key_;
  KeyKind kind_;
};

class PrivateKey {
 public:
  // RSA_PRIVCRT_KEY, RSA_PRIV_KEY, DSA_PRIV_KEY. An RSA_PRIV_KEY names no public exponent: one of the usual
  // ones that fits is taken, else kInvalid.
  static Result<PrivateKey> parse(std::string_view octets);
  // PKCS#8, not encrypted (an encrypted one: kUnsupported).
  static Result<PrivateKey> from_pem(std::string_view text);

  // RSA-2048, P-256, Ed25519, SM2; kUnsupported for DSA. RSA takes up to a second.
  static Result<PrivateKey> generate(KeyKind kind);

  // RSA_PRIVCRT_KEY or DSA_PRIV_KEY. kUnsupported: the Handle System has no private layout for the other
  // kinds; kInvalid: an RSA key without its primes.
  Result<std::string> serialize() const;
  // PKCS#8, not encrypted.
  std::string pem() const;

  PublicKey public_key() const { return {key_, kind_}; }
  KeyKind kind() const { return kind_; }
  int bits() const { return public_key().bits(); }
  evp_pkey_st* native() const { return key_.get(); }

 private:
  friend struct KeyAccess;
  PrivateKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind) : key_(std::move(key)), kind_(kind) {}
  std::shared_ptr<evp_pkey_st> key_;
  KeyKind kind_;
};

}  // namespace idnode::crypto
