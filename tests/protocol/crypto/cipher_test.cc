#include "protocol/crypto/cipher.h"

#include <gtest/gtest.h>

#include <set>

#include "protocol/bytes.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/message_cipher.h"

namespace idnode::crypto {
namespace {

struct Shape {
  Cipher cipher;
  std::size_t key, iv;
};
constexpr Shape kShapes[] = {
    {Cipher::kAes128Cbc, 16, 16}, {Cipher::kSm4Cbc, 16, 16}, {Cipher::kDesedeCbc, 24, 8}};

TEST(Cipher, EveryLengthComesBack) {
  for (const Shape& s : kShapes) {
    const std::string key(s.key, 'k'), iv(s.iv, 'i');
    EXPECT_EQ(iv_size(s.cipher), s.iv);
    for (std::size_t n = 0; n < 70; ++n) {
      const std::string plain(n, 'p');
      const auto sealed = encrypt(s.cipher, key, iv, plain);
      ASSERT_TRUE(sealed);
      EXPECT_EQ(sealed->size(), (n / s.iv + 1) * s.iv);
      EXPECT_EQ(decrypt(s.cipher, key, iv, *sealed), plain);
    }
  }
}

TEST(Cipher, WhatIsWrongIsOneError) {
  for (const Shape& s : kShapes) {
    const std::string key(s.key, 'k'), iv(s.iv, 'i');
    const std::string sealed = encrypt(s.cipher, key, iv, std::string(s.iv, 'p')).value();
    for (const std::size_t n : {std::size_t{0}, s.iv - 1, s.iv, sealed.size() - 1}) {
      EXPECT_EQ(decrypt(s.cipher, key, iv, std::string_view(sealed).substr(0, n)).error(), Errc::kCrypto);
    }
    EXPECT_EQ(encrypt(s.cipher, key + "k", iv, "p").error(), Errc::kInvalid);
    EXPECT_EQ(encrypt(s.cipher, key, iv.substr(1), "p").error(), Errc::kInvalid);
    EXPECT_EQ(decrypt(s.cipher, key.substr(1), iv, sealed).error(), Errc::kInvalid);
  }
}

TEST(RsaTransport, BoundsAndDamage) {
  const PrivateKey key = PrivateKey::generate(KeyKind::kRsa).value();
  const std::string most(256 - 11, 'p');
  const auto sealed = rsa_encrypt(key.public_key(), most);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(rsa_decrypt(key, *sealed), most);
  EXPECT_EQ(rsa_encrypt(key.public_key(), most + "p").error(), Errc::kTooLarge);
  EXPECT_FALSE(rsa_decrypt(key, sealed->substr(1)));
  const PrivateKey other = PrivateKey::generate(KeyKind::kP256).value();
  EXPECT_EQ(rsa_encrypt(other.public_key(), "p").error(), Errc::kInvalid);
  EXPECT_EQ(rsa_decrypt(other, "p").error(), Errc::kInvalid);
}

TEST(Sm2Transport, EveryLengthComesBackInTheOrderC1C3C2) {
  const PrivateKey key = PrivateKey::generate(KeyKind::kSm2).value();
  // Long enough for each form of a DER length; often enough for coordinates with leading zeros.
  for (const std::size_t n : {1, 20, 100, 127, 128, 200, 255, 256, 300, 70'000}) {
    for (int i = 0; i < (n < 300 ? 40 : 1); ++i) {
      const std::string plain(n, 'p');
      const auto sealed = sm2_encrypt(key.public_key(), plain);
      ASSERT_TRUE(sealed);
      ASSERT_EQ(sealed->size(), 65 + 32 + n);
      EXPECT_EQ(sealed->front(), '\x04');
      EXPECT_EQ(sm2_decrypt(key, *sealed), plain);
      const auto der = sm2_to_asn1(*sealed);
      ASSERT_TRUE(der);
      EXPECT_EQ(sm2_from_asn1(*der), *sealed);
    }
  }
  EXPECT_EQ(sm2_encrypt(key.public_key(), "").error(), Errc::kInvalid);
}

TEST(Sm2Transport, DamageIsRefused) {
  const PrivateKey key = PrivateKey::generate(KeyKind::kSm2).value();
  const std::string sealed = sm2_encrypt(key.public_key(), "session key").value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string other = sealed;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(sm2_decrypt(key, other)) << i;
  }
  const std::string der = sm2_to_asn1(sealed).value();
  for (std::size_t n = 0; n < der.size(); ++n) {
    EXPECT_EQ(sm2_from_asn1(std::string_view(der).substr(0, n)).error(), Errc::kMalformed);
  }
  EXPECT_EQ(sm2_from_asn1(der + '\0').error(), Errc::kMalformed);
}

}  // namespace
}  // namespace idnode::crypto

namespace idnode::handle {
namespace {

using crypto::SessionAlgorithm;

TEST(MessageCipher, EachMessageHasItsOwnIv) {
  const std::string key(32, 'k');
  std::set<std::string> ivs;
  for (int i = 0; i < 100; ++i) {
    const auto sealed = encrypt_message(SessionAlgorithm::kAes, {2, 11}, key, "message");
    ASSERT_TRUE(sealed);
    EXPECT_TRUE(ivs.insert(sealed->substr(0, 16)).second);
    EXPECT_EQ(decrypt_message(SessionAlgorithm::kAes, {2, 11}, key, *sealed), "message");
  }
}

// BEHAVIOUR §20.27: the cipher takes the first sixteen octets of an AES key, the MAC all of them.
TEST(MessageCipher, AnAesKeyIsCutForTheCipherAndNotForTheMac) {
  const std::string key = std::string(16, 'a') + std::string(16, 'b');
  const std::string other = std::string(16, 'a') + std::string(16, 'c');
  const auto sealed = encrypt_message(SessionAlgorithm::kAes, {2, 11}, key, "message");
  ASSERT_TRUE(sealed);
  EXPECT_EQ(decrypt_message(SessionAlgorithm::kAes, {2, 11}, other, *sealed), "message");
  const Coverage coverage{{2, 11}, {2, 11}, 77, 1, 1};
  EXPECT_NE(make_mac(coverage, "message", key).signature, make_mac(coverage, "message", other).signature);
  EXPECT_NE(make_mac(coverage, "message", key).signature,
            make_mac(coverage, "message", key.substr(0, 16)).signature);
}

TEST(MessageCipher, WhatIsNotServed) {
  const std::string key(32, 'k');
  EXPECT_EQ(encrypt_message(SessionAlgorithm::kDes, {2, 11}, key, "m").error(), Errc::kUnsupported);
  EXPECT_EQ(encrypt_message(SessionAlgorithm::kDesede, {2, 11}, key, "m").error(), Errc::kUnsupported);
  EXPECT_EQ(encrypt_message(SessionAlgorithm::kAes, {2, 3}, key, "m").error(), Errc::kUnsupported);
  EXPECT_EQ(encrypt_message(SessionAlgorithm::kAes, {5, 0}, key, "m").error(), Errc::kUnsupported);
  EXPECT_EQ(encrypt_message(SessionAlgorithm::kAes, {2, 11}, "short", "m").error(), Errc::kInvalid);
  EXPECT_EQ(decrypt_message(SessionAlgorithm::kAes, {2, 11}, key, std::string(16, 'i')).error(),
            Errc::kCrypto);
}

}  // namespace
}  // namespace idnode::handle
