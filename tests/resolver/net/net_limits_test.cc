// The limits of the TCP listeners: each one bites and is counted (interfaces: table of limits).
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

#include "tests/resolver/net/net_node.h"
#include "tests/resolver/net/scripted_exchange.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;
using handle::ResponseCode;

class NetLimits : public ::testing::Test {
 protected:
  void SetUp() override { close_gates(); }
  static bool bites(const NetNode& node, Bite bite, std::uint64_t at_least = 1) {
    return node.totals_become([=](const ProbeTotals& t) { return t.of(bite) >= at_least; });
  }
  static bool alive(Client& client) { return client.ask(resolve("now/1")).has_value(); }
};

TEST_F(NetLimits, ConnectionsPerSource) {
  NetNode node([](Settings& s) { s.limits.connections_per_source = 2; });
  Client a = node.client(), b = node.client();
  EXPECT_TRUE(alive(a) && alive(b));
  Client c = node.client();
  EXPECT_TRUE(c.wait_closed(2s));
  EXPECT_TRUE(bites(node, Bite::kConnectionsPerSource));
  {
    Client gone = std::move(a);
  }
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.connections == 1; }));
  Client d = node.client();
  EXPECT_TRUE(alive(d));
}

TEST_F(NetLimits, TrustedSourcesCountOnlyInTheTotal) {
  NetNode node([](Settings& s) {
    s.limits.connections_per_source = 2;
    s.trusted = {*parse_network("127.0.0.1")};
  });
  Client a = node.client(), b = node.client(), c = node.client();
  EXPECT_TRUE(alive(a) && alive(b) && alive(c));
}

TEST_F(NetLimits, ConnectionsTheLongestIdleGoesFirst) {
  NetNode node([](Settings& s) { s.limits.connections = 3; });
  Client oldest = node.client();
  EXPECT_TRUE(alive(oldest));
  std::this_thread::sleep_for(20ms);
  Client middle = node.client();
  EXPECT_TRUE(alive(middle));
  std::this_thread::sleep_for(20ms);
  Client newest = node.client();
  EXPECT_TRUE(alive(newest));
  std::this_thread::sleep_for(600ms);  // the idle times are published every 100 ms
  Client another = node.client();
  EXPECT_TRUE(alive(another));
  EXPECT_TRUE(oldest.wait_closed(2s));
  EXPECT_TRUE(alive(middle) && alive(newest));
  EXPECT_TRUE(bites(node, Bite::kConnectionsPressure));
}

TEST_F(NetLimits, ConnectionsRefusedWhenNobodyIsIdle) {
  NetNode node([](Settings& s) { s.limits.connections = 2; });
  Client a = node.client(), b = node.client();
  ASSERT_TRUE(a.send(resolve("wait/a")));
  ASSERT_TRUE(b.send(resolve("wait/a")));
  ASSERT_TRUE(wait_begun(2));
  Client c = node.client();
  EXPECT_TRUE(c.wait_closed(2s));
  EXPECT_TRUE(bites(node, Bite::kConnections));
  open_gate("a");
  EXPECT_TRUE(a.receive() && b.receive());
}

TEST_F(NetLimits, DescriptorsStayInReserve) {
  NetNode node;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(0);
  ::close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next + kReservedDescriptors + 10);
  ::setrlimit(RLIMIT_NOFILE, &tight);
  std::vector<Client> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(node.client());
  EXPECT_TRUE(bites(node, Bite::kDescriptors));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(NetLimits, FirstMessage) {
  NetNode node([](Settings& s) { s.limits.first_message_seconds = 1; });
  Client silent = node.client();
  Client few = node.client();
  ASSERT_TRUE(few.send_octets("0123456789"));
  Client half = node.client();
  const std::string frame = *half.frame(resolve("now/1"));
  ASSERT_TRUE(half.send_octets(frame.substr(0, 50)));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(silent.wait_closed(3s));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 800ms);
  EXPECT_TRUE(few.wait_closed(3s));
  const auto reply = half.receive_any();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code(), ResponseCode::kProtocolError);
  EXPECT_TRUE(half.wait_closed(3s));
  EXPECT_TRUE(bites(node, Bite::kFirstMessageSeconds, 3));
}

TEST_F(NetLimits, AMessageHasItsTimeAbsolutely) {
  NetNode node([](Settings& s) { s.limits.message_seconds = 1; });
  Client client = node.client();
  EXPECT_TRUE(alive(client));
  const std::string frame = *client.frame(resolve("now/1"));
  // An octet now and then does not help.
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < frame.size() - 1 && std::chrono::steady_clock::now() - began < 1'500ms; ++i) {
    if (!client.send_octets(frame.substr(i, 1))) break;
    std::this_thread::sleep_for(30ms);
  }
  const auto reply = client.receive_any();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code(), ResponseCode::kProtocolError);
  EXPECT_TRUE(client.wait_closed(3s));
  EXPECT_TRUE(bites(node, Bite::kMessageSeconds));
}

TEST_F(NetLimits, Idle) {
  NetNode node([](Settings& s) { s.limits.idle_seconds = 2; });
  Client idle = node.client(), busy = node.client(), waiting = node.client();
  EXPECT_TRUE(alive(idle));
  ASSERT_TRUE(waiting.send(resolve("wait/long")));
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(alive(busy));
    std::this_thread::sleep_for(300ms);
  }
  EXPECT_TRUE(idle.wait_closed(2s));
  EXPECT_EQ(node.totals().of(Bite::kIdleSeconds), 1U);
  open_gate("long");
  EXPECT_TRUE(waiting.receive());
}

TEST_F(NetLimits, InFlight) {
  NetNode node([](Settings& s) { s.limits.in_flight = 4; });
  Client client = node.client();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.send(resolve("wait/x")));
  EXPECT_TRUE(bites(node, Bite::kInFlight));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(take_begun(), "wait/x wait/x wait/x wait/x ");
  open_gate("x");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(client.receive());
}

TEST_F(NetLimits, OutputStopsTheReading) {
  NetNode node([](Settings& s) { s.limits.output_bytes = 100'000; });
  Client client = node.client();
  const int small = 65'536;  // what the kernel buffers is far less than what is asked for
  ::setsockopt(client.native(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  std::string stream;
  constexpr int kCount = 120;
  for (int i = 0; i < kCount; ++i) stream += *client.frame(resolve("now/100000"));
  ASSERT_TRUE(client.send_octets(stream));
  EXPECT_TRUE(bites(node, Bite::kOutputBytes));
  std::this_thread::sleep_for(100ms);
  EXPECT_LT(exchanges_begun(), static_cast<std::uint64_t>(kCount));
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(client.receive_any()) << i;
}

TEST_F(NetLimits, WhoReadsNothingIsCut) {
  NetNode node([](Settings& s) { s.limits.output_stall_seconds = 1; });
  Client client = node.client();
  const int small = 4'096;
  ::setsockopt(client.native(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  std::string stream;
  for (int i = 0; i < 100; ++i) stream += *client.frame(resolve("now/200000"));
  ASSERT_TRUE(client.send_octets(stream));
  EXPECT_TRUE(bites(node, Bite::kOutputStallSeconds));
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.connections == 0; }));
}

TEST_F(NetLimits, MessageBytes) {
  NetNode node([](Settings& s) { s.limits.message_bytes = 1'024; });
  Client client = node.client();
  const std::string wanted(1'500, 'n');
  const auto reply = client.ask(resolve(wanted));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code(), ResponseCode::kProtocolError);
  EXPECT_TRUE(client.wait_closed(2s));
  EXPECT_TRUE(bites(node, Bite::kMessageBytes));
}

TEST_F(NetLimits, AFullPoolQueueIsAnsweredTooBusy) {
  NetNode node;
  constexpr int kClients = 165, kEach = 64;  // more than the 10,000 that may wait
  std::vector<Client> clients;
  std::string stream;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(node.client());
    stream.clear();
    for (int k = 0; k < kEach; ++k) stream += *clients.back().frame(resolve("wait/pool"));
    ASSERT_TRUE(clients.back().send_octets(stream));
  }
  ASSERT_TRUE(wait_begun(kClients * kEach));
  open_gate("pool");
  int served = 0, busy = 0;
  for (Client& client : clients) {
    for (int k = 0; k < kEach; ++k) {
      const auto reply = client.receive_any();
      ASSERT_TRUE(reply);
      served += reply->code() == ResponseCode::kSuccess;
      busy += reply->code() == ResponseCode::kTooBusy;
    }
  }
  EXPECT_EQ(served + busy, kClients * kEach);
  EXPECT_GE(busy, kClients * kEach - 10'000 - 8);
  EXPECT_LE(busy, kClients * kEach - 10'000);
  EXPECT_EQ(node.totals().of(Bite::kReadQueue), static_cast<std::uint64_t>(busy));
  EXPECT_EQ(node.totals().of(Transport::kTcp, 1, 3), static_cast<std::uint64_t>(busy));
}

TEST_F(NetLimits, MemoryFollowsTheOctetsThatArrived) {
  NetNode node;
  std::vector<Client> clients;
  const auto resident = [] {
    long pages = 0, all = 0;
    FILE* f = std::fopen("/proc/self/statm", "r");
    EXPECT_EQ(std::fscanf(f, "%ld %ld", &all, &pages), 2);
    std::fclose(f);
    return pages * 4'096;
  };
  const long before = resident();
  handle::Envelope envelope;
  envelope.length = 262'144;
  std::string head;
  handle::encode(envelope, head);
  for (int i = 0; i < 200; ++i) {
    clients.push_back(node.client());
    ASSERT_TRUE(clients.back().send_octets(head + std::string(100, 'x')));
  }
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.octets_in[1] >= 200 * 120; }));
  EXPECT_LT(resident() - before, 200L * 65'536) << "announced: " << 200L * 262'144;
}

}  // namespace
}  // namespace idnode::test
