// The real logic behind real sockets, four workers: resolution over both transports, challenges that are
// answered elsewhere, changes that every worker sees, order on one connection.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "protocol/handle/admin.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/session.h"
#include "tests/resolver/logic/session_client.h"
#include "tests/resolver/net/net_node.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;
using handle::OpCode;
using handle::ResponseCode;

constexpr std::string_view kPrefix = "0.NA/88.118";
constexpr std::string_view kSecret = "a secret of the tests";

Value text(std::uint32_t index, std::string type, std::string data,
           std::uint8_t permissions = kDefaultPermissions) {
  Value value;
  value.index = index;
  value.type = std::move(type);
  value.data = std::move(data);
  value.permissions = permissions;
  return value;
}

// A node that answers for 88.118; 300:0.NA/88.118 may do everything, by a secret key.
struct Node : NetNode {
  explicit Node(const std::function<void(Settings&)>& edit = {}) : NetNode(edit) {
    handle::Admin admin{.permissions = handle::kAllPermissions, .identity = {std::string(kPrefix), 300}};
    std::string data;
    handle::encode(admin, data);
    put(kPrefix, {text(100, "HS_ADMIN", data),
                  text(300, "HS_SECKEY", std::string(kSecret), kAdminRead | kAdminWrite)});
    home(kPrefix);
  }
};

ClientIdentity administrator() {
  return {.who = {std::string(kPrefix), 300}, .key = {}, .secret = std::string(kSecret)};
}

struct Body {
  std::string encoded;
  std::uint32_t count;
  explicit Body(const std::vector<Value>& values) : count(static_cast<std::uint32_t>(values.size())) {
    encode_all(values, encoded);
  }
  handle::ValuesBody view() const { return {.values = {.count = count, .encoded = encoded}}; }
};

handle::Request create(std::string_view name, const Body& body) {
  return make_request(OpCode::kCreate, name, body.view());
}

// The administrator's answer to a challenge; has a view into `proof`.
handle::Request answer_to(const ClientReply& challenge, std::string& proof) {
  const handle::Response& asked = challenge.response;
  proof = handle::answer_secret(
              {.nonce = asked.nonce,
               .digest = asked.request_digest.digest,
               .version = handle::challenge_version(asked.envelope.version, asked.envelope.suggested)},
              kSecret)
              .value();
  handle::Request answer =
      make_request(OpCode::kAnswerChallenge, kPrefix,
                   handle::ChallengeAnswerBody{.type = "HS_SECKEY", .index = 300, .proof = proof});
  answer.envelope.session_id = asked.envelope.session_id;
  return answer;
}

TEST(NetLogic, ResolvesOverBothTransports) {
  Node node([](Settings& s) { s.trusted = {*parse_network("127.0.0.1")}; });
  node.put("88.118/small", {text(1, "URL", "http://example.com/1"), text(2, "EMAIL", "a@example.com")});
  std::vector<Value> many;
  for (std::uint32_t i = 1; i <= 20; ++i)
    many.push_back(text(i, "DESC", std::string(10'000, static_cast<char>('a' + i))));
  node.put("88.118/large", many);
  for (const bool udp : {false, true}) {
    ClientOptions options;
    options.udp = udp;
    options.udp_waits = {3s, 3s, 3s};
    Client client = node.client(options);
    const auto small = client.ask(resolve("88.118/small"));
    ASSERT_TRUE(small) << name(small.error());
    EXPECT_EQ(small->code(), ResponseCode::kSuccess);
    EXPECT_EQ(to_values(small->response.values).size(), 2U);
    const auto large = client.ask(resolve("88.118/large"));
    ASSERT_TRUE(large) << name(large.error());
    EXPECT_EQ(to_values(large->response.values).size(), 20U);
    const auto absent = client.ask(resolve("88.118/absent"));
    ASSERT_TRUE(absent);
    EXPECT_EQ(absent->code(), ResponseCode::kHandleNotFound);
  }
}

TEST(NetLogic, AChallengeIsAnsweredOnAnotherConnection) {
  Node node;
  Client one = node.client();
  Client two = node.client();
  const Body body({text(1, "URL", "http://example.com/2")});
  const handle::Request wanted = create("88.118/made", body);
  const auto challenge = one.ask(wanted);
  ASSERT_TRUE(challenge);
  ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
  std::string proof;
  handle::Request answer = answer_to(*challenge, proof);
  const auto sent = two.send(answer);
  ASSERT_TRUE(sent);
  const auto done = two.receive_any();
  ASSERT_TRUE(done) << name(done.error());
  EXPECT_EQ(done->code(), ResponseCode::kSuccess) << done->response.text;
  EXPECT_EQ(one.ask(resolve("88.118/made"))->code(), ResponseCode::kSuccess);
}

// BEHAVIOUR.md §8.3 rule 4: the challenge is used up, and the client whose answer got lost still hears it.
TEST(NetLogic, ARepeatedAnswerToAChallengeOverUdpIsAnsweredTheSame) {
  Node node([](Settings& s) { s.listen.udp_admin = true; });
  Client client = node.udp();
  const Body body({text(1, "URL", "http://example.com/udp")});
  const auto challenge = client.ask(create("88.118/udp", body));
  ASSERT_TRUE(challenge);
  ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
  std::string proof;
  handle::Request answer = answer_to(*challenge, proof);
  answer.envelope.request_id = 4'711;
  const std::string frame = *client.frame(answer);
  std::string first;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send_octets(frame));
    const auto reply = client.receive_any();
    ASSERT_TRUE(reply) << name(reply.error());
    EXPECT_EQ(reply->code(), ResponseCode::kSuccess) << reply->response.text;
    if (i == 0) first = *reply->octets;
    EXPECT_EQ(*reply->octets, first);
  }
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.datagrams_repeated == 2; }));
  // Another request, or somebody else: the challenge is used up.
  answer.envelope.request_id = 4'715;
  ASSERT_TRUE(client.send_octets(*client.frame(answer)));
  const auto other_id = client.receive_any();
  ASSERT_TRUE(other_id);
  EXPECT_EQ(other_id->code(), ResponseCode::kAuthenticationTimeout);
  Client stranger = node.udp();
  ASSERT_TRUE(stranger.send_octets(frame));
  const auto elsewhere = stranger.receive_any();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->code(), ResponseCode::kAuthenticationTimeout);
}

// The room for that is bounded: who repeats after it was needed by others is told the truth of the moment.
TEST(NetLogic, AnswersThatAreSentAgainAreBounded) {
  Node node([](Settings& s) {
    s.listen.udp_admin = true;
    s.limits.udp_sent_answer_bytes = 4'096;
    s.node.workers = 1;
  });
  Client client = node.udp();
  std::string first;
  for (std::uint32_t i = 0; i < 20; ++i) {
    const Body body({text(1, "URL", "http://example.com/" + std::to_string(i))});
    const auto challenge = client.ask(create("88.118/many" + std::to_string(i), body));
    ASSERT_TRUE(challenge);
    ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
    std::string proof;
    const std::string frame = *client.frame(answer_to(*challenge, proof));
    if (i == 0) first = frame;
    ASSERT_TRUE(client.send_octets(frame));
    const auto reply = client.receive_any();
    ASSERT_TRUE(reply) << name(reply.error());
    EXPECT_EQ(reply->code(), ResponseCode::kSuccess) << reply->response.text;
  }
  EXPECT_TRUE(node.totals_become(
      [](const ProbeTotals& t) { return t.bites[static_cast<std::size_t>(Bite::kUdpSentAnswers)] > 0; }));
  ASSERT_TRUE(client.send_octets(first));
  const auto late = client.receive_any();
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code(), ResponseCode::kAuthenticationTimeout);
}

// The same when nobody can see from the datagram that it answers a challenge.
TEST(NetLogic, ARepeatedAnswerThatIsEncryptedIsAnsweredTheSame) {
  Node node([](Settings& s) { s.listen.udp_admin = true; });
  Client client = node.udp();
  const session_client::Offer offer = session_client::make_offer(session_client::oakley_prime(), "\x02");
  const auto opened = client.ask(make_request(
      OpCode::kSessionSetup, {},
      handle::SessionSetupBody{.mode = static_cast<std::uint16_t>(handle::SessionMode::kDiffieHellman),
                               .public_key = offer.public_key}));
  ASSERT_TRUE(opened) << name(opened.error());
  const auto session = session_client::accept(offer, opened->response);
  ASSERT_TRUE(session);
  const Body body({text(1, "URL", "http://example.com/encrypted")});
  const std::string wanted = *client.frame(create("88.118/encrypted", body));
  ASSERT_TRUE(client.send_octets(
      session_client::encrypted(session_client::in_session(wanted, *session, 1), *session)));
  const auto challenge = client.receive_any();
  ASSERT_TRUE(challenge) << name(challenge.error());
  ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
  std::string proof;
  const std::string answer = *client.frame(answer_to(*challenge, proof));
  const std::string datagram =
      session_client::encrypted(session_client::in_session(answer, *session, 2), *session);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send_octets(datagram));
    const auto reply = client.receive_any();
    ASSERT_TRUE(reply) << name(reply.error());
    EXPECT_EQ(reply->code(), ResponseCode::kSuccess) << reply->response.text;
  }
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.datagrams_repeated == 2; }));
}

// In a session that has proven its identity each counter counts once, and yet a client whose answer got lost
// hears it: the same octets from the same peer are a repeat, everything else is refused (BEHAVIOUR.md §8.11).
TEST(NetLogic, ARepeatedRequestOfASessionIsAnsweredTheSame) {
  Node node([](Settings& s) { s.listen.udp_admin = true; });
  Client client = node.udp();
  const session_client::Offer offer = session_client::make_offer(session_client::oakley_prime(), "\x02");
  const auto opened = client.ask(make_request(
      OpCode::kSessionSetup, kPrefix,
      handle::SessionSetupBody{.mode = static_cast<std::uint16_t>(handle::SessionMode::kDiffieHellman),
                               .index = 300,
                               .public_key = offer.public_key}));
  ASSERT_TRUE(opened) << name(opened.error());
  const auto session = session_client::accept(offer, opened->response);
  ASSERT_TRUE(session);
  std::uint32_t counter = 0, request_id = 1'000;
  const auto made = [&](handle::Request request) {
    request.envelope.request_id = ++request_id;
    return session_client::in_session(*client.frame(request), *session, ++counter);
  };
  const auto answered = [](Client& who, const std::string& frame) {
    EXPECT_TRUE(who.send_octets(frame));
    auto reply = who.receive_any();
    EXPECT_TRUE(reply) << name(reply.error());
    return reply;
  };
  const Body first({text(1, "URL", "http://example.com/1")}),
      second({text(1, "URL", "http://example.com/2")});
  const auto challenge = answered(client, made(create("88.118/session1", first)));
  ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
  std::string proof;
  ASSERT_EQ(answered(client, made(answer_to(*challenge, proof)))->code(), ResponseCode::kSuccess);

  const std::string frame = made(create("88.118/session2", second));
  const auto reply = answered(client, frame);
  ASSERT_EQ(reply->code(), ResponseCode::kSuccess) << reply->response.text;
  const std::string octets(*reply->octets);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*answered(client, frame)->octets, octets);
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.datagrams_repeated == 2; }));
  // Somebody else with a copy, and the counter under another request.
  Client stranger = node.udp();
  EXPECT_EQ(answered(stranger, frame)->code(), ResponseCode::kSessionMessageRejected);
  --counter;
  EXPECT_EQ(answered(client, made(create("88.118/session3", second)))->code(),
            ResponseCode::kSessionMessageRejected);
}

TEST(NetLogic, WhatOneWorkerChangedAllSeeBeforeTheAnswer) {
  Node node;
  std::vector<Client> readers;
  for (unsigned i = 0; i < 2 * kWorkers; ++i) readers.push_back(node.client());
  Client writer = node.client();
  const ClientIdentity admin = administrator();
  int unseen = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string wanted = "88.118/seen" + std::to_string(i);
    const Body body({text(1, "URL", "u")});
    const auto made = writer.ask(create(wanted, body), &admin);
    ASSERT_TRUE(made) << name(made.error());
    ASSERT_EQ(made->code(), ResponseCode::kSuccess) << made->response.text;
    for (Client& reader : readers) unseen += reader.ask(resolve(wanted))->code() != ResponseCode::kSuccess;
  }
  EXPECT_EQ(unseen, 0);
}

TEST(NetLogic, CreateAndResolvePipelinedSeeEachOther) {
  Node node;
  Client client = node.client();
  for (int i = 0; i < 20; ++i) {
    const std::string wanted = "88.118/pipe" + std::to_string(i);
    const Body body({text(1, "URL", "u")});
    const auto challenge = client.ask(create(wanted, body));
    ASSERT_TRUE(challenge);
    ASSERT_EQ(challenge->code(), ResponseCode::kAuthenticationNeeded);
    const handle::Response& asked = challenge->response;
    const auto proof = handle::answer_secret(
        {.nonce = asked.nonce,
         .digest = asked.request_digest.digest,
         .version = handle::challenge_version(asked.envelope.version, asked.envelope.suggested)},
        kSecret);
    handle::Request answer =
        make_request(OpCode::kAnswerChallenge, kPrefix,
                     handle::ChallengeAnswerBody{.type = "HS_SECKEY", .index = 300, .proof = *proof});
    answer.envelope.session_id = asked.envelope.session_id;
    const std::string both = *client.frame(answer) + *client.frame(resolve(wanted));
    ASSERT_TRUE(client.send_octets(both));
    const auto made = client.receive_any();
    ASSERT_TRUE(made);
    EXPECT_EQ(made->code(), ResponseCode::kSuccess) << made->response.text;
    const auto found = client.receive_any();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->code(), ResponseCode::kSuccess);
  }
}

TEST(NetLogic, ManyWritersOneWins) {
  Node node;
  const ClientIdentity admin = administrator();
  constexpr int kWriters = 6, kNames = 10;
  std::atomic<int> made{0}, there{0}, other{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&] {
      Client client = node.client();
      const Body body({text(1, "URL", "u")});
      for (int i = 0; i < kNames; ++i) {
        const std::string wanted = "88.118/race" + std::to_string(i);
        const auto reply = client.ask(create(wanted, body), &admin);
        if (reply && reply->code() == ResponseCode::kSuccess) {
          made.fetch_add(1);
        } else if (reply && reply->code() == ResponseCode::kHandleExists) {
          there.fetch_add(1);
        } else {
          other.fetch_add(1);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made.load(), kNames);
  EXPECT_EQ(there.load(), (kWriters - 1) * kNames);
  EXPECT_EQ(other.load(), 0);
}

// How 32 wrong proofs of eight connections at once are answered: by code.
std::map<std::uint32_t, int> wrong_proofs(Node& node) {
  std::mutex lock;
  std::map<std::uint32_t, int> codes;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      ClientIdentity wrong = administrator();
      wrong.secret = "another secret";
      Client client = node.client();
      const Body body({text(1, "URL", "http://example.com/wrong")});
      for (int i = 0; i < 4; ++i) {
        const auto answer = client.ask(create("88.118/wrong", body), &wrong);
        const std::lock_guard guard(lock);
        ++codes[answer ? static_cast<std::uint32_t>(answer->code()) : 0];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return codes;
}

// A PBKDF2 takes four milliseconds, a wrong one counts four times: at one per cent of a core two fit into
// what was saved up, and what would wait for more than two seconds is refused.
TEST(NetLogic, ProofsOverTheShareOfTheirSourceAreRefused) {
  Node node([](Settings& s) { s.limits.proof_cpu_source_percent = 1; });
  std::map<std::uint32_t, int> codes = wrong_proofs(node);
  EXPECT_GT(codes[3], 0);
  EXPECT_GT(codes[403], 0);
  EXPECT_EQ(codes[3] + codes[403], 32);
  EXPECT_GE(node.totals().of(Bite::kProofCpuSource), static_cast<std::uint64_t>(codes[3]));
  EXPECT_EQ(node.client().ask(resolve("88.118/wrong"))->code(), ResponseCode::kHandleNotFound);
}

TEST(NetLogic, WithoutAShareAllProofsAreLookedAt) {
  Node node([](Settings& s) { s.limits.proof_cpu_source_percent = 0; });
  std::map<std::uint32_t, int> codes = wrong_proofs(node);
  EXPECT_EQ(codes[403], 32);
  EXPECT_EQ(node.totals().of(Bite::kProofCpuSource), 0U);
}

}  // namespace
}  // namespace idnode::test
