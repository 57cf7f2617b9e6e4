// The recorded malformed messages that arrive as one whole frame, on the fixture of their README. What only
// a socket can show (half-close, time-outs, fragments) belongs to the tests of the transports.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "protocol/crypto/key.h"
#include "protocol/handle/admin.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

namespace json = boost::json;

const Reference kAdmin{"88.101.5/ADMIN", 300};

void make_fixture(Node& node, const std::shared_ptr<const crypto::PrivateKey>& key) {
  node.identity().key = key;
  node.settings().idis.connection_sessions = false;
  node.settings().node.administrators = {kAdmin, {"88.101.5/ADMIN", 301}};
  const Value admin = admin_value(100, kAdmin, handle::kAllPermissions);
  const Value secret = value(300, "HS_SECKEY", "password", "1100");
  node.home("0.NA/88.101.5");
  node.put("88.101.5/SN0001", {admin, value(1, "URL", "http://x")});
  node.put("88.101.5/ADMIN", {admin, secret});
  node.put("88.101.5/SECRET", {admin, secret});
  node.put("0.NA/88.101.5", {admin});
}

std::uint32_t number(const json::object& object, const char* name) {
  return static_cast<std::uint32_t>(object.at(name).to_number<std::int64_t>());
}

TEST(MalformedFrames, AnsweredAsRequired) {
  std::ifstream file(IDNODE_SOURCE_DIR "/tests/golden/handle/wire-vectors.jsonl");
  const auto key =
      std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value());
  int checked = 0;
  for (std::string line; std::getline(file, line);) {
    const json::object vector = json::parse(line).as_object();
    if (vector.at("kind") != "malformed") continue;
    const json::object& fields = vector.at("fields").as_object();
    if (fields.at("transport") != "tcp") continue;
    const std::string frame = from_hex(std::string_view(vector.at("hex").as_string())).value();
    if (frame.size() < handle::kEnvelopeSize) continue;
    const handle::Envelope envelope = handle::decode_envelope(frame).value();
    if (envelope.length != frame.size() - handle::kEnvelopeSize) continue;
    ++checked;

    Node node;
    make_fixture(node, key);
    const std::vector<Reply> replies = node.send(frame);
    const std::string name(vector.at("name").as_string());
    const json::object& required = fields.at("required").as_object();
    ASSERT_EQ(replies.size(), required.at("reply").as_bool() ? 1u : 0u) << name;
    if (replies.empty()) continue;
    const handle::Response& response = replies[0].response;
    EXPECT_EQ(response.header.response_code, number(required, "response_code")) << name;
    EXPECT_EQ(response.envelope.request_id, number(required, "request_id")) << name;
    EXPECT_EQ(response.header.opcode, number(required, "op_code")) << name;
    EXPECT_FALSE(response.envelope.compressed || response.envelope.truncated) << name;
    if (const json::value& closes = required.at("close_connection"); closes.is_bool())
      EXPECT_EQ(node.exchange->close(), closes.as_bool()) << name;
  }
  EXPECT_EQ(checked, 102);
}

}  // namespace
}  // namespace idnode::logic_test
