#include "protocol/crypto/sign.h"

#include <gtest/gtest.h>

#include "protocol/bytes.h"

namespace idnode::crypto {
namespace {

constexpr Digest kDigests[] = {Digest::kMd5, Digest::kSha1, Digest::kSha256, Digest::kSm3};

std::vector<PrivateKey> keys() {
  std::vector<PrivateKey> made;
  for (const KeyKind kind : {KeyKind::kRsa, KeyKind::kP256, KeyKind::kEd25519, KeyKind::kSm2}) {
    made.push_back(PrivateKey::generate(kind).value());
  }
  return made;
}

TEST(Sign, EveryPairSignsOrIsRefused) {
  int signed_pairs = 0;
  for (const PrivateKey& key : keys()) {
    for (const Digest d : kDigests) {
      const auto signature = sign(key, d, "message");
      if (!pairs(key.kind(), d)) {
        EXPECT_EQ(signature.error(), Errc::kInvalid);
        continue;
      }
      ++signed_pairs;
      ASSERT_TRUE(signature);
      EXPECT_TRUE(verify(key.public_key(), d, "message", *signature));
      EXPECT_FALSE(verify(key.public_key(), d, "messagf", *signature));
      for (const std::size_t cut : {std::size_t{0}, signature->size() / 2, signature->size() - 1}) {
        EXPECT_FALSE(verify(key.public_key(), d, "message", std::string_view(*signature).substr(0, cut)));
      }
      EXPECT_FALSE(verify(key.public_key(), d, "message", *signature + '\0'));
      for (const Digest other : kDigests) {
        if (other != d) EXPECT_FALSE(verify(key.public_key(), other, "message", *signature));
      }
    }
  }
  EXPECT_EQ(signed_pairs, 5);  // RSA twice
}

// One that is used over and over says each time what verify() says, whatever came before.
TEST(Sign, AVerifierForgetsEachSignature) {
  for (const PrivateKey& key : keys()) {
    Verifier verifier(key.public_key());
    for (int round = 0; round < 2; ++round) {
      for (const Digest d : kDigests) {
        const auto signature = sign(key, d, "message");
        EXPECT_EQ(verifier.verify(d, "message", signature.value_or("none")), pairs(key.kind(), d));
        if (!signature) continue;
        EXPECT_FALSE(verifier.verify(d, "messagf", *signature));
        EXPECT_TRUE(verifier.verify(d, "message", *signature));
        EXPECT_FALSE(verifier.verify(d, "message", signature->substr(1)));
        EXPECT_FALSE(verifier.verify(d, "", *signature));
        for (const Digest other : kDigests) {
          if (other != d) EXPECT_FALSE(verifier.verify(other, "message", *signature));
        }
        Verifier moved(std::move(verifier));
        EXPECT_TRUE(moved.verify(d, "message", *signature));
        verifier = std::move(moved);
      }
    }
  }
}

TEST(Sign, AVerifierKeepsNoSm2User) {
  const PrivateKey sm2 = PrivateKey::generate(KeyKind::kSm2).value();
  const auto signature = sign(sm2, Digest::kSm3, "m", {.sm2_user = "88.101.5/USER1"});
  ASSERT_TRUE(signature);
  Verifier verifier(sm2.public_key());
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(verifier.verify(Digest::kSm3, "m", *signature, {.sm2_user = "88.101.5/USER1"}));
    EXPECT_FALSE(verifier.verify(Digest::kSm3, "m", *signature, {.sm2_user = "88.101.5/USER2"}));
  }
}

TEST(Sign, ForeignKeysDoNotVerify) {
  const auto some = keys(), others = keys();
  for (std::size_t i = 0; i < some.size(); ++i) {
    const Digest d = some[i].kind() == KeyKind::kSm2 ? Digest::kSm3 : Digest::kSha256;
    const auto signature = sign(some[i], d, "m");
    ASSERT_TRUE(signature);
    EXPECT_FALSE(verify(others[i].public_key(), d, "m", *signature));
  }
}

TEST(Sign, TheSm2UserCounts) {
  const PrivateKey key = PrivateKey::generate(KeyKind::kSm2).value();
  const auto signature = sign(key, Digest::kSm3, "m", {.sm2_user = "88.101.5/USER1"});
  ASSERT_TRUE(signature);
  EXPECT_TRUE(verify(key.public_key(), Digest::kSm3, "m", *signature, {.sm2_user = "88.101.5/USER1"}));
  EXPECT_FALSE(verify(key.public_key(), Digest::kSm3, "m", *signature, {.sm2_user = "88.101.5/USER2"}));
  EXPECT_FALSE(verify(key.public_key(), Digest::kSm3, "m", *signature));
  const auto plain = sign(key, Digest::kSm3, "m");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(verify(key.public_key(), Digest::kSm3, "m", *plain, {.sm2_user = "1234567812345678"}));
}

// RSA-1024 over "m" with MD5, made by another program for this test.
TEST(Sign, Md5OnlyWhereItIsAllowed) {
  const auto key = PublicKey::from_pem(
      "-----BEGIN PUBLIC KEY-----\n"
      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDMt0yCD2qt6cP7LOOLvHeNqyMU\nXMqHIfC2M3lW0HHMPjlcBar1z6Xqvu2/"
      "W0Ly7Os5FI4myNtb6e5zJZWpKQEHgtim\n6wCbYE5YxGECeJtmSezZGTzdCPfBw3JlaEBxCztaN+"
      "SK7qJgiwEjmBnbOUQBdctf\nqQviPeerVux/D0OCewIDAQAB\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_TRUE(key);
  const auto signature = from_hex(
      "b53e69c8bdb7b5a99cf739e8da89099504b80c92a071fd7fdab4f717386dd927b201bc4e9f983fc58a99118963"
      "bf584e61cd62e46dcbc148f4627bc975f8419f4949be4517809020a8ac80449afb14f825c79597b61fc55a6955"
      "ffada81ed60e66f950404fe88e58447dac4a3d9c3d850b37eb376c2607e9e108dc88ad22cb25");
  ASSERT_TRUE(signature);
  EXPECT_TRUE(verify(*key, Digest::kMd5, "m", *signature, {.allow_md5 = true}));
  EXPECT_FALSE(verify(*key, Digest::kMd5, "n", *signature, {.allow_md5 = true}));
  EXPECT_FALSE(verify(*key, Digest::kMd5, "m", *signature));
}

}  // namespace
}  // namespace idnode::crypto
