#include "protocol/handle/proof.h"

#include <gtest/gtest.h>

#include "protocol/bytes.h"
#include "protocol/crypto/mac.h"
#include "protocol/crypto/sign.h"
#include "protocol/handle/hash_name.h"

namespace idnode::handle {
namespace {

using crypto::Digest;
using crypto::KeyKind;

const std::string kNonce(16, 'n');
const std::string kDigest(32, 'd');

Challenge challenge(Version version = {2, 11}) { return {kNonce, kDigest, version}; }

std::string pbkdf2_field(std::size_t salt, std::uint32_t iterations, std::uint32_t bits) {
  std::string octets;
  Writer w(octets);
  w.u8(0x22);
  w.bytes(std::string(salt, 's'));
  w.u32(iterations);
  w.u32(bits);
  w.bytes(std::string(20, 'm'));
  return octets;
}

std::string public_field(std::string_view hash, std::string_view signature) {
  std::string octets;
  Writer w(octets);
  w.bytes(hash);
  w.bytes(signature);
  return octets;
}

TEST(Proof, BoundsOfPbkdf2) {
  struct Case {
    std::size_t salt;
    std::uint32_t iterations, bits;
    Proof expected;
  };
  // The MAC is wrong in all of them: kWrong means that it was computed, kUnacceptable that it was not.
  const Case cases[] = {
      {16, 1, 160, Proof::kWrong},         {64, 20'000, 512, Proof::kWrong},
      {0, 10, 128, Proof::kWrong},         {65, 10, 160, Proof::kUnacceptable},
      {16, 0, 160, Proof::kUnacceptable},  {16, 20'001, 160, Proof::kUnacceptable},
      {16, 10, 120, Proof::kUnacceptable}, {16, 10, 520, Proof::kUnacceptable},
      {16, 10, 161, Proof::kUnacceptable}, {16, 0xffffffff, 160, Proof::kUnacceptable},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(verify_secret(challenge(), pbkdf2_field(c.salt, c.iterations, c.bits), "secret", {}),
              c.expected)
        << c.salt << ' ' << c.iterations << ' ' << c.bits;
  }
  ProofLimits tight;
  tight.pbkdf2_iterations = 9;
  EXPECT_EQ(verify_secret(challenge(), pbkdf2_field(16, 10, 160), "secret", tight), Proof::kUnacceptable);
}

// BEHAVIOUR §20.28: an octet above 127 of a secret is the UTF-8 form of that character; the length of the
// derived key is in bits.
TEST(Proof, Pbkdf2ExpandsTheSecretAndCountsBits) {
  const std::string salt(16, 's');
  const std::string derived = crypto::pbkdf2_sha1("caf\xc3\xa9\xc2\x80", salt, 10, 160 / 8);
  std::string expected;
  Writer w(expected);
  w.u8(0x22);
  w.bytes(salt);
  w.u32(10);
  w.u32(160);
  w.bytes(crypto::hmac(Digest::kSha1, derived, kNonce + kDigest));
  EXPECT_EQ(answer_pbkdf2(challenge(), "caf\xe9\x80", salt, 10, 160), expected);
  EXPECT_EQ(verify_secret(challenge(), expected, "caf\xe9\x80", {}), Proof::kValid);
  EXPECT_EQ(verify_secret(challenge(), expected, "caf\xc3\xa9\xc2\x80", {}), Proof::kWrong);
}

TEST(Proof, SecretAlgorithmsByVersion) {
  const std::string data = kNonce + kDigest;
  struct Case {
    std::uint8_t algorithm;
    Version version;
    bool allow_md5;
    Proof expected;
  };
  const Case cases[] = {
      {0, {2, 3}, false, Proof::kUnacceptable}, {1, {2, 3}, false, Proof::kUnacceptable},
      {1, {2, 3}, true, Proof::kValid},         {2, {2, 6}, false, Proof::kValid},
      {2, {2, 7}, false, Proof::kUnacceptable}, {2, {2, 11}, true, Proof::kUnacceptable},
      {3, {2, 11}, false, Proof::kValid},       {0x12, {2, 11}, false, Proof::kValid},
      {0x13, {2, 11}, false, Proof::kValid},
  };
  for (const Case& c : cases) {
    ProofLimits limits;
    limits.allow_md5 = c.allow_md5;
    const std::string proof =
        std::string(1, static_cast<char>(c.algorithm)) + *proof_mac(c.algorithm, "secret", data);
    EXPECT_EQ(verify_secret(challenge(c.version), proof, "secret", limits), c.expected) << int(c.algorithm);
    if (c.expected == Proof::kValid) {
      EXPECT_EQ(verify_secret(challenge(c.version), proof, "Secret", limits), Proof::kWrong);
      EXPECT_EQ(verify_secret(challenge(c.version), proof + "x", "secret", limits), Proof::kWrong);
    }
  }
  for (const char octet : {'\x04', '\x11', '\x14', '\x23', '\xff'}) {
    EXPECT_EQ(verify_secret(challenge(), std::string(21, octet), "secret", {}), Proof::kUnacceptable);
  }
  EXPECT_EQ(verify_secret(challenge(), "", "secret", {}), Proof::kMalformed);
  EXPECT_EQ(proof_mac(0x11, "k", "d").error(), Errc::kUnsupported);
}

TEST(Proof, AnEmptySecretProvesNothing) {
  const std::string proof = "\x03" + *proof_mac(3, "", kNonce + kDigest);
  EXPECT_EQ(verify_secret(challenge(), proof, "", {}), Proof::kUnusableKey);
  const auto answer = answer_secret(challenge(), "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(verify_secret(challenge(), *answer, "", {}), Proof::kUnusableKey);
}

TEST(Proof, EveryKindOfPublicKey) {
  for (const KeyKind kind : {KeyKind::kRsa, KeyKind::kP256, KeyKind::kEd25519, KeyKind::kSm2}) {
    const auto key = crypto::PrivateKey::generate(kind).value();
    const std::string stored = key.public_key().serialize();
    const auto answer = answer_public_key(challenge(), key, "88.101.5/USER1");
    ASSERT_TRUE(answer);
    EXPECT_EQ(verify_public_key(challenge(), *answer, stored, "88.101.5/USER1", {}), Proof::kValid);
    EXPECT_EQ(verify_public_key(challenge(), *answer, stored, "88.101.5/USER2", {}),
              kind == KeyKind::kSm2 ? Proof::kWrong : Proof::kValid);
    Challenge other = challenge();
    other.nonce = "another nonce...";
    EXPECT_EQ(verify_public_key(other, *answer, stored, "88.101.5/USER1", {}), Proof::kWrong);
    EXPECT_EQ(verify_public_key(challenge(), *answer + "x", stored, "88.101.5/USER1", {}), Proof::kMalformed);
    EXPECT_EQ(verify_public_key(challenge(), *answer, "no key", "88.101.5/USER1", {}), Proof::kUnusableKey);
  }
}

// BEHAVIOUR §20.11: what is signed is the nonce and the digest, without lengths or algorithm.
TEST(Proof, HashesByVersion) {
  const auto key = crypto::PrivateKey::generate(KeyKind::kRsa).value();
  const std::string stored = key.public_key().serialize();
  const std::string sha1 = *crypto::sign(key, Digest::kSha1, kNonce + kDigest);
  const std::string sha256 = *crypto::sign(key, Digest::kSha256, kNonce + kDigest);
  for (const char* name : {"SHA1", "SHA-1", "\x02"}) {
    EXPECT_EQ(verify_public_key(challenge({2, 6}), public_field(name, sha1), stored, "", {}), Proof::kValid)
        << name;
    EXPECT_EQ(verify_public_key(challenge({2, 7}), public_field(name, sha1), stored, "", {}),
              Proof::kUnacceptable);
  }
  for (const char* name : {"SHA256", "SHA-256", "\x03"}) {
    EXPECT_EQ(verify_public_key(challenge(), public_field(name, sha256), stored, "", {}), Proof::kValid)
        << name;
    EXPECT_EQ(verify_public_key(challenge(), public_field(name, sha1), stored, "", {}), Proof::kWrong);
  }
  for (const char* name : {"", "sha256", "SM3", "SHA-512", "MD5", "\x04"}) {
    EXPECT_EQ(verify_public_key(challenge(), public_field(name, sha256), stored, "", {}),
              Proof::kUnacceptable)
        << name;
  }
}

TEST(Proof, WeakRsaIsRefusedUnlessAllowed) {
  // The 1024-bit key is only parsed and never verified against, unless the limit is lowered.
  const std::string modulus = "\x7f" + std::string(126, 'm') + "\x01";
  std::string stored;
  Writer w(stored);
  w.bytes("RSA_PUB_KEY");
  w.u16(0);
  w.bytes(std::string("\x01\x00\x01", 3));
  w.bytes(modulus);
  const std::string proof = public_field("SHA-256", std::string(128, 's'));
  EXPECT_EQ(verify_public_key(challenge(), proof, stored, "", {}), Proof::kUnusableKey);
  ProofLimits low;
  low.rsa_bits = 1000;
  EXPECT_EQ(verify_public_key(challenge(), proof, stored, "", low), Proof::kWrong);
}

TEST(Proof, TheLesserVersionDecides) {
  EXPECT_EQ(challenge_version({2, 11}, {2, 6}), (Version{2, 6}));
  EXPECT_EQ(challenge_version({2, 6}, {2, 11}), (Version{2, 6}));
  EXPECT_EQ(challenge_version({2, 11}, {2, 11}), (Version{2, 11}));
  EXPECT_EQ(challenge_version({2, 11}, {3, 0}), (Version{2, 11}));
}

TEST(HashName, DsaSignsWithSha1Until210) {
  EXPECT_EQ(signature_hash({2, 10}, KeyKind::kDsa), Digest::kSha1);
  EXPECT_EQ(signature_hash({2, 11}, KeyKind::kDsa), Digest::kSha256);
  EXPECT_TRUE(acceptable_hash({2, 10}, KeyKind::kDsa, Digest::kSha1, false));
  EXPECT_FALSE(acceptable_hash({2, 11}, KeyKind::kDsa, Digest::kSha1, false));
  EXPECT_FALSE(acceptable_hash({2, 10}, KeyKind::kRsa, Digest::kSha1, false));
  for (const Digest d : {Digest::kMd5, Digest::kSha1, Digest::kSha256, Digest::kSm3}) {
    EXPECT_EQ(parse_hash_name(hash_name(d)), d);
  }
}

}  // namespace
}  // namespace idnode::handle
