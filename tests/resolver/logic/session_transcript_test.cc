// A session recorded between the reference client and the reference server, its requests played octet for
// octet against the real exchange.
#include <gtest/gtest.h>

#include <cstring>

#include "protocol/handle/message_auth.h"
#include "tests/protocol/vectors/loader.h"
#include "tests/resolver/logic/node.h"
#include "tests/resolver/logic/session_client.h"

namespace idnode::logic_test {
namespace {

using vectors::Object;

Object transcript() {
  for (const vectors::Vector& each : vectors::load(vectors::default_path())) {
    if (each.name == "transcript_dh_session") return each.fields;
  }
  return {};
}

struct Step {
  bool from_client = false;
  std::string frame;
};

std::vector<Step> steps_of(const Object& fields) {
  std::vector<Step> all;
  for (const auto& each : vectors::list(fields, "steps")) {
    const Object& o = each.as_object();
    all.push_back({vectors::text(o, "from") == "client", vectors::octets(o, "frame")});
  }
  return all;
}

// The node as the recorded one was.
class SessionTranscript : public testing::Test {
 protected:
  SessionTranscript() : fields_(transcript()), steps_(steps_of(fields_)) {
    node_.settings().node.administrators = {{"88.101.5/ADMIN", 300}};
    node_.settings().node.default_administrator = false;
    node_.home("0.NA/88.101.5");
    node_.put("88.101.5/ADMIN", {value(300, "HS_SECKEY", vectors::octets(fields_, "secret"), "1100")});
    node_.put("88.101.5/SN0001",
              {admin_value(100, {"88.101.5/ADMIN", 300}, 0xfff), value(1, "URL", "http://example.com/")});
    node_.put("88.101.5/SECRET",
              {admin_value(100, {"88.101.5/ADMIN", 300}, 0xfff), value(2, "PRICE", "42", "1100")});
    node_.session_key = vectors::octets(fields_, "session_key");
    node_.services.random = [this](char* to, std::size_t octets) {
      nonce_.resize(octets, 'r');
      std::memcpy(to, nonce_.data(), octets);
      return true;
    };
  }

  // The recorded session, with the key that was agreed on then.
  void open_recorded() {
    auto session = std::make_unique<Session>();
    session->id = static_cast<std::uint32_t>(vectors::number(fields_, "session_id"));
    session->connection = node_.source.connection;
    session->key = node_.session_key;
    session->identity = {"88.101.5/ADMIN", 300};
    session->idle_ms = 86'400'000;
    session->source = node_.source.peer.address;
    ASSERT_NE(node_.sessions->open(std::move(session), node_.now), nullptr);
  }

  handle::Response recorded(const Step& step, std::string& keep) const {
    keep = step.frame;
    handle::Envelope envelope = handle::decode_envelope(keep).value();
    if (envelope.encrypted) keep = session_client::decrypted(keep, node_.session_key);
    return handle::decode_response(envelope, std::string_view(keep).substr(handle::kEnvelopeSize)).value();
  }

  const Object fields_;
  const std::vector<Step> steps_;
  Node node_;
  std::string nonce_;
};

void expect_alike(const handle::Response& want, const handle::Response& got) {
  EXPECT_EQ(got.header.response_code, want.header.response_code);
  EXPECT_EQ(got.header.opcode, want.header.opcode);
  // The recorded server claimed authority whatever it said.
  EXPECT_EQ(got.header.flags | handle::flag::kAuthoritative, want.header.flags);
  EXPECT_EQ(got.envelope.session_id, want.envelope.session_id);
  EXPECT_EQ(got.envelope.request_id, want.envelope.request_id);
  EXPECT_EQ(got.envelope.encrypted, want.envelope.encrypted);
  EXPECT_EQ(got.credential.present, want.credential.present);
  EXPECT_EQ(got.credential.type, want.credential.type);
  EXPECT_EQ(got.nonce, want.nonce);
  EXPECT_EQ(got.request_digest, want.request_digest);
}

TEST_F(SessionTranscript, TheSetUpGivesAKeyThatBothHave) {
  ASSERT_FALSE(steps_.empty());
  node_.identity().key =
      std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value());
  const std::string& frame = steps_.front().frame;
  const Reply answer = node_.ask(frame);
  ASSERT_EQ(answer.code(), 1u);
  std::string keep;
  const handle::Response want = recorded(steps_[1], keep);
  EXPECT_EQ(answer.response.header.flags, want.header.flags);
  EXPECT_EQ(answer.response.request_digest, want.request_digest);
  EXPECT_EQ(answer.response.mode, want.mode);
  EXPECT_GE(answer.response.envelope.session_id, 0x01000000u);
  EXPECT_LT(answer.response.envelope.session_id, 0x80000000u);

  const handle::Envelope& envelope = answer.response.envelope;
  EXPECT_EQ(answer.response.credential.type, "HS_SIGNED");
  EXPECT_EQ(
      handle::verify_message({envelope.version, envelope.suggested, envelope.session_id, envelope.request_id,
                              answer.response.credential.counter},
                             answer.response.covered, node_.identity().key->public_key(),
                             answer.response.credential.algorithm, answer.response.credential.signature),
      handle::AuthResult::kValid);

  const handle::Request asked =
      handle::decode_request(handle::decode_envelope(frame).value(),
                             std::string_view(frame).substr(handle::kEnvelopeSize), {})
          .value();
  const session_client::Offer offer{std::string(std::get<handle::SessionSetupBody>(asked.body).public_key),
                                    vectors::octets(fields_, "client_dh_private")};
  const auto session = session_client::accept(offer, answer.response);
  ASSERT_TRUE(session);
  const std::string end = frame_of(handle::OpCode::kSessionTerminate, "/");
  session_client::Session other = *session;
  other.key.back() = static_cast<char>(other.key.back() ^ 1);
  EXPECT_EQ(node_.ask(session_client::in_session(end, other, 1)).code(), 502u);
  EXPECT_EQ(node_.ask(session_client::in_session(end, *session, 1)).code(), 1u);
  EXPECT_EQ(node_.ask(session_client::in_session(end, *session, 2)).code(), 500u);
}

TEST_F(SessionTranscript, EveryRequestIsAnsweredAsItWasThen) {
  open_recorded();
  std::size_t played = 0, macs = 0, ciphertexts = 0;
  std::uint32_t counter = 0;
  for (std::size_t i = 2; i + 1 < steps_.size(); i += 2) {
    SCOPED_TRACE("step " + std::to_string(i));
    ASSERT_TRUE(steps_[i].from_client);
    std::string keep;
    const handle::Response want = recorded(steps_[i + 1], keep);
    if (!want.nonce.empty()) nonce_ = want.nonce;
    const Reply got = node_.ask(steps_[i].frame);
    ASSERT_NE(got.code(), 0u);
    expect_alike(want, got.response);
    EXPECT_EQ(got.indexes().size(), want.values.count);
    if (got.response.credential.present) {
      EXPECT_TRUE(session_client::has_mac(got.response, {0, node_.session_key, 0}));
      EXPECT_GT(got.response.credential.counter, counter) << "counters rise";
      counter = got.response.credential.counter;
      ++macs;
    }
    ciphertexts += got.response.envelope.encrypted;
    ++played;
  }
  EXPECT_EQ(node_.committed, 0);
  EXPECT_EQ(node_.sessions->counters().live, 0u) << "the last request ends it";
  std::printf("transcript_dh_session: %zu requests played, %zu MACs, %zu ciphertexts\n", played, macs,
              ciphertexts);
  EXPECT_EQ(played, 10u);
  EXPECT_EQ(ciphertexts, 2u);
}

}  // namespace
}  // namespace idnode::logic_test
