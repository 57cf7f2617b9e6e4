// The real node with its default limits while others misbehave in every way at once: foreign questions end in
// time, local ones do not notice, one source does not take everything, circles end, and what is created here
// is there at once.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "resolver/net/sockets.h"
#include "tests/resolver/net/scripted_peer.h"
#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;
using test::Canned;
using test::Offer;
using test::Piece;
using test::ScriptedPeer;
using test::Seen;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr Code kSuccess = 1;
constexpr Code kFailed = 2;
constexpr Code kTooBusy = 3;
constexpr Code kAbsent = 100;

std::int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
}

ConfigTables config_with(const std::string& upstream, const std::map<std::string, std::string>& limits) {
  ConfigTables tables = {{"upstream",
                          {{"servers", toml_list({upstream})},
                           {"clients", toml_list({"127.0.0.0/8"})},
                           {"allow", toml_list({"127.0.0.0/8"})}}},
                         {"limits", limits}};
  return tables;
}
const std::string kShare = "limit=\"upstream_in_flight_per_source\"";
const std::string kTrusted = toml_list({"127.0.0.0/8"});

void add_record(NodeProcess& node, const std::string& name, const std::vector<Value>& values) {
  Client client = node.connect();
  need(ask_values(client, node.administrator(), OpCode::kCreate, name, values), kSuccess, name);
}
void point(NodeProcess& node, const std::string& prefix, const Endpoint& to) {
  add_record(node, "0.NA/" + prefix, {test::site_value(1, test::site_at(to, Offer::kTcp))});
}

// A bound port; nobody listens.
Endpoint refusing(Descriptor& socket, int backlog = -1) {
  const Endpoint wanted = parse_endpoint("127.0.0.1:0").value();
  sockaddr_storage at{};
  const socklen_t size = to_sockaddr(wanted, at);
  socket = std::move(make_socket(wanted, SOCK_STREAM).value());
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      (backlog >= 0 && ::listen(socket.get(), backlog) != 0))
    fail("no port");
  return local_endpoint(socket.get());
}

std::vector<Piece> nothing(const Seen&) { return {}; }
std::string whole(const Seen& s) {
  Canned c;
  c.values = {test::text_value(1, "URL", s.name)};
  return test::frame_of(s, c);
}

// U1 and U2 at the default limits: deadline 5 s, tries of 2 s.
TEST(UpstreamTrouble, EveryModeAtOnce) {
  Descriptor closed, full;
  std::array<Descriptor, 4> fillers;
  const Endpoint blackhole = refusing(full, 0);
  sockaddr_storage at{};
  const socklen_t size = to_sockaddr(blackhole, at);
  for (Descriptor& filler : fillers) {
    filler = std::move(make_socket(blackhole, SOCK_STREAM).value());
    static_cast<void>(::connect(filler.get(), reinterpret_cast<sockaddr*>(&at), size));
  }
  ScriptedPeer resets([](const Seen&) { return std::vector<Piece>{{.octets = {}, .reset = true}}; });
  ScriptedPeer delays([](const Seen& s) { return std::vector<Piece>{{whole(s), 10'000}}; });
  ScriptedPeer drips([](const Seen& s) {
    std::vector<Piece> pieces;
    for (int i = 0; i < 20; ++i)
      pieces.push_back({whole(s).substr(static_cast<std::size_t>(i), 1), 1'000 * i});
    return pieces;
  });
  ScriptedPeer stops([](const Seen& s) { return std::vector<Piece>{{whole(s).substr(0, 20)}}; });
  ScriptedPeer lies([](const Seen& s) {
    Canned c;
    c.values = {test::text_value(1, "URL", "lie")};
    c.name = s.name + "x";
    return test::answer(s, c);
  });
  const std::vector<std::pair<const char*, Endpoint>> modes = {{"refused", refusing(closed)},
                                                               {"reset", resets.endpoint()},
                                                               {"blackhole", blackhole},
                                                               {"delay_10s", delays.endpoint()},
                                                               {"drip_1_octet_s", drips.endpoint()},
                                                               {"stops_after_envelope", stops.endpoint()},
                                                               {"lies", lies.endpoint()}};

  ScriptedPeer sound([](const Seen& s) { return std::vector<Piece>{{whole(s)}}; });
  NodeProcess node({"88.118"}, config_with(to_text(refusing(closed)), {{"trusted", kTrusted}}));
  node.start();
  add_record(node, "88.118/LOCAL", {text_value(1, "URL", "https://example.com/local")});
  for (std::size_t m = 0; m < modes.size(); ++m)
    point(node, "88.118." + std::to_string(m + 1), modes[m].second);
  point(node, "88.118.99", sound.endpoint());
  const double memory = node.metric("idnode_process_resident_bytes");

  std::atomic<bool> stop{false};
  std::uint64_t local = 0, wrong = 0;
  std::int64_t slowest_local = 0;
  std::thread asker([&] {
    Client client = node.connect();
    while (!stop.load()) {
      const auto start = Clock::now();
      if (resolve(client, "88.118/LOCAL").code != kSuccess) ++wrong;
      ++local;
      slowest_local = std::max(slowest_local, ms_since(start));
      pause(milliseconds(1));
    }
  });
  constexpr int kQuestions = 30;  // a mode
  std::vector<Client> clients;
  for (std::size_t m = 0; m < modes.size(); ++m) clients.push_back(node.connect());
  const auto start = Clock::now();
  for (std::size_t m = 0; m < modes.size(); ++m) {
    for (int i = 0; i < kQuestions; ++i) {
      const std::string name = "88.118." + std::to_string(m + 1) + "/" + std::to_string(i);
      ASSERT_TRUE(clients[m].send(make_request(OpCode::kResolve, name)));
    }
  }
  // Meanwhile whoever works is answered for, as if nothing were.
  Client other = node.connect();
  EXPECT_EQ(resolve(other, "88.118.99/fine").code, kSuccess);
  for (std::size_t m = 0; m < modes.size(); ++m) {
    int failed = 0;
    for (int i = 0; i < kQuestions; ++i) {
      if (code_of(clients[m].receive()) == kFailed) ++failed;
    }
    EXPECT_EQ(failed, kQuestions) << modes[m].first;
    std::printf("upstream: U1-U2 node mode=%s failed=%d/%d within_ms=%lld deadline_ms=5000\n", modes[m].first,
                failed, kQuestions, static_cast<long long>(ms_since(start)));
  }
  EXPECT_LE(ms_since(start), 9'500);
  stop = true;
  asker.join();
  const double growth = node.metric("idnode_process_resident_bytes") - memory;
  const double open = node.metric("idnode_upstream_servers_open");
  EXPECT_EQ(open, static_cast<double>(modes.size()));
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(local, 100U);
  EXPECT_LT(growth, 48e6);
  EXPECT_GE(node.metric("idnode_upstream_dropped_total", {"reason=\"name\""}), 5);
  EXPECT_EQ(node.metric("idnode_cache_entries"), 1);
  EXPECT_EQ(node.metric("idnode_limit_refused_total", {kShare}), 0) << "trusted sources have no share";
  EXPECT_EQ(node.metric("idnode_upstream_in_flight"), 0);
  std::printf(
      "upstream: U1-U2 node local_answers=%llu wrong=%llu slowest_ms=%lld breakers_open=%.0f "
      "memory_growth_kib=%.0f\n",
      static_cast<unsigned long long>(local), static_cast<unsigned long long>(wrong),
      static_cast<long long>(slowest_local), open, growth / 1024);
  EXPECT_EQ(node.stop(), 0) << node.said();
}

// A source that is not trusted may begin upstream_in_flight_per_source questions, and no more.
TEST(UpstreamTrouble, OneSourceDoesNotTakeAll) {
  ScriptedPeer national(nothing);
  NodeProcess node({"88.118"}, config_with(to_text(national.endpoint()), {{"upstream_try_ms", "1500"},
                                                                          {"upstream_deadline_ms", "3000"},
                                                                          {"upstream_failures", "1000"}}));
  node.start();
  std::vector<Client> clients;
  for (int c = 0; c < 2; ++c) {
    clients.push_back(node.connect());
    for (int i = 0; i < 50; ++i) {
      const std::string name = "99.7/" + std::to_string(100 * c + i);
      ASSERT_TRUE(clients.back().send(make_request(OpCode::kResolve, name)));
    }
  }
  int failed = 0, busy = 0;
  for (Client& client : clients) {
    for (int i = 0; i < 50; ++i) {
      const Code code = code_of(client.receive());
      if (code == kFailed) ++failed;
      if (code == kTooBusy) ++busy;
    }
  }
  const double counted = node.metric("idnode_limit_refused_total", {kShare});
  EXPECT_EQ(failed + busy, 100);
  EXPECT_EQ(failed, 64);
  EXPECT_EQ(counted, busy);
  std::printf("upstream: share node trusted=0 questions=100 forwarded=%d refused=%d counted=%.0f\n", failed,
              busy, counted);
  EXPECT_EQ(node.stop(), 0) << node.said();
}

// U5: two nodes that each take the other for the national one.
TEST(UpstreamTrouble, TwoNodesInARing) {
  Descriptor reserved;
  const Endpoint second_at = refusing(reserved);
  ConfigTables config = config_with(to_text(second_at), {{"trusted", kTrusted}});
  config["upstream"]["mode"] = "\"forward\"";
  NodeProcess first({"88.118"}, config);
  first.start();
  config["upstream"]["servers"] = toml_list({to_text(first.endpoint())});
  config["listen"]["handle"] = toml_list({to_text(second_at)});
  NodeProcess second({"88.119"}, config);
  reserved.reset();
  second.start();
  Client client = first.connect();
  const auto start = Clock::now();
  const Code code = resolve(client, "99.1/nobody").code;
  const std::int64_t took = ms_since(start);
  const double messages =
      first.metric("idnode_upstream_messages_total") + second.metric("idnode_upstream_messages_total");
  EXPECT_EQ(code, 6U) << "the recursion count is too high";
  EXPECT_LE(messages, 20);
  EXPECT_GE(messages, 5) << "it did not go round";
  EXPECT_LE(took, 9'500);
  std::printf("upstream: U5 node loop=two_nodes code=%u messages=%.0f ms=%lld\n", code, messages,
              static_cast<long long>(took));
  EXPECT_EQ(second.stop(), 0) << second.said();
  EXPECT_EQ(first.stop(), 0) << first.said();
}

// U8: those who began a question and went away do not take the others' answer with them.
TEST(UpstreamTrouble, WhoLeavesDoesNotCancelOthers) {
  ScriptedPeer enterprise([&](const Seen& s) { return std::vector<Piece>{{whole(s), 2'500}}; });
  NodeProcess node(
      {"88.118"},
      config_with(to_text(enterprise.endpoint()),
                  {{"trusted", kTrusted}, {"upstream_try_ms", "30000"}, {"upstream_deadline_ms", "50000"}}));
  node.start();
  point(node, "88.118.7", enterprise.endpoint());
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(node.connect());
  ASSERT_TRUE(clients[0].send(make_request(OpCode::kResolve, "88.118.7/hot")));
  wait_until([&] { return enterprise.count() == 1; }, milliseconds(10'000), "the question goes out");
  for (std::size_t i = 1; i < clients.size(); ++i)
    ASSERT_TRUE(clients[i].send(make_request(OpCode::kResolve, "88.118.7/hot")));
  wait_until([&] { return node.metric("idnode_upstream_waiting") >= 100; }, milliseconds(10'000), "all wait");
  clients.erase(clients.begin(), clients.begin() + 40);  // the one that began it is the first to go
  int good = 0;
  for (Client& c : clients) {
    const Answer answer = to_answer(c.receive());
    if (answer.code == kSuccess && answer.values.at(0).data == "88.118.7/hot") ++good;
  }
  EXPECT_EQ(good, 60);
  EXPECT_EQ(enterprise.count(), 1U);
  EXPECT_EQ(node.metric("idnode_upstream_waiting"), 0);
  std::printf("upstream: U8 node waiting=100 left=40 answered=%d/60 queries=%zu\n", good, enterprise.count());
  EXPECT_EQ(node.stop(), 0) << node.said();
}

// U9 and U11: absence that others told is forgotten when the prefix comes home, and local data is never
// stale, whatever upstream does and however long stale answers may be given.
TEST(UpstreamTrouble, LocalDataIsNeverStale) {
  ScriptedPeer enterprise([](const Seen& s) {
    Canned c;
    c.code = handle::ResponseCode::kHandleNotFound;
    return test::answer(s, c);
  });
  Descriptor closed;
  NodeProcess node({"88.118"}, config_with(to_text(refusing(closed)), {{"trusted", kTrusted},
                                                                       {"cache_stale_seconds", "86400"},
                                                                       {"cache_negative_seconds", "3600"}}));
  node.start();
  constexpr int kPrefixes = 12;
  Client asking = node.connect(), changing = node.connect();
  int late = 0, changes = 0;
  for (int i = 0; i < kPrefixes; ++i) {
    const std::string prefix = "88.118." + std::to_string(100 + i), name = prefix + "/x";
    point(node, prefix, enterprise.endpoint());
    for (int again = 0; again < 3; ++again) EXPECT_EQ(resolve(asking, name).code, kAbsent);
    EXPECT_EQ(enterprise.count(name), 1U) << "kept";
    need(ask_name(changing, node.administrator(), OpCode::kHomePrefix, "0.NA/" + prefix), kSuccess, "home");
    need(ask_values(changing, node.administrator(), OpCode::kCreate, name, {text_value(1, "URL", "v0")}),
         kSuccess, name);
    for (int version = 0; version < 5; ++version) {
      const std::string expected = "v" + std::to_string(version);
      if (version > 0)
        need(ask_values(changing, node.administrator(), OpCode::kModifyValues, name,
                        {text_value(1, "URL", expected)}),
             kSuccess, name);
      ++changes;
      const Answer answer = resolve(asking, name);
      if (answer.code != kSuccess || answer.values.at(0).data != expected) ++late;
    }
    EXPECT_EQ(enterprise.count(name), 1U) << "ours now";
  }
  EXPECT_EQ(late, 0);
  std::printf("upstream: U9-U11 node prefixes=%d changes=%d stale=%d upstream_questions_each=1\n", kPrefixes,
              changes, late);
  EXPECT_EQ(node.stop(), 0) << node.said();
}

}  // namespace
}  // namespace idnode
