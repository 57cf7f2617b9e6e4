// Four workers and one state: what one connection did is there for all others, whichever worker serves them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;

constexpr int kConnections = 16;  // dealt to the workers, so that each has some
constexpr int kDatagramSockets = 8;

class Workers : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node_ = new NodeProcess({"88.118"}, {{"node", {{"workers", "4"}}}});
    node_->start();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(node_->stop(), 0) << node_->said();
    delete node_;
  }

  static std::vector<Client> connections() {
    std::vector<Client> all;
    for (int i = 0; i < kConnections; ++i) all.push_back(node_->connect());
    return all;
  }
  static const ClientIdentity& administrator() { return node_->administrator(); }

  static NodeProcess* node_;
};
NodeProcess* Workers::node_ = nullptr;

// The frame of a request, with an id of its own.
std::string frame_of(handle::Request request, std::uint32_t id) {
  request.envelope.request_id = id;
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

TEST_F(Workers, AnswerAChallengeOnAnotherConnection) {
  std::vector<Client> all = connections();
  for (int i = 0; i < kConnections; ++i) {
    const std::string name = "88.118/MOVED-" + std::to_string(i);
    const EncodedValues values({text_value(1, "TEXT", name)});
    const auto challenge =
        all[static_cast<std::size_t>(i)].ask(make_request(OpCode::kCreate, name, values.body()));
    ASSERT_EQ(code_of(challenge), 402U);
    const AnswerMade answer(*challenge, administrator());
    Client& other = all[static_cast<std::size_t>((i + 5) % kConnections)];
    // The digest is of the request that was challenged, which this connection never saw: octets, not ask().
    ASSERT_TRUE(other.send_octets(frame_of(answer.request, 7)));
    const auto reply = other.receive_any();
    EXPECT_EQ(code_of(reply), 1U);
    EXPECT_EQ(reply->response.header.opcode, static_cast<std::uint32_t>(OpCode::kCreate));
    EXPECT_EQ(reply->response.envelope.request_id, 7U);
    // Taken is taken, on whichever connection it comes again.
    ASSERT_TRUE(all[0].send_octets(frame_of(answer.request, 8)));
    EXPECT_EQ(code_of(all[0].receive_any()), 405U);
    for (Client& c : all) EXPECT_EQ(resolve(c, name).values.at(0).data, name);
  }
}

// Without recursion, so that the answer is about this node alone.
handle::Request question(const std::string& name) {
  return make_request(OpCode::kResolve, name, {}, handle::flag::kPublicOnly);
}

// The code of all, or the last other one.
Code code_of_all(std::vector<Client>& clients, const std::string& name, Code wanted) {
  for (Client& c : clients) EXPECT_TRUE(c.send(question(name)));
  Code other = wanted;
  for (Client& c : clients) {
    const Code code = code_of(c.receive());
    if (code != wanted) other = code;
  }
  return other;
}

Code code_of_datagrams(std::vector<Client>& clients, const std::string& name, Code wanted) {
  Code other = wanted;
  for (Client& c : clients) {
    const Code code = code_of(c.ask(question(name)));
    if (code != wanted) other = code;
  }
  return other;
}

TEST_F(Workers, ServeAPrefixBeforeItsHomingIsAnswered) {
  std::vector<Client> all = connections();
  std::vector<Client> datagrams;
  for (int i = 0; i < kDatagramSockets; ++i) datagrams.push_back(node_->connect({.udp = true}));
  constexpr int kPrefixes = 30;
  int wrong = 0;
  for (int i = 0; i < kPrefixes; ++i) {
    const std::string prefix = "88.118." + std::to_string(700 + i);
    const std::string name = prefix + "/X";
    Client& homing = all[static_cast<std::size_t>(i % kConnections)];
    ASSERT_EQ(code_of_all(all, name, 301), 301U);  // so that the difference can be seen at all
    ASSERT_EQ(ask_name(homing, administrator(), OpCode::kHomePrefix, "0.NA/" + prefix), 1U);
    if (code_of_all(all, name, 100) != 100U) ++wrong;
    if (code_of_datagrams(datagrams, name, 100) != 100U) ++wrong;
    ASSERT_EQ(ask_name(homing, administrator(), OpCode::kUnhomePrefix, "0.NA/" + prefix), 1U);
    if (code_of_all(all, name, 301) != 301U) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
  std::printf("homing: %d prefixes seen by %d connections and %d sockets after each answer, wrong=%d\n",
              kPrefixes, kConnections, kDatagramSockets, wrong);
}

// The proof of a change and a question about it leave in one write: the answer to the second shows the first.
TEST_F(Workers, SeePipelinedChangesInOrder) {
  std::vector<Client> all = connections();
  constexpr int kRounds = 60;
  for (int i = 0; i < kRounds; ++i) {
    Client& client = all[static_cast<std::size_t>(i % kConnections)];
    const std::string name = "88.118/PIPE-" + std::to_string(i);
    const EncodedValues values({text_value(1, "TEXT", name)});
    const auto change = [&](const handle::Request& request, Code before, Code after) {
      const auto challenge = client.ask(request);
      ASSERT_EQ(code_of(challenge), 402U);
      const AnswerMade answer(*challenge, administrator());
      ASSERT_TRUE(client.send_octets(frame_of(question(name), 1) + frame_of(answer.request, 2) +
                                     frame_of(question(name), 3)));
      const Code codes[] = {before, 1, after};
      for (std::uint32_t k = 0; k < 3; ++k) {
        const auto reply = client.receive_any();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->response.envelope.request_id, k + 1);
        EXPECT_EQ(code_of(reply), codes[k]) << name;
      }
    };
    change(make_request(OpCode::kCreate, name, values.body()), 100, 1);
    change(make_request(OpCode::kDelete, name), 1, 100);
  }
}

// Anybody may write these values, so fifty changes and fifty questions fit one write.
TEST_F(Workers, SeeALongPipelineInOrder) {
  Client client = node_->connect();
  const std::string name = "88.118/OPEN";
  constexpr std::uint8_t kOpen = kDefaultPermissions | kPublicWrite;
  ASSERT_EQ(ask_values(client, administrator(), OpCode::kCreate, name, {text_value(1, "TEXT", "0", kOpen)}),
            1U);
  constexpr int kChanges = 50;
  std::string octets;
  for (int i = 1; i <= kChanges; ++i) {
    const EncodedValues values({text_value(1, "TEXT", std::to_string(i), kOpen)});
    octets +=
        frame_of(make_request(OpCode::kModifyValues, name, values.body()), static_cast<std::uint32_t>(2 * i));
    octets += frame_of(make_request(OpCode::kResolve, name), static_cast<std::uint32_t>(2 * i + 1));
  }
  ASSERT_TRUE(client.send_octets(octets));
  for (int i = 1; i <= kChanges; ++i) {
    const auto changed = client.receive_any();
    ASSERT_EQ(code_of(changed), 1U) << i;
    ASSERT_EQ(changed->response.envelope.request_id, static_cast<std::uint32_t>(2 * i));
    const Answer seen = to_answer(client.receive_any());
    ASSERT_EQ(seen.code, 1U);
    EXPECT_EQ(seen.values.at(0).data, std::to_string(i));
  }
}

}  // namespace
}  // namespace idnode
