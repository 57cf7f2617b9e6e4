#include "protocol/crypto/mac.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "protocol/bytes.h"
#include "protocol/crypto/random.h"

namespace idnode::crypto {
namespace {

TEST(Hmac, KnownAnswers) {
  // RFC 4231 case 2, RFC 2202 case 2.
  EXPECT_EQ(to_hex(hmac(Digest::kSha256, "Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac(Digest::kSha1, "Jefe", {"what do ya want ", "for nothing?"})),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(Hmac, AnEmptyKeyIsAKeyAndNotTheLastOne) {
  const std::string empty = hmac(Digest::kSha256, "", "");
  EXPECT_EQ(to_hex(empty), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  (void)hmac(Digest::kSha256, "another key", "");
  EXPECT_EQ(hmac(Digest::kSha256, std::string_view(), ""), empty);
}

TEST(Hmac, KeysLongerThanABlockAreDigested) {
  const std::string key(131, '\xaa');  // RFC 4231 case 6
  EXPECT_EQ(to_hex(hmac(Digest::kSha256, key, "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Pbkdf2, KnownAnswers) {
  // RFC 6070.
  EXPECT_EQ(to_hex(pbkdf2_sha1("password", "salt", 1, 20)), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  EXPECT_EQ(to_hex(pbkdf2_sha1("password", "salt", 4096, 20)), "4b007901b765489abead49d926f721d065a429c1");
  EXPECT_EQ(to_hex(pbkdf2_sha1(std::string_view("pass\0word", 9), std::string_view("sa\0lt", 5), 4096, 16)),
            "56fa6aa75548099dcc37d7f03425e0c3");
}

TEST(Compare, ConstantTime) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_constant_time("abc", ""));
}

TEST(Random, OctetsDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto octets = random_octets(16);
    ASSERT_TRUE(octets);
    ASSERT_EQ(octets->size(), 16U);
    EXPECT_TRUE(seen.insert(*octets).second);
  }
  EXPECT_EQ(random_octets(0), std::string());
  EXPECT_EQ(random_octets(1000)->size(), 1000U);  // more than is drawn in advance
  const auto a = random_u64(), b = random_u64();
  ASSERT_TRUE(a && b);
  EXPECT_NE(*a, *b);
}

// What is drawn in advance is the parent's.
TEST(Random, AForkDrawsItsOwn) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(random_octets(16));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const std::string octets = random_octets(16).value_or("");
      _exit(write(ends[1], octets.data(), octets.size()) == 16 ? 0 : 1);
    }
    char octets[16];
    EXPECT_EQ(read(ends[0], octets, sizeof octets), 16);
    EXPECT_NE(std::string(octets, sizeof octets), random_octets(16).value());
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    close(ends[0]);
    close(ends[1]);
  }
}

}  // namespace
}  // namespace idnode::crypto
