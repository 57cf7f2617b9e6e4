#include "protocol/handle/message_auth.h"

#include <gtest/gtest.h>

namespace idnode::handle {
namespace {

using crypto::KeyKind;

const std::string kKey(32, 'k');
const std::string kMessage(60, 'm');

Coverage coverage(Version version) { return {version, {2, 11}, 77, 0x0a0b0c0d, 3}; }

TEST(MessageAuth, NamesOfTheMac) {
  const Coverage c = coverage({2, 11});
  const Authentication made = make_mac(c, kMessage, kKey);
  for (const char* name : {"HMAC-SHA256", "HmacSHA256", "hmac-sha-256", "HMAC_SHA256"}) {
    EXPECT_EQ(verify_mac(c, kMessage, kKey, name, made.signature), AuthResult::kValid) << name;
  }
  for (const char* name : {"", "SHA1", "\x02", "SHA-256", "HMAC-SHA1", "HMAC-SHA2566"}) {
    EXPECT_EQ(verify_mac(c, kMessage, kKey, name, made.signature), AuthResult::kUnacceptable) << name;
  }
  const Coverage old = coverage({2, 4});
  const Authentication old_made = make_mac(old, kMessage, kKey);
  for (const char* name : {"SHA1", "SHA-1", "\x02"}) {
    EXPECT_EQ(verify_mac(old, kMessage, kKey, name, old_made.signature), AuthResult::kValid) << name;
  }
  EXPECT_EQ(verify_mac(old, kMessage, kKey, "HMAC-SHA256", old_made.signature), AuthResult::kUnacceptable);
}

// BEHAVIOUR §20.25: versions, session, request id and counter are covered.
TEST(MessageAuth, EveryCoveredFieldCounts) {
  const Coverage c = coverage({2, 11});
  const std::string mac = make_mac(c, kMessage, kKey).signature;
  Coverage others[6] = {c, c, c, c, c, c};
  others[0].version.minor = 10;
  others[1].suggested.minor = 10;
  others[2].suggested.major = 3;
  others[3].session_id = 78;
  others[4].request_id = 1;
  others[5].counter = 4;
  for (const Coverage& other : others) {
    EXPECT_EQ(verify_mac(other, kMessage, kKey, "HMAC-SHA256", mac), AuthResult::kWrong);
  }
  EXPECT_EQ(verify_mac(c, kMessage, kKey + "k", "HMAC-SHA256", mac), AuthResult::kWrong);
  EXPECT_EQ(verify_mac(c, kMessage, kKey, "HMAC-SHA256", mac.substr(0, 31)), AuthResult::kWrong);
  EXPECT_EQ(verify_mac(c, kMessage, kKey, "HMAC-SHA256", ""), AuthResult::kWrong);
}

TEST(MessageAuth, KeysShorterThanTheOldLayoutsExpect) {
  for (const std::uint8_t minor : {1, 4, 5, 6, 7, 11}) {
    const Coverage c = coverage({2, minor});
    const Authentication made = make_mac(c, kMessage, "k");
    EXPECT_EQ(verify_mac(c, kMessage, "k", made.algorithm, made.signature), AuthResult::kValid);
  }
}

TEST(MessageAuth, EveryKindOfKeySigns) {
  for (const KeyKind kind : {KeyKind::kRsa, KeyKind::kP256, KeyKind::kEd25519, KeyKind::kSm2}) {
    const auto key = crypto::PrivateKey::generate(kind).value();
    for (const std::uint8_t minor : {3, 6, 7, 10, 11}) {
      const Coverage c = coverage({2, minor});
      const auto made = sign_message(c, kMessage, key);
      ASSERT_TRUE(made);
      EXPECT_EQ(made->algorithm, kind == KeyKind::kSm2                ? "SM3"
                                 : kind == KeyKind::kRsa && minor < 7 ? "SHA1"
                                                                      : "SHA-256");
      const auto pub = key.public_key();
      EXPECT_EQ(verify_message(c, kMessage, pub, made->algorithm, made->signature), AuthResult::kValid);
      EXPECT_EQ(verify_message(c, kMessage + "m", pub, made->algorithm, made->signature), AuthResult::kWrong);
      EXPECT_EQ(verify_message(c, kMessage, pub, "SHA-512", made->signature), AuthResult::kUnacceptable);
    }
  }
}

TEST(MessageAuth, Sha1EndsWhereTheVersionSays) {
  const auto key = crypto::PrivateKey::generate(KeyKind::kRsa).value();
  const auto old = sign_message(coverage({2, 6}), kMessage, key);
  ASSERT_TRUE(old);
  EXPECT_EQ(verify_message(coverage({2, 7}), kMessage, key.public_key(), old->algorithm, old->signature),
            AuthResult::kUnacceptable);
}

}  // namespace
}  // namespace idnode::handle
