#include "protocol/crypto/key.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/crypto/key_file.h"
#include "protocol/crypto/key_memory.h"
#include "protocol/crypto/sign.h"

namespace idnode::crypto {
namespace {

constexpr KeyKind kMade[] = {KeyKind::kRsa, KeyKind::kP256, KeyKind::kEd25519, KeyKind::kSm2};

Digest digest_for(KeyKind kind) { return kind == KeyKind::kSm2 ? Digest::kSm3 : Digest::kSha256; }

const PrivateKey& key_of(KeyKind kind) {
  static const std::vector<PrivateKey> kKeys = [] {
    std::vector<PrivateKey> keys;
    for (const KeyKind k : kMade) keys.push_back(PrivateKey::generate(k).value());
    return keys;
  }();
  for (const PrivateKey& key : kKeys) {
    if (key.kind() == kind) return key;
  }
  std::abort();
}

std::string rsa_layout(std::string_view e, std::string_view n, std::string_view tail) {
  std::string octets;
  Writer w(octets);
  w.bytes("RSA_PUB_KEY");
  w.u16(0);
  w.bytes(e);
  w.bytes(n);
  w.raw(tail);
  return octets;
}

TEST(Key, EveryKindGoesThroughItsStoredFormAndPem) {
  for (const KeyKind kind : kMade) {
    const PrivateKey& key = key_of(kind);
    const PublicKey pub = key.public_key();
    EXPECT_EQ(pub.bits(), kind == KeyKind::kRsa ? 2048 : 256);
    const auto stored = PublicKey::parse(pub.serialize());
    ASSERT_TRUE(stored) << int(kind);
    EXPECT_EQ(stored->kind(), kind);
    EXPECT_EQ(stored->der(), pub.der());
    const auto from_pem = PublicKey::from_pem(pub.pem());
    ASSERT_TRUE(from_pem);
    EXPECT_EQ(from_pem->der(), pub.der());
    const auto private_again = PrivateKey::from_pem(key.pem());
    ASSERT_TRUE(private_again);
    EXPECT_EQ(private_again->kind(), kind);
    const auto signature = sign(*private_again, digest_for(kind), "message");
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verify(*stored, digest_for(kind), "message", *signature));
  }
}

TEST(Key, StoredForms) {
  EXPECT_TRUE(key_of(KeyKind::kRsa).public_key().serialize().ends_with(std::string_view("\0\0\0\0", 4)));
  EXPECT_NE(key_of(KeyKind::kSm2).public_key().serialize().find("SM2_PUB_KEY"), std::string::npos);
  EXPECT_TRUE(key_of(KeyKind::kP256).public_key().serialize().starts_with("-----BEGIN PUBLIC KEY-----\n"));
  EXPECT_TRUE(key_of(KeyKind::kEd25519).public_key().serialize().starts_with("-----BEGIN PUBLIC KEY-----\n"));
}

TEST(Key, OnlyRsaAndDsaHaveAPrivateLayout) {
  const auto file = write_key_file(key_of(KeyKind::kRsa));
  ASSERT_TRUE(file);
  const auto again = read_key_file(*file);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_key().der(), key_of(KeyKind::kRsa).public_key().der());
  for (const KeyKind kind : {KeyKind::kP256, KeyKind::kEd25519, KeyKind::kSm2}) {
    EXPECT_EQ(write_key_file(key_of(kind)).error(), Errc::kUnsupported);
  }
  EXPECT_EQ(PrivateKey::generate(KeyKind::kDsa).error(), Errc::kUnsupported);
}

TEST(Key, RsaWithoutPrimesFindsItsExponent) {
  const std::string crt = *key_of(KeyKind::kRsa).serialize();
  Reader r(crt);
  r.bytes();
  const std::string_view n = r.bytes();
  r.bytes();
  const std::string_view d = r.bytes();
  std::string plain;
  Writer w(plain);
  w.bytes("RSA_PRIV_KEY");
  w.bytes(n);
  w.bytes(d);
  const auto key = PrivateKey::parse(plain);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key().der(), key_of(KeyKind::kRsa).public_key().der());
  const auto signature = sign(*key, Digest::kSha256, "m");
  ASSERT_TRUE(signature);
  EXPECT_TRUE(verify(key->public_key(), Digest::kSha256, "m", *signature));
  EXPECT_EQ(key->serialize().error(), Errc::kInvalid);
  plain.back() = static_cast<char>(plain.back() ^ 2);
  EXPECT_EQ(PrivateKey::parse(plain).error(), Errc::kInvalid);
}

TEST(Key, NumbersThatCannotBeAKey) {
  const std::string modulus = "\x7f" + std::string(126, 'm') + "\x01";
  const std::string even = "\x7f" + std::string(126, 'm') + "\x02";
  const std::string huge = "\x7f" + std::string(1100, 'm') + "\x01";
  EXPECT_TRUE(PublicKey::parse(rsa_layout("\x03", modulus, "")));
  EXPECT_TRUE(PublicKey::parse(rsa_layout("\x03", modulus, std::string(4, '\0'))));
  struct Case {
    std::string octets;
    Errc error;
  };
  const Case cases[] = {
      {rsa_layout("\x03", modulus, std::string(3, '\0')), Errc::kMalformed},
      {rsa_layout("\x03", modulus, std::string(5, '\0')), Errc::kMalformed},
      {rsa_layout("\x03", modulus, "1234"), Errc::kMalformed},
      {rsa_layout("\x03", even, ""), Errc::kInvalid},
      {rsa_layout("\x03", huge, ""), Errc::kInvalid},
      {rsa_layout("\x03", "\x7f\x01", ""), Errc::kInvalid},
      {rsa_layout("\x01", modulus, ""), Errc::kInvalid},
      {rsa_layout("\x04", modulus, ""), Errc::kInvalid},
      {rsa_layout("", modulus, ""), Errc::kInvalid},
      {rsa_layout(modulus, modulus, ""), Errc::kInvalid},
      {"", Errc::kTruncated},
      {"-----BEGIN PUBLIC KEY-----\n", Errc::kMalformed},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", Errc::kMalformed},
  };
  for (const Case& c : cases) {
    const auto key = PublicKey::parse(c.octets);
    ASSERT_FALSE(key) << to_hex(c.octets);
    EXPECT_EQ(key.error(), c.error) << to_hex(c.octets);
  }
}

TEST(Key, PemStandsAlone) {
  const std::string pem = key_of(KeyKind::kP256).public_key().pem();
  EXPECT_TRUE(PublicKey::parse(pem + "\r\n\n"));
  EXPECT_FALSE(PublicKey::parse(pem + "x"));
  EXPECT_FALSE(PublicKey::parse(pem + pem));
  EXPECT_FALSE(PublicKey::from_pem("x" + pem));
  EXPECT_EQ(PublicKey::parse(key_of(KeyKind::kP256).pem()).error(), Errc::kUnsupported);
  EXPECT_EQ(PrivateKey::from_pem(pem).error(), Errc::kUnsupported);
}

TEST(Key, AnSm2LayoutHoldsAnSm2Key) {
  std::string octets;
  Writer w(octets);
  w.bytes("SM2_PUB_KEY");
  w.u16(0);
  w.bytes(key_of(KeyKind::kP256).public_key().der());
  EXPECT_EQ(PublicKey::parse(octets).error(), Errc::kInvalid);
}

// The key that a thread remembers for the octets.
Result<PublicKey> remembered(std::string_view octets) {
  const Result<Verifier*> verifier = remembered_verifier(octets);
  if (!verifier) return std::unexpected(verifier.error());
  return (*verifier)->key();
}

// A thread remembers keys by all of their octets, forgets the oldest, and learns nothing from what is no key.
TEST(Key, IsRememberedByItsOctets) {
  const std::string octets = key_of(KeyKind::kRsa).public_key().serialize();
  const Result<PublicKey> first = remembered(octets);
  ASSERT_TRUE(first);
  EXPECT_EQ(remembered(octets)->native(), first->native());
  EXPECT_NE(PublicKey::parse(octets)->native(), first->native()) << "the control: another parse, another key";

  std::string other = octets;
  other[other.size() - 8] = static_cast<char>(other[other.size() - 8] ^ 2);  // still odd, another modulus
  const Result<PublicKey> second = remembered(other);
  if (second) EXPECT_NE(second->native(), first->native());
  EXPECT_FALSE(remembered(octets.substr(0, octets.size() / 2)));
  EXPECT_FALSE(remembered(octets.substr(0, octets.size() / 2)));

  const PublicKey kept = *remembered(octets);
  for (std::size_t i = 0; i < kRemembered; ++i)
    ASSERT_TRUE(remembered(PrivateKey::generate(KeyKind::kP256)->public_key().serialize()));
  EXPECT_NE(remembered(octets)->native(), kept.native());
}

// One key, many threads: what the crypto pool does with the node's key.
TEST(Key, IsShared) {
  for (const KeyKind kind : kMade) {
    const PrivateKey key = key_of(kind);
    std::vector<std::thread> threads;
    std::vector<int> good(4, 0);
    for (std::size_t t = 0; t < good.size(); ++t) {
      threads.emplace_back([&key, &good, kind, t] {
        const PrivateKey copy = key;
        for (int i = 0; i < 5; ++i) {
          const std::string message = "message " + std::to_string(i);
          const auto signature = sign(copy, digest_for(kind), message);
          good[t] += signature && verify(copy.public_key(), digest_for(kind), message, *signature) ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, std::vector<int>(4, 5)) << int(kind);
  }
}

}  // namespace
}  // namespace idnode::crypto
