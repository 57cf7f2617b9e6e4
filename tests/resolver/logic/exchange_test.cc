// What an exchange does around the decision: octets that are no request, signatures, lists, steps.
#include <gtest/gtest.h>

#include "protocol/crypto/key.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/message_auth.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

using handle::OpCode;

constexpr std::uint32_t kPublic = handle::flag::kClientDefault;
const Reference kAdmin{"88.101.5/ADM", 301};
constexpr std::string_view kSecret = "password";

// Answers kWouldBlock until it is asked to go to the disk.
class ColdStore final : public Store {
 public:
  explicit ColdStore(Store& below) : below_(below) {}
  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override {
    if (depth == Depth::kMemory) return std::unexpected(Errc::kWouldBlock);
    ++reads;
    return fails ? std::unexpected(Errc::kIo) : below_.get(key, image, depth);
  }
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override {
    return below_.scan(from, to);
  }
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override {
    return below_.apply_group(writes, sequence);
  }
  std::uint64_t applied() const override { return below_.applied(); }
  Result<void> flush() override { return below_.flush(); }
  std::uint64_t approximate_bytes() const override { return below_.approximate_bytes(); }

  mutable int reads = 0;
  bool fails = false;

 private:
  Store& below_;
};

struct ExchangeTest : testing::Test {
  Node node;
  ExchangeTest() {
    node.home("0.NA/88.101.5");
    node.put("88.101.5/A", {value(1, "URL", "http://a"), value(3, "PRICE", "7", "1100"),
                            admin_value(100, kAdmin, handle::kAllPermissions)});
    node.put("88.101.5/ADM", {value(301, "HS_SECKEY", std::string(kSecret), "1100")});
    node.put("0.NA/88.101.5", {admin_value(100, kAdmin, handle::kListHandles)});
  }
  std::vector<Reply> answer(const Reply& challenge, const Edit& edit = nullptr) {
    return node.send(answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret, edit));
  }
  std::vector<Reply> list(std::string_view name, std::uint32_t flags = kPublic) {
    return answer(node.ask(frame_of(OpCode::kListHandles, name, handle::NameBody{}, flags)));
  }
};

TEST_F(ExchangeTest, ResponsesAreDropped) {
  for (const std::uint32_t code : {1u, 77u, 100u}) {
    EXPECT_TRUE(node.send(resolve_frame("88.101.5/A", {}, kPublic,
                                        [code](handle::Request& r) { r.header.response_code = code; }))
                    .empty());
    EXPECT_EQ(node.exchange->record().code, 0u);
    EXPECT_FALSE(node.exchange->close());
  }
}

TEST_F(ExchangeTest, OctetsThatAreNoRequest) {
  const std::string good = resolve_frame("88.101.5/A");
  const auto ask = [&](std::string frame) {
    std::string sent = std::move(frame);
    std::string length;
    Writer(length).u32(static_cast<std::uint32_t>(sent.size() - handle::kEnvelopeSize));
    sent.replace(16, 4, length);
    return node.ask(sent);
  };
  for (std::size_t size = handle::kEnvelopeSize; size + 4 < good.size(); ++size) {
    const Reply reply = ask(good.substr(0, size));
    EXPECT_EQ(reply.code(), 4u) << size;
    EXPECT_EQ(reply.response.envelope.request_id, 7u);
    EXPECT_EQ(reply.response.header.opcode, size < handle::kEnvelopeSize + handle::kHeaderSize ? 0u : 1u);
    EXPECT_EQ(reply.response.header.flags, handle::flag::kRecursive);
    EXPECT_EQ(node.exchange->close(), size < handle::kEnvelopeSize + handle::kHeaderSize);
  }
  const auto with_opcode = [&](std::uint32_t opcode) {
    std::string frame = good;
    std::string octets;
    Writer(octets).u32(opcode);
    frame.replace(handle::kEnvelopeSize, 4, octets);
    return node.ask(frame);
  };
  for (const std::uint32_t opcode : {0u, 777u, 9999u, 0xffffffffu}) {
    EXPECT_EQ(with_opcode(opcode).code(), 4u);
    EXPECT_EQ(with_opcode(opcode).response.header.opcode, opcode);
    EXPECT_FALSE(node.exchange->close());
  }
  EXPECT_EQ(with_opcode(106).code(), 5u);
}

TEST_F(ExchangeTest, EncryptedWithoutASession) {
  const auto encrypted = [&](std::uint32_t session) {
    return node.ask(resolve_frame("88.101.5/A", {}, kPublic, [session](handle::Request& r) {
      r.envelope.encrypted = true;
      r.envelope.session_id = session;
    }));
  };
  EXPECT_EQ(encrypted(0).code(), 501u);
  EXPECT_EQ(encrypted(0x80000000).code(), 501u);
  EXPECT_EQ(encrypted(12345).code(), 500u);
  EXPECT_EQ(encrypted(12345).response.header.opcode, 0u);
  EXPECT_EQ(encrypted(12345).response.envelope.session_id, 12345u);
}

TEST_F(ExchangeTest, ReadyRefusals) {
  const std::string frame = resolve_frame("88.101.5/A");
  const handle::Envelope envelope = handle::decode_envelope(frame).value();
  std::string out;
  append_refusal(node.services, envelope, std::string_view(frame).substr(handle::kEnvelopeSize),
                 handle::ResponseCode::kTooBusy, "busy", node.now, out);
  append_protocol_error(node.services, envelope, {}, handle::ResponseCode::kProtocolError, "", node.now, out);
  const handle::Envelope first = handle::decode_envelope(out).value();
  const handle::Response busy =
      handle::decode_response(first, std::string_view(out).substr(20, first.length)).value();
  EXPECT_EQ(busy.header.response_code, 3u);
  EXPECT_EQ(busy.header.opcode, 1u);
  EXPECT_EQ(busy.envelope.request_id, 7u);
  const std::string_view rest = std::string_view(out).substr(20 + first.length);
  const handle::Response bad =
      handle::decode_response(handle::decode_envelope(rest).value(), rest.substr(20)).value();
  EXPECT_EQ(bad.header.response_code, 4u);
  EXPECT_EQ(bad.header.opcode, 0u);
}

// A read behind it on the connection must not overtake a change that waits for its records.
TEST_F(ExchangeTest, AColdChangeHoldsItsConnectionAndAColdReadDoesNot) {
  const Reply challenge = node.ask(resolve_frame("88.101.5/A", {{3}, {}}, handle::flag::kRecursive));
  const std::string answered = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  ColdStore cold(node.store);
  node.services.store = &cold;
  for (const auto& [frame, holds] :
       {std::pair{answered, true}, std::pair{resolve_frame("88.101.5/A"), false}}) {
    Exchange exchange(node.services);
    const Step step = exchange.start(handle::decode_envelope(frame).value(),
                                     std::string_view(frame).substr(20), node.source, node.now);
    EXPECT_EQ(step, Step::kReadPool);
    EXPECT_EQ(exchange.holds_connection(), holds);
  }
}

TEST_F(ExchangeTest, ColdRecordsAreReadOnThePool) {
  ColdStore cold(node.store);
  node.services.store = &cold;
  EXPECT_EQ(node.ask(resolve_frame("88.101.5/A")).code(), 1u);
  EXPECT_EQ(node.steps, std::vector{Step::kReadPool});
  EXPECT_EQ(cold.reads, 1);
  cold.fails = true;
  EXPECT_EQ(node.ask(resolve_frame("88.101.5/A")).code(), 2u);
}

TEST_F(ExchangeTest, GatheringIsBoundedInTime) {
  const Reply challenge = node.ask(resolve_frame("88.101.5/A", {{3}, {}}, handle::flag::kRecursive));
  const std::string frame = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  ColdStore cold(node.store);
  node.services.store = &cold;
  Exchange& exchange = *node.exchange;
  Step step = exchange.start(handle::decode_envelope(frame).value(), std::string_view(frame).substr(20),
                             node.source, node.now);
  ASSERT_EQ(step, Step::kReadPool);
  exchange.keep();
  exchange.work();
  node.now.steady_ms += 2'001;
  ASSERT_EQ(exchange.resume(node.now), Step::kDone) << "more is wanted, and the time is over";
  EXPECT_EQ(exchange.record().code, 3u);
}

TEST_F(ExchangeTest, SignedAnswers) {
  auto key =
      std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value());
  const auto ask = [&](std::uint8_t minor) {
    return node.ask(resolve_frame("88.101.5/A", {}, kPublic | handle::flag::kCertify,
                                  [minor](handle::Request& r) { r.envelope.suggested = {2, minor}; }));
  };
  const Reply unsigned_one = ask(11);
  EXPECT_EQ(unsigned_one.code(), 2u) << "no key: never unsigned";
  EXPECT_EQ(unsigned_one.response.values.count, 0u);
  EXPECT_FALSE(unsigned_one.response.credential.present);

  node.identity().key = key;
  for (const std::uint8_t minor : {11, 8, 7, 6, 3}) {
    const Reply reply = ask(minor);
    EXPECT_EQ(node.steps, std::vector{Step::kCryptoPool});
    const handle::Response& response = reply.response;
    ASSERT_EQ(response.header.response_code, 1u);
    ASSERT_TRUE(response.credential.present);
    EXPECT_EQ(response.credential.type, "HS_SIGNED");
    const handle::Coverage coverage{response.envelope.version, response.envelope.suggested,
                                    response.envelope.session_id, response.envelope.request_id,
                                    response.credential.counter};
    EXPECT_EQ(handle::verify_message(coverage, response.covered, key->public_key(),
                                     response.credential.algorithm, response.credential.signature),
              handle::AuthResult::kValid)
        << int{minor};
  }
}

TEST_F(ExchangeTest, ListOrderOfRefusals) {
  node.settings().compat.allow_list = false;
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "88.101.9")).code(), 5u);
  node.settings().compat.allow_list = true;
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "88.101.9")).code(), 301u);
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "88.101.5")).code(), 402u);
  node.put("0.NA/88.101.5", {admin_value(100, kAdmin, handle::kAllPermissions & ~handle::kListHandles)});
  EXPECT_EQ(list("88.101.5").at(0).code(), 400u);
  node.source.transport = Transport::kUdp;
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "88.101.5")).code(), 5u);
}

TEST_F(ExchangeTest, ListsInMessagesOfFifty) {
  node.remove("88.101.5/A");  // a tombstone is no name
  std::vector<std::string> expected = {"88.101.5/ADM"};
  const auto add = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string name = "88.101.5/n" + std::to_string(1000 + i);
      node.put(name, {value(1, "URL", "x")});
      expected.push_back(name);
    }
  };
  struct Case {
    int total;
    std::vector<std::size_t> messages;
  };
  int have = 1;
  for (const Case& each :
       {Case{1, {1}}, Case{50, {50}}, Case{51, {50, 1}}, Case{100, {50, 50}}, Case{120, {50, 50, 20}}}) {
    add(have, each.total);
    have = each.total;
    const std::vector<Reply> replies = list("88.101.5");
    ASSERT_EQ(replies.size(), each.messages.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      EXPECT_EQ(replies[i].code(), 1u);
      EXPECT_EQ(replies[i].response.header.opcode, 105u);
      EXPECT_EQ(replies[i].response.envelope.request_id, 8u);
      EXPECT_EQ(replies[i].has(handle::flag::kContinuous), i + 1 < replies.size());
      EXPECT_EQ(replies[i].names().size(), each.messages[i]);
      const std::vector<std::string> part = replies[i].names();
      names.insert(names.end(), part.begin(), part.end());
    }
    EXPECT_EQ(names, expected) << "original spelling";
  }
  node.settings().compat.list_stored_keys = true;
  EXPECT_EQ(list("88.101.5").at(0).names().at(1), "88.101.5/N1001");
}

TEST_F(ExchangeTest, EmptyListIsOneMessage) {
  node.home("0.NA/88.101.6");
  node.put("0.NA/88.101.6", {admin_value(100, kAdmin, handle::kListHandles)});
  const std::vector<Reply> replies = list("88.101.6");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].code(), 1u);
  EXPECT_TRUE(replies[0].names().empty());
  EXPECT_FALSE(replies[0].has(handle::flag::kContinuous));
}

TEST_F(ExchangeTest, EveryMessageOfAListIsSigned) {
  node.identity().key =
      std::make_shared<crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value());
  for (int i = 0; i < 60; ++i) node.put("88.101.5/S" + std::to_string(i), {});
  const std::vector<Reply> replies = list("88.101.5", kPublic | handle::flag::kCertify);
  ASSERT_EQ(replies.size(), 2u);
  for (const Reply& each : replies) EXPECT_TRUE(each.response.credential.present);
}

TEST_F(ExchangeTest, ListOfDerivedPrefixesAndOfHomedOnes) {
  node.settings().node.administrators = {kAdmin};
  node.home("0.NA/0.NA/88.101");
  node.put("0.NA/88.101.7", {});
  EXPECT_EQ(list("0.NA/0.NA/88.101").at(0).names(),
            (std::vector<std::string>{"0.NA/88.101.5", "0.NA/88.101.7"}));
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "0.NA/0.NA/88.102")).code(), 301u);
  const std::vector<Reply> homed = answer(node.ask(frame_of(OpCode::kListHomed, "/")));
  ASSERT_EQ(homed.size(), 1u);
  EXPECT_EQ(homed[0].names(), (std::vector<std::string>{"0.NA/0.NA/88.101", "0.NA/88.101.5"}));
  node.settings().node.administrators.clear();
  EXPECT_EQ(answer(node.ask(frame_of(OpCode::kListHomed, "/"))).at(0).code(), 400u);
}

TEST_F(ExchangeTest, VerdictOnSecretKeyProofs) {
  // The proof of an answer to a challenge, handed on by another server.
  const Reply challenge = node.ask(resolve_frame("88.101.5/A", {{3}, {}}, handle::flag::kRecursive));
  const std::string answered = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  const handle::Request request = handle::decode_request(handle::decode_envelope(answered).value(),
                                                         std::string_view(answered).substr(20), {})
                                      .value();
  handle::VerifyBody body;
  body.nonce = challenge.response.nonce;
  body.digest = challenge.response.request_digest.digest;
  body.proof = std::get<handle::ChallengeAnswerBody>(request.body).proof;
  const auto verify = [&](std::string_view name, std::uint32_t index) {
    body.index = index;
    const Reply reply = node.ask(frame_of(OpCode::kVerifyAnswer, name, body));
    return reply.code() == 1 ? int{reply.response.verified} : -static_cast<int>(reply.code());
  };
  EXPECT_EQ(verify("88.101.5/ADM", 301), 1);
  EXPECT_EQ(verify("88.101.5/ADM", 0), 1);
  EXPECT_EQ(verify("88.101.5/ADM", 300), 0);
  EXPECT_EQ(verify("88.101.5/NOBODY", 301), 0);
  EXPECT_EQ(verify("88.102/X", 301), -301);
  // Of many secrets only as many are tried as one stranger's message may cost.
  std::vector<Value> many;
  for (std::uint32_t i = 1; i <= 20; ++i) many.push_back(value(i, "HS_SECKEY", "another"));
  many.push_back(value(21, "HS_SECKEY", std::string(kSecret)));
  node.put("88.101.5/MANY", many);
  EXPECT_EQ(verify("88.101.5/MANY", 21), 1);
  EXPECT_EQ(verify("88.101.5/MANY", 0), 0);
  body.nonce = "0123456789abcdef";
  EXPECT_EQ(verify("88.101.5/ADM", 301), 0);
  body.proof = "";
  EXPECT_EQ(verify("88.101.5/ADM", 301), 0);
}

TEST_F(ExchangeTest, RecordOfAnExchange) {
  const Reply challenge = node.ask(resolve_frame("88.101.5/a", {{3}, {}}, handle::flag::kRecursive));
  EXPECT_EQ(node.exchange->record().code, 402u);
  EXPECT_EQ(node.exchange->record().opcode, 1u);
  answer(challenge);
  const ExchangeRecord& record = node.exchange->record();
  EXPECT_EQ(record.opcode, 200u);
  EXPECT_EQ(record.original_opcode, 1u);
  EXPECT_EQ(record.code, 1u);
  EXPECT_EQ(record.name, "88.101.5/a");
  EXPECT_EQ(record.identity_handle, kAdmin.handle);
  EXPECT_EQ(record.identity_index, kAdmin.index);
  EXPECT_EQ(record.suggested, handle::kOurVersion);
}

TEST_F(ExchangeTest, ProofHoldsTheConnection) {
  const Reply challenge = node.ask(resolve_frame("88.101.5/A", {{3}, {}}, handle::flag::kRecursive));
  EXPECT_FALSE(node.exchange->holds_connection());
  const std::string frame = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  Exchange& exchange = *node.exchange;
  ASSERT_EQ(exchange.start(handle::decode_envelope(frame).value(), std::string_view(frame).substr(20),
                           node.source, node.now),
            Step::kCryptoPool);
  EXPECT_TRUE(exchange.holds_connection());
  exchange.work();
  ASSERT_EQ(exchange.resume(node.now), Step::kDone);
  EXPECT_FALSE(exchange.holds_connection());
}

}  // namespace
}  // namespace idnode::logic_test
