#include "protocol/crypto/exchange.h"

#include <gtest/gtest.h>

#include "protocol/bytes.h"

namespace idnode::crypto {
namespace {

// Second Oakley group, RFC 2409 §6.2.
std::string oakley() {
  return from_hex(
             "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404d"
             "d"
             "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7e"
             "d"
             "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")
      .value();
}

std::string minus_one(std::string n) {
  n.back() = static_cast<char>(n.back() - 1);
  return n;
}

TEST(Exchange, BothSidesAgree) {
  const auto a = dh_generate(oakley(), "\x02");
  const auto b = dh_generate(oakley(), "\x02");
  ASSERT_TRUE(a && b);
  EXPECT_GE(a->exponent.size() * 8, 256U);
  EXPECT_NE(a->key.y, b->key.y);
  const auto z = dh_secret(b->key, a->exponent);
  ASSERT_TRUE(z);
  EXPECT_EQ(z->size(), oakley().size());
  EXPECT_EQ(dh_secret(a->key, b->exponent), *z);
  EXPECT_EQ(parse_dh(serialize(a->key)), a->key);
}

TEST(Exchange, BoundsOfTheGroup) {
  const std::string p = oakley();
  struct Case {
    const char* what;
    std::string p, g, y;
  };
  const Case cases[] = {
      {"even p", minus_one(p), "\x02", "\x05"},
      {"p of 1016 bits", p.substr(1), "\x02", "\x05"},
      {"p of 4104 bits", std::string(513, '\xff'), "\x02", "\x05"},
      {"no p", "", "\x02", "\x05"},
      {"g 0", p, "", "\x05"},
      {"g 1", p, "\x01", "\x05"},
      {"g p-1", p, minus_one(p), "\x05"},
      {"g p", p, p, "\x05"},
      {"y 0", p, "\x02", std::string(3, '\0')},
      {"y 1", p, "\x02", "\x01"},
      {"y p-1", p, "\x02", minus_one(p)},
      {"y p", p, "\x02", p},
      {"y above p", p, "\x02", "\x01" + p},
  };
  EXPECT_TRUE(dh_secret({p, "\x02", "\x05"}, "\x07"));
  for (const Case& c : cases) {
    EXPECT_EQ(dh_secret({c.p, c.g, c.y}, "\x07").error(), Errc::kInvalid) << c.what;
    if (c.what[0] != 'y') EXPECT_EQ(dh_generate(c.p, c.g).error(), Errc::kInvalid) << c.what;
  }
}

TEST(Exchange, SessionKeys) {
  const std::string short_secret = std::string(3, '\0') + std::string(30, 'z');
  // 33 octets: one leading zero goes, then 32 are left and nothing more is skipped.
  EXPECT_EQ(session_key(SessionAlgorithm::kAes, short_secret), short_secret.substr(1));
  EXPECT_EQ(session_key(SessionAlgorithm::kAes, std::string(31, 'z')).error(), Errc::kInvalid);
  EXPECT_EQ(session_key(SessionAlgorithm::kSm4, std::string(128, 'z')).error(), Errc::kUnsupported);
  const auto des = session_key(SessionAlgorithm::kDes, std::string("\x00\x01\x02\x03\xfc\xfd\xfe\xff", 8));
  EXPECT_EQ(des, std::string("\x01\x01\x02\x02\xfd\xfd\xfe\xfe", 8));
  EXPECT_EQ(session_key(SessionAlgorithm::kDesede, std::string(23, 'z')).error(), Errc::kInvalid);
}

TEST(Exchange, OtherLayouts) {
  EXPECT_EQ(parse_dh("").error(), Errc::kTruncated);
  std::string octets = serialize({oakley(), "\x02", "\x05"});
  EXPECT_EQ(parse_dh(octets + "x").error(), Errc::kMalformed);
  octets[4] = 'X';
  EXPECT_EQ(parse_dh(octets).error(), Errc::kUnsupported);
}

}  // namespace
}  // namespace idnode::crypto
