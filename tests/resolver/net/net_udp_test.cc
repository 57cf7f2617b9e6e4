// UDP: trains in every order, the table of WIRE.md §4.2, long answers, steering, and what it may cost.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "protocol/handle/fragment.h"
#include "tests/resolver/net/net_node.h"
#include "tests/resolver/net/scripted_exchange.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;
using handle::ResponseCode;

void trust_everybody(Settings& settings) { settings.trusted = {*parse_network("127.0.0.0/8")}; }

// A name whose exchange answers `octets`, made so long that its request takes `length` octets more.
std::string long_name(std::size_t length, int octets) {
  const std::string number = std::to_string(octets);
  return "now/" + std::string(length, '0') + number;
}

std::vector<std::string> train(const std::string& frame) {
  std::vector<std::string> datagrams(
      handle::fragments_of(static_cast<std::uint32_t>(frame.size() - handle::kEnvelopeSize)));
  for (std::uint32_t i = 0; i < datagrams.size(); ++i) handle::append_datagram(frame, i, true, datagrams[i]);
  return datagrams;
}

class NetUdp : public ::testing::Test {
 protected:
  void SetUp() override { close_gates(); }
  static bool answered(Client& client, std::uint32_t id) {
    const auto reply = client.receive_any();
    return reply && reply->response.envelope.request_id == id && reply->code() == ResponseCode::kSuccess;
  }
  static Client quick(const NetNode& node, std::chrono::milliseconds wait = 200ms) {
    ClientOptions options;
    options.udp = true;
    options.answer_wait = wait;
    return node.client(options);
  }
};

TEST_F(NetUdp, EveryTrainInEveryOrder) {
  NetNode node(trust_everybody);
  Client client = quick(node, 5s);
  std::uint32_t id = 100;
  int orders = 0;
  for (const std::size_t length : {500, 1'000, 1'500, 1'950}) {
    handle::Request request = resolve("");
    const std::string wanted = long_name(length, 5);
    request.name = wanted;
    request.envelope.request_id = 1;
    std::vector<std::size_t> order(train(*client.frame(request)).size());
    std::iota(order.begin(), order.end(), 0U);
    do {
      request.envelope.request_id = ++id;
      const auto datagrams = train(*client.frame(request));
      for (const std::size_t i : order) ASSERT_TRUE(client.send_octets(datagrams[i]));
      ASSERT_TRUE(answered(client, id)) << "train of " << order.size();
      ++orders;
    } while (std::ranges::next_permutation(order).found);
  }
  // Larger trains in random orders, some datagrams twice.
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> types(20 + static_cast<std::size_t>(round) * 3, std::string(200, 't'));
    std::string encoded;
    handle::encode_texts(types, encoded);
    handle::Request request = resolve("now/1");
    handle::ResolveBody body;
    body.types = {.count = static_cast<std::uint32_t>(types.size()),
                  .encoded = std::string_view(encoded).substr(4)};
    request.body = body;
    request.envelope.request_id = ++id;
    auto datagrams = train(*client.frame(request));
    const std::size_t last = random() % datagrams.size();
    for (int i = 0; i < 3; ++i)
      datagrams.push_back(datagrams[(last + 1 + random() % (datagrams.size() - 1)) % datagrams.size()]);
    std::ranges::shuffle(datagrams, random);
    for (const auto& each : datagrams) ASSERT_TRUE(client.send_octets(each));
    ASSERT_TRUE(answered(client, id)) << "train of " << datagrams.size();
    ++orders;
  }
  std::printf("udp_trains=%d different=0\n", orders);
}

struct Row {
  const char* what;
  std::vector<std::string> datagrams;
  std::uint32_t code;  // 0: no answer
};

std::string changed(std::string frame, std::size_t at, std::initializer_list<unsigned char> octets) {
  for (const unsigned char octet : octets) frame[at++] = static_cast<char>(octet);
  return frame;
}

TEST_F(NetUdp, TheTableOfReceivedDatagrams) {
  NetNode node(trust_everybody);
  Client maker = node.client();
  const std::string good = *maker.frame(resolve("now/1"));
  const std::string wanted = long_name(600, 1);
  const auto parts = train(*maker.frame(resolve(wanted)));
  ASSERT_EQ(parts.size(), 2U);
  const auto no_tc = [](std::string d) {
    d[2] = static_cast<char>(d[2] & 0x1f);
    return d;
  };
  const std::vector<Row> rows = {
      {"empty", {""}, 0},
      {"19 octets", {good.substr(0, 19)}, 0},
      {"whole", {good}, 1},
      {"TC set, whole", {changed(good, 2, {0x22})}, 1},
      {"sequence 7, whole", {changed(good, 12, {0, 0, 0, 7})}, 1},
      {"octets behind it", {good + std::string(40, 'z')}, 1},
      {"above 512 octets, length fits", {good + std::string(700, 'z')}, 1},
      {"shorter than its length", {good.substr(0, good.size() - 5)}, 4},
      {"length 262145", {changed(good, 16, {0, 4, 0, 1})}, 4},
      {"both parts", {parts[0], parts[1]}, 1},
      {"both parts without TC", {no_tc(parts[0]), no_tc(parts[1])}, 1},
      {"part 0 cut, TC", {parts[0].substr(0, 300)}, 0},
      {"part 0 cut, no TC", {no_tc(parts[0].substr(0, 300))}, 4},
      {"part 1 cut, no TC", {no_tc(parts[1].substr(0, parts[1].size() - 1))}, 0},
      {"sequence 2 of 2", {changed(parts[0], 12, {0, 0, 0, 2})}, 0},
      {"sequence with top bit", {changed(parts[0], 12, {0xff, 0xff, 0xff, 0xff})}, 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Client client = quick(node, row.code == 0 ? 100ms : 3'000ms);
    for (const auto& each : row.datagrams) ::send(client.native(), each.data(), each.size(), 0);
    const auto reply = client.receive_any();
    EXPECT_EQ(reply ? reply->response.header.response_code : 0, row.code);
  }
}

// BEHAVIOUR §20.39: 512 octets with the envelope; each part has the whole length and its own number; TC is
// clear.
TEST_F(NetUdp, EveryDatagramOfALongAnswer) {
  NetNode node(trust_everybody);
  Client client = quick(node, 5s);
  const std::string frame = *client.frame(resolve("now/5000"));
  ASSERT_EQ(::send(client.native(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  std::uint32_t length = 0, octets = 0, parts = 0;
  do {
    std::string datagram(2'000, '\0');
    pollfd waiting{client.native(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 5'000), 1);
    const ssize_t got = ::recv(client.native(), datagram.data(), datagram.size(), 0);
    ASSERT_GT(got, static_cast<ssize_t>(handle::kEnvelopeSize));
    EXPECT_LE(got, 512);
    const auto envelope = handle::decode_envelope(datagram);
    ASSERT_TRUE(envelope);
    EXPECT_FALSE(envelope->truncated);
    EXPECT_EQ(envelope->sequence, parts++);
    EXPECT_TRUE(length == 0 || envelope->length == length);
    length = envelope->length;
    octets += static_cast<std::uint32_t>(got) - static_cast<std::uint32_t>(handle::kEnvelopeSize);
  } while (octets < length);
  EXPECT_EQ(octets, length);
  EXPECT_GE(parts, 11U);
}

TEST_F(NetUdp, LongAnswersToTrustedSources) {
  NetNode node(trust_everybody);
  Client client = node.udp({3s, 3s, 3s});
  for (const int octets : {400, 480, 5'000, 20'000, 200'000}) {
    const std::string wanted = "now/" + std::to_string(octets);
    const auto reply = client.ask(resolve(wanted));
    ASSERT_TRUE(reply) << octets << ": " << name(reply.error());
    EXPECT_GE(reply->response.values.encoded.size(), static_cast<std::size_t>(octets));
  }
}

TEST_F(NetUdp, TheRequestIdPicksTheWorker) {
  std::mutex mutex;
  std::set<std::pair<unsigned, std::string>> seen;
  NetNode node(trust_everybody,
               [&](unsigned worker, const Source&, const ExchangeRecord& record, const Timing&) {
                 const std::lock_guard lock(mutex);
                 seen.emplace(worker, std::string(record.name));
               });
  Client client = node.udp();
  for (std::uint32_t id = 1; id <= 40; ++id) {
    const std::string wanted = "now/" + std::to_string(id);
    handle::Request request = resolve(wanted);
    request.envelope.request_id = id;
    ASSERT_TRUE(client.ask(request));
  }
  const std::lock_guard lock(mutex);
  for (std::uint32_t id = 1; id <= 40; ++id)
    EXPECT_TRUE(seen.contains({id % kWorkers, "now/" + std::to_string(id)})) << id;
}

TEST_F(NetUdp, ARepeatOfARunningRequestWaitsForItsAnswer) {
  NetNode node(trust_everybody);
  Client client = quick(node, 2s);
  const std::string frame = *client.frame(resolve("wait/udp"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.send_octets(frame));
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.datagrams_repeated == 2; }));
  EXPECT_EQ(exchanges_begun(), 1U);
  open_gate("udp");
  EXPECT_TRUE(client.receive_any());
  Client again = quick(node, 100ms);
  EXPECT_FALSE(again.receive_any());
}

TEST_F(NetUdp, RequestsThatWaitForSomethingAreBounded) {
  NetNode node(trust_everybody);
  Client client = quick(node, 2s);
  // All for one worker; sent in portions that its receive buffer holds.
  for (std::uint32_t i = 1; i <= 1'100; ++i) {
    handle::Request request = resolve("wait/many");
    request.envelope.request_id = i * kWorkers;
    ASSERT_TRUE(client.send_octets(*client.frame(request)));
    if (i % 50 == 0) ASSERT_TRUE(wait_begun(i));
  }
  EXPECT_TRUE(
      node.totals_become([](const ProbeTotals& t) { return t.of(Bite::kUdpRunning) == 1'100 - 1'024; }));
  open_gate("many");
  EXPECT_TRUE(client.receive_any());
}

// Octets that came back until nothing did.
struct Flood {
  int full = 0, refused = 0, silent = 0;
};
Flood ask_many(Client& client, int count) {
  Flood flood;
  for (int i = 0; i < count; ++i) {
    handle::Request request = resolve("now/400");
    request.envelope.request_id = static_cast<std::uint32_t>(4 + i * 4);  // one worker's share
    const auto reply = client.ask(request);
    if (!reply) {
      if (++flood.silent == 3) break;
    } else if (reply->code() == ResponseCode::kSuccess) {
      ++flood.full;
    } else {
      EXPECT_EQ(reply->code(), ResponseCode::kError);
      EXPECT_EQ(reply->response.values.count, 0U);
      ++flood.refused;
    }
  }
  return flood;
}

TEST_F(NetUdp, AnUnverifiedSourceIsRefusedThenDroppedUntilTcpVerifiesIt) {
  NetNode node([](Settings& s) {
    s.limits.udp_unverified_bytes = 16'000;
    s.limits.udp_unverified_ratio = 1;
  });
  Client client = node.udp({50ms});
  const Flood first = ask_many(client, 200);
  EXPECT_GT(first.full, 3);
  EXPECT_GT(first.refused, 2);
  EXPECT_GT(first.silent, 0);
  const ProbeTotals totals = node.totals();
  EXPECT_GE(totals.of(Bite::kUdpUnverifiedRefused), static_cast<std::uint64_t>(first.refused));
  EXPECT_GE(totals.of(Bite::kUdpUnverifiedDropped), static_cast<std::uint64_t>(first.silent));
  // A quarter of the allowance a second, what was asked, and the same again for the burst.
  EXPECT_LE(totals.octets_out[0], totals.octets_in[0] + 2 * 16'000);

  Client tcp = node.client();
  ASSERT_TRUE(tcp.ask(resolve("now/1")));
  std::this_thread::sleep_for(300ms);  // every worker has heard of it
  const Flood second = ask_many(client, 200);
  EXPECT_EQ(second.full, 200);
}

TEST_F(NetUdp, TrustedSourcesHaveNoAnswerLimit) {
  NetNode node([](Settings& s) {
    trust_everybody(s);
    s.limits.udp_unverified_bytes = 100;
  });
  Client client = node.udp();
  EXPECT_EQ(ask_many(client, 100).full, 100);
}

TEST_F(NetUdp, UnfinishedTrainsAreBoundedPerSourceAndExpire) {
  NetNode node([](Settings& s) {
    s.limits.udp_reassembly_per_source = 4;
    s.limits.udp_reassembly_seconds = 1;
  });
  Client client = quick(node);
  const std::string wanted = long_name(600, 1);
  std::vector<std::vector<std::string>> trains;
  for (int i = 0; i < 6; ++i) {
    trains.push_back(train(*client.frame(resolve(wanted))));
    ASSERT_TRUE(client.send_octets(trains.back()[0]));
  }
  EXPECT_TRUE(
      node.totals_become([](const ProbeTotals& t) { return t.of(Bite::kUdpReassemblyPerSource) == 2; }));
  EXPECT_TRUE(
      node.totals_become([](const ProbeTotals& t) { return t.of(Bite::kUdpReassemblySeconds) == 4; }));
  EXPECT_EQ(node.service().reassembly_octets(), 0U);
  // Expired: the second half alone makes nothing whole.
  ASSERT_TRUE(client.send_octets(trains[0][1]));
  EXPECT_FALSE(client.receive_any());
}

TEST_F(NetUdp, UnfinishedTrainsAreBoundedInAll) {
  NetNode node([](Settings& s) {
    trust_everybody(s);
    s.limits.udp_reassembly_bytes = 20'000;
  });
  Client client = quick(node, 2s);
  const std::string wanted = long_name(600, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.send_octets(train(*client.frame(resolve(wanted)))[0]));
    EXPECT_LE(node.service().reassembly_octets(), 20'000U);
  }
  EXPECT_TRUE(node.totals_become([](const ProbeTotals& t) { return t.of(Bite::kUdpReassemblyBytes) > 50; }));
  // Who comes quickly is still served.
  for (const auto& each : train(*client.frame(resolve(wanted)))) ASSERT_TRUE(client.send_octets(each));
  EXPECT_TRUE(client.receive_any());
}

TEST_F(NetUdp, ATrainThatAnnouncesMuchHoldsLittle) {
  NetNode node(trust_everybody);
  Client client = quick(node);
  handle::Envelope envelope;
  envelope.length = 262'144;
  envelope.truncated = true;
  for (std::uint32_t i = 1; i <= 50; ++i) {
    envelope.request_id = i;
    std::string datagram;
    handle::encode(envelope, datagram);
    datagram.append(handle::kFragment, 'x');
    ASSERT_TRUE(client.send_octets(datagram));
  }
  std::this_thread::sleep_for(100ms);
  EXPECT_GT(node.service().reassembly_octets(), 50U * handle::kFragment);
  EXPECT_LT(node.service().reassembly_octets(), 50U * 32'768);
}

}  // namespace
}  // namespace idnode::test
