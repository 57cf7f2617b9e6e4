// Session bodies against the golden vectors, and their rules by version (WIRE.md §17.3).
#include <gtest/gtest.h>

#include "protocol/handle/response.h"
#include "protocol/handle/session.h"
#include "tests/protocol/vectors/loader.h"

namespace idnode::handle {
namespace {

using crypto::SessionAlgorithm;
using vectors::Vector;

TEST(SessionBody, GoldenReplies) {
  std::size_t checked = 0;
  for (const Vector& v : vectors::load(vectors::default_path())) {
    if (v.kind != "response" || !v.name.starts_with("resp_session_setup_dh")) continue;
    const Envelope envelope = decode_envelope(v.octets).value();
    const auto response = decode_response(envelope, std::string_view(v.octets).substr(kEnvelopeSize));
    ASSERT_TRUE(response) << v.name;
    const auto reply = decode_session_reply(envelope.version, response->key_data);
    ASSERT_TRUE(reply) << v.name;
    const bool names = envelope.version.at_least(2, 4);
    EXPECT_EQ(reply->algorithm, names ? SessionAlgorithm::kAes : SessionAlgorithm::kDes) << v.name;
    EXPECT_TRUE(crypto::parse_dh(reply->public_key)) << v.name;
    EXPECT_EQ(encode_session_reply(envelope.version, *reply), response->key_data) << v.name;
    ++checked;
  }
  EXPECT_GE(checked, 2U);
}

TEST(SessionBody, GoldenSentKeys) {
  std::size_t checked = 0;
  for (const Vector& v : vectors::load(vectors::default_path())) {
    if (v.kind != "session_key_envelope") continue;
    const std::string plain = vectors::octets(v.fields, "plaintext");
    const auto key = decode_sent_session_key(kOurVersion, plain);
    ASSERT_TRUE(key) << v.name;
    EXPECT_EQ(encode_sent_session_key(kOurVersion, *key), plain) << v.name;
    for (std::size_t length = 0; length < plain.size(); ++length) {
      const auto cut = decode_sent_session_key(kOurVersion, std::string_view(plain).substr(0, length));
      const bool half_aes = key->algorithm == SessionAlgorithm::kAes && length == 4 + 16;
      EXPECT_EQ(cut.has_value(), half_aes) << v.name << " at " << length;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 2U);
}

TEST(SessionBody, OldVersions) {
  EXPECT_EQ(decode_session_reply({2, 1}, "key").error(), Errc::kUnsupported);
  EXPECT_EQ(decode_session_reply({5, 0}, "key").error(), Errc::kUnsupported);
  EXPECT_FALSE(encode_session_reply({2, 3}, {SessionAlgorithm::kAes, "key"}));
  EXPECT_EQ(decode_session_reply({2, 4}, std::string("\0\0\0\5key", 7)).error(), Errc::kUnsupported);
  EXPECT_EQ(decode_session_reply({2, 4}, std::string("\0\0\0\3", 4)).error(), Errc::kTruncated);
  EXPECT_EQ(decode_sent_session_key({2, 1}, "8 octets")->algorithm, SessionAlgorithm::kDes);
  EXPECT_EQ(decode_sent_session_key({2, 1}, "9 octets.").error(), Errc::kMalformed);
}

}  // namespace
}  // namespace idnode::handle
