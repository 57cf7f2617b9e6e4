// Starting, stopping, listening, dealing; two nodes in one process.
#include <gtest/gtest.h>

#include <array>
#include <future>
#include <thread>

#include "tests/resolver/net/net_node.h"
#include "tests/resolver/net/scripted_exchange.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;
using handle::ResponseCode;

class HandleServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { close_gates(); }
};

TEST_F(HandleServiceTest, TwoNodesBothFamiliesBothTransports) {
  const auto both = [](Settings& s) {
    s.listen.handle = {*parse_endpoint("127.0.0.1:0"), *parse_endpoint("[::1]:0")};
    s.trusted = {*parse_network("127.0.0.1"), *parse_network("::1")};
  };
  NetNode one(both), two(both);
  int answered = 0;
  for (const NetNode* node : {&one, &two}) {
    for (std::size_t listener = 0; listener < 2; ++listener) {
      for (const bool udp : {false, true}) {
        ClientOptions options;
        options.udp = udp;
        auto client = Client::open(node->endpoint(listener), options);
        ASSERT_TRUE(client);
        const auto reply = client->ask(resolve("now/10"));
        ASSERT_TRUE(reply) << name(reply.error());
        answered += reply->code() == ResponseCode::kSuccess;
      }
    }
    EXPECT_EQ(node->totals().of(Transport::kUdp, 1, 1), 2U);
    EXPECT_EQ(node->totals().of(Transport::kTcp, 1, 1), 2U);
  }
  EXPECT_EQ(answered, 8);
  EXPECT_NE(one.endpoint().port, two.endpoint().port);
}

TEST_F(HandleServiceTest, AnAnswerLeavesFromTheAddressThatWasAsked) {
  NetNode node([](Settings& s) {
    s.listen.handle = {*parse_endpoint("0.0.0.0:0"), *parse_endpoint("[::]:0")};
    s.trusted = {*parse_network("127.0.0.0/8"), *parse_network("::1")};
  });
  ClientOptions options;
  options.udp = true;
  options.udp_waits = {2s};
  // The client's socket is connected: it takes datagrams from nowhere else.
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.3.4.5", "::1"}) {
    const bool v6 = std::string_view(address) == "::1";
    auto client =
        Client::open({.address = *parse_ip(address), .port = node.endpoint(v6 ? 1 : 0).port}, options);
    ASSERT_TRUE(client);
    for (const char* wanted : {"now/10", "read/1", "now/30000"})
      EXPECT_TRUE(client->ask(resolve(wanted))) << address << " " << wanted;
  }
}

TEST_F(HandleServiceTest, ABusyPortIsNamed) {
  NetNode node;
  for (const unsigned workers : {1U, 4U}) {
    const auto again = open_listeners({node.endpoint()}, workers);
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().find("127.0.0.1:" + std::to_string(node.endpoint().port)), std::string::npos);
    EXPECT_NE(again.error().find("TCP"), std::string::npos);
    EXPECT_NE(again.error().find("in use"), std::string::npos) << again.error();
  }
  const auto elsewhere = open_listeners({*parse_endpoint("192.0.2.1:0")}, 1);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().find("192.0.2.1"), std::string::npos) << elsewhere.error();
}

// What open_listeners says of a port that a datagram socket holds.
std::string said_of_a_busy_udp_port() {
  const auto taken = make_socket(*parse_endpoint("127.0.0.1:0"), SOCK_DGRAM);
  const int on = 1;
  ::setsockopt(taken->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(*parse_endpoint("127.0.0.1:0"), address);
  if (::bind(taken->get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
  const auto listeners = open_listeners({local_endpoint(taken->get())}, 4);
  return listeners ? "opened" : listeners.error();
}

TEST_F(HandleServiceTest, ABusyUdpPortIsNamedThoughItIsShareable) {
  // Another program may hold the same number over TCP, which is then named: another number.
  std::string said = said_of_a_busy_udp_port();
  for (int i = 0; i < 10 && said.find("(TCP)") != std::string::npos; ++i) said = said_of_a_busy_udp_port();
  EXPECT_NE(said.find("UDP"), std::string::npos) << said;
}

TEST_F(HandleServiceTest, ConnectionsGoToTheWorkerWithTheFewest) {
  std::array<std::atomic<int>, kWorkers> answers{};
  NetNode node({}, [&](unsigned worker, const Source&, const ExchangeRecord&, const Timing&) {
    answers[worker].fetch_add(1);
  });
  std::vector<Client> clients;
  for (unsigned i = 0; i < 4 * kWorkers; ++i) {
    clients.push_back(node.client());
    ASSERT_TRUE(clients.back().ask(resolve("now/1")));
  }
  for (const auto& each : answers) EXPECT_EQ(each.load(), 4);
}

TEST_F(HandleServiceTest, StopAnswersWhatRunsAndTakesNothingNew) {
  NetNode node;
  Client running = node.client();
  Client idle = node.client();
  ASSERT_TRUE(idle.ask(resolve("now/1")));
  ASSERT_TRUE(running.send(resolve("wait/end")));
  ASSERT_TRUE(running.send(resolve("now/2")));
  Client datagrams = node.udp();
  ASSERT_TRUE(datagrams.send_octets(*datagrams.frame(resolve("wait/end"))));
  ASSERT_TRUE(wait_begun(4));
  auto stopped = std::async(std::launch::async, [&] { return node.stop(10s); });
  EXPECT_TRUE(idle.wait_closed(2s));
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(Client::open(node.endpoint()));
  open_gate("end");
  EXPECT_EQ(running.receive()->response.name, "wait/end");
  EXPECT_EQ(running.receive()->response.name, "now/2");
  EXPECT_TRUE(datagrams.receive_any());
  EXPECT_TRUE(running.wait_closed(3s));
  EXPECT_TRUE(stopped.get());
}

TEST_F(HandleServiceTest, StopDoesNotWaitForEver) {
  NetNode node;
  Client client = node.client();
  ASSERT_TRUE(client.send(resolve("wait/never")));
  ASSERT_TRUE(wait_begun(1));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(node.stop(300ms));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  open_gate("never");
}

TEST_F(HandleServiceTest, DestructionWithWorkUnderWay) {
  std::vector<Client> clients;
  std::thread opener;
  {
    NetNode node;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(node.client());
      ASSERT_TRUE(clients.back().send(resolve(i % 2 == 0 ? "wait/soon" : "hold/soon")));
    }
    ASSERT_TRUE(wait_begun(20));
    opener = std::thread([] {
      std::this_thread::sleep_for(150ms);
      open_gate("soon");
    });
  }
  opener.join();
  for (Client& client : clients) EXPECT_TRUE(client.wait_closed(2s));
}

TEST_F(HandleServiceTest, ReloadReachesRequestsThatStartLater) {
  NetNode node;
  Client client = node.client();
  const std::string wanted(1'500, 'n');
  ASSERT_TRUE(client.ask(resolve(wanted)));
  auto settings = std::make_shared<Settings>();
  settings->limits.message_bytes = 1'024;
  node.service().reload(settings, std::make_shared<NodeIdentity>());
  std::this_thread::sleep_for(300ms);
  const auto reply = client.ask(resolve(wanted));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code(), ResponseCode::kProtocolError);
}

TEST_F(HandleServiceTest, TheAccessRecordTellsWhoAskedWhat) {
  std::mutex mutex;
  std::vector<std::string> lines;
  NetNode node({}, [&](unsigned, const Source& source, const ExchangeRecord& record, const Timing& timing) {
    const std::lock_guard lock(mutex);
    lines.push_back(to_text(source.peer.address) + " " + std::string(transport_name(source.transport)) + " " +
                    std::to_string(record.opcode) + " " + std::to_string(record.code) + " " +
                    std::string(record.name) + (timing.took.count() >= 20'000 ? " slow" : ""));
  });
  Client client = node.client();
  ASSERT_TRUE(client.ask(resolve("now/1")));
  ASSERT_TRUE(client.ask(resolve("read/25")));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(lines, (std::vector<std::string>{"127.0.0.1 tcp 1 1 now/1", "127.0.0.1 tcp 1 1 read/25 slow"}));
}

}  // namespace
}  // namespace idnode::test
