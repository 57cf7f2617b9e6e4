// One TCP connection: framing at every octet, pipelining, order of answers, who waits for whom, closing.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "tests/resolver/net/net_node.h"
#include "tests/resolver/net/scripted_exchange.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;
using handle::ResponseCode;

class NetOrder : public ::testing::Test {
 protected:
  void SetUp() override { close_gates(); }
  // The names of the answers that come next.
  static std::string names(Client& client, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      const auto reply = client.receive();
      if (!reply) return all + "error " + std::string(name(reply.error()));
      all += std::string(reply->response.name) + " ";
    }
    return all;
  }
  static void send(Client& client, std::initializer_list<const char*> names_to_ask) {
    for (const char* each : names_to_ask) ASSERT_TRUE(client.send(resolve(each)));
  }
};

TEST_F(NetOrder, EveryStreamSplitAtEveryOctet) {
  NetNode node([](Settings& s) { s.trusted = {*parse_network("127.0.0.1")}; });
  Client maker = node.client();
  std::string stream;
  for (const char* each : {"now/3", "read/0", "now/700", "list/3", "now/0"})
    stream += *maker.frame(resolve(each));
  std::size_t splits = 0;
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    Client client = node.client();
    ASSERT_TRUE(client.send_octets(std::string_view(stream).substr(0, at)));
    // Long enough that the node has read the first part now and then; either way the answers are the same.
    if (at % 8 == 0) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(client.send_octets(std::string_view(stream).substr(at)));
    std::string got;
    for (int i = 0; i < 7; ++i) {
      const auto reply = client.receive_any();
      ASSERT_TRUE(reply) << "split at " << at << ": " << name(reply.error());
      got += std::string(reply->response.name) + " ";
    }
    ASSERT_EQ(got, "now/3 read/0 now/700 list/3 list/3 list/3 now/0 ") << "split at " << at;
    ++splits;
  }
  std::printf("tcp_splits=%zu different=0\n", splits);
}

TEST_F(NetOrder, OctetByOctet) {
  NetNode node;
  Client client = node.client();
  const std::string stream = *client.frame(resolve("now/3")) + *client.frame(resolve("hold/a"));
  open_gate("a");
  for (const char octet : stream) {
    ASSERT_TRUE(client.send_octets(std::string_view(&octet, 1)));
    std::this_thread::sleep_for(200us);
  }
  EXPECT_EQ(client.receive_any()->response.name, "now/3");
  EXPECT_EQ(client.receive_any()->response.name, "hold/a");
}

TEST_F(NetOrder, AnswersKeepTheOrderOfRequestsWhateverEndsFirst) {
  NetNode node;
  Client client = node.client();
  send(client, {"wait/slow", "now/1", "read/5", "now/2", "mute/x", "now/3"});
  ASSERT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.of(Transport::kTcp, 1, 1) >= 3; }));
  // The slow one is first in line: everything behind it was started, nothing was sent.
  EXPECT_EQ(take_begun(), "wait/slow now/1 read/5 now/2 mute/x now/3 ");
  open_gate("slow");
  EXPECT_EQ(names(client, 5), "wait/slow now/1 read/5 now/2 now/3 ");
}

TEST_F(NetOrder, RequestsWaitForOneThatHoldsTheConnection) {
  NetNode node;
  Client client = node.client();
  Client other = node.client();
  send(client, {"now/1", "hold/key", "now/2", "now/3"});
  send(other, {"now/4"});
  EXPECT_EQ(names(client, 1), "now/1 ");
  EXPECT_EQ(names(other, 1), "now/4 ");
  std::this_thread::sleep_for(50ms);
  const std::string begun = take_begun();
  EXPECT_EQ(begun.find("now/2"), std::string::npos) << begun;
  open_gate("key");
  EXPECT_EQ(names(client, 3), "hold/key now/2 now/3 ");
  EXPECT_EQ(take_begun(), "now/2 now/3 ");
}

// BEHAVIOUR §20.38: nothing comes between the parts.
TEST_F(NetOrder, AListBlocksWhatComesAfterIt) {
  NetNode node;
  Client client = node.client();
  send(client, {"wait/before", "list/4", "now/9"});
  ASSERT_TRUE(wait_begun(2));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(take_begun(), "wait/before list/4 ");
  open_gate("before");
  EXPECT_EQ(names(client, 6), "wait/before list/4 list/4 list/4 list/4 now/9 ");
}

TEST_F(NetOrder, ManyPipelinedOnManyConnections) {
  NetNode node;
  constexpr int kClients = 16, kEach = 500;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&] {
      Client client = node.client();
      std::string stream;
      for (int i = 0; i < kEach; ++i)
        stream += *client.frame(resolve(i % 50 == 7 ? "read/1" : "now/" + std::to_string(i)));
      std::thread writer([&] { ASSERT_TRUE(client.send_octets(stream)); });
      for (int i = 0; i < kEach; ++i) {
        const auto reply = client.receive_any();
        const std::string expected = i % 50 == 7 ? "read/1" : "now/" + std::to_string(i);
        if (reply && reply->response.name == expected) right.fetch_add(1);
      }
      writer.join();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right.load(), kClients * kEach);
  EXPECT_EQ(node.totals().of(Transport::kTcp, 1, 1), static_cast<std::uint64_t>(kClients * kEach));
}

TEST_F(NetOrder, HalfCloseIsAnsweredToTheEnd) {
  NetNode node;
  Client client = node.client();
  send(client, {"wait/late", "hold/later", "now/1"});
  client.half_close();
  std::this_thread::sleep_for(30ms);
  open_gate("late");
  open_gate("later");
  EXPECT_EQ(names(client, 3), "wait/late hold/later now/1 ");
  EXPECT_TRUE(client.wait_closed(2s));
}

// The socket tells once that it has something: more than one read takes, an urgent octet, and the end, all of
// it there before the node looks.
TEST_F(NetOrder, WhatOneReadLeavesIsReadOn) {
  NetNode node;
  constexpr int kEach = 3'000;
  Client client = node.client();
  std::string stream;
  for (int i = 0; i < kEach; ++i) stream += *client.frame(resolve("now/" + std::to_string(i)));
  ASSERT_GT(stream.size(), std::size_t{128} << 10);
  send(client, {"hold/first"});
  std::jthread writer([&] {
    ASSERT_TRUE(client.send_octets(stream));
    ASSERT_EQ(::send(client.native(), "!", 1, MSG_OOB), 1);
    ASSERT_TRUE(client.send_octets(stream));
    client.half_close();
  });
  std::this_thread::sleep_for(30ms);
  open_gate("first");
  for (int i = -1; i < 2 * kEach; ++i) {
    const auto reply = client.receive_any();
    ASSERT_TRUE(reply) << i << ": " << name(reply.error());
    ASSERT_EQ(reply->response.name, i < 0 ? "hold/first" : "now/" + std::to_string(i % kEach));
  }
  writer.join();
  EXPECT_TRUE(client.wait_closed(2s));
}

// One turn of the worker reads, answers and writes many connections: what happens to one is nothing to the
// others, and what does not fit into one turn is taken up in the next.
TEST_F(NetOrder, ManyReadyAtTheSameTime) {
  std::atomic<bool> held{false}, released{false};
  NetNode node([](Settings& s) { s.node.workers = 1; },
               [&](unsigned, const Source&, const ExchangeRecord& record, const Timing&) {
                 if (record.name != "now/1") return;
                 held = true;
                 while (!released) std::this_thread::sleep_for(1ms);
               });
  constexpr std::size_t kClients = 150, kKinds = 6, kEach = 300;
  std::vector<Client> clients;
  for (std::size_t i = 0; i <= kClients; ++i) {
    clients.push_back(node.client());
    ASSERT_TRUE(clients.back().ask(resolve("now/0")));
  }
  send(clients.back(), {"now/1"});
  while (!held) std::this_thread::sleep_for(1ms);
  const std::string whole = *clients[0].frame(resolve("now/5"));
  std::string many;  // four of these are more than the worker reads in one turn
  for (std::size_t i = 0; i < kEach; ++i) many += *clients[0].frame(resolve("now/" + std::to_string(i)));
  for (std::size_t i = 0; i < kClients; ++i) {
    Client& client = clients[i];
    switch (i % kKinds) {
      case 0: ASSERT_TRUE(client.send_octets(whole)); break;
      case 1: ASSERT_TRUE(client.send_octets(whole + whole.substr(0, whole.size() / 2))); break;
      case 2: ASSERT_TRUE(client.send_octets(many)); break;
      case 3: ASSERT_TRUE(client.send_octets(*client.frame(resolve("bye/x")) + whole)); break;
      case 4: ASSERT_TRUE(client.send_octets(whole + std::string(64, '\xff'))); break;
      default: ASSERT_TRUE(client.send_octets(whole)); client.half_close();
    }
  }
  released = true;
  EXPECT_EQ(names(clients.back(), 1), "now/1 ");
  for (std::size_t i = 0; i < kClients; ++i) {
    SCOPED_TRACE(i);
    Client& client = clients[i];
    if (i % kKinds == 2) {
      for (std::size_t k = 0; k < kEach; ++k) {
        const auto reply = client.receive_any();
        ASSERT_TRUE(reply) << k << ": " << name(reply.error());
        ASSERT_EQ(reply->response.name, "now/" + std::to_string(k));
      }
      continue;
    }
    const auto reply = client.receive_any();
    ASSERT_TRUE(reply) << name(reply.error());
    EXPECT_EQ(reply->response.name, i % kKinds == 3 ? "bye/x" : "now/5");
    switch (i % kKinds) {
      case 0: break;
      case 1:
        ASSERT_TRUE(client.send_octets(whole.substr(whole.size() / 2)));
        EXPECT_EQ(client.receive_any()->response.name, "now/5");
        break;
      case 4: EXPECT_EQ(client.receive_any()->code(), ResponseCode::kProtocolError); [[fallthrough]];
      default: EXPECT_TRUE(client.wait_closed(2s));
    }
  }
}

TEST_F(NetOrder, AnAnswerMayCloseAndWhatFollowsIsNotAnswered) {
  NetNode node;
  Client client = node.client();
  send(client, {"now/1", "bye/x", "now/2"});
  EXPECT_EQ(names(client, 2), "now/1 bye/x ");
  EXPECT_TRUE(client.wait_closed(2s));
}

struct BrokenFrame {
  const char* what;
  std::string octets;
  bool half_close;
  bool answered;
  std::uint32_t opcode;
};

std::string envelope_of(std::uint32_t length, bool truncated = false) {
  handle::Envelope envelope;
  envelope.request_id = 0x0a0b0c0d;
  envelope.length = length;
  envelope.truncated = truncated;
  std::string out;
  handle::encode(envelope, out);
  return out;
}

TEST_F(NetOrder, FramingThatIsLost) {
  NetNode node;
  Client maker = node.client();
  const std::string good = *maker.frame(resolve("now/1"));
  const std::vector<BrokenFrame> rows = {
      {"nothing, then the end", "", true, false, 0},
      {"ten octets, then the end", std::string(10, '\2'), true, false, 0},
      {"an envelope, then the end", envelope_of(55), true, true, 0},
      {"a message cut short", good.substr(0, good.size() - 10), true, true, 1},
      {"length 0", envelope_of(0), false, true, 0},
      {"length 23", envelope_of(23) + std::string(23, '\1'), false, true, 0},
      {"length 262145", envelope_of(262'145) + std::string(50, '\1'), false, true, 0},
      {"top bit", envelope_of(0x8000'0000), false, true, 0},
      {"64 times ff", std::string(64, '\xff'), false, true, 0},
      {"text", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, true, 0},
      {"giant with TC", envelope_of(262'130, true), false, true, 0},
  };
  for (const BrokenFrame& row : rows) {
    SCOPED_TRACE(row.what);
    Client client = node.client();
    // What came before is answered first.
    ASSERT_TRUE(client.send_octets(good + row.octets));
    if (row.half_close) client.half_close();
    EXPECT_EQ(client.receive_any()->response.name, "now/1");
    if (row.answered) {
      const auto reply = client.receive_any();
      ASSERT_TRUE(reply) << name(reply.error());
      EXPECT_EQ(reply->code(), ResponseCode::kProtocolError);
      EXPECT_EQ(reply->response.header.opcode, row.opcode);
    }
    EXPECT_TRUE(client.wait_closed(2s));
  }
  std::printf("tcp_framing=%zu\n", rows.size());
}

}  // namespace
}  // namespace idnode::test
