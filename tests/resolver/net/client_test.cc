// The client against a peer that does what a script says: checks, deadlines, repeats.
#include "resolver/net/client.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/resolver/net/scripted_peer.h"

namespace idnode::test {
namespace {

using namespace std::chrono_literals;

ClientOptions quick(bool udp = false) {
  ClientOptions options;
  options.udp = udp;
  options.answer_wait = 400ms;
  options.udp_waits = {200ms, 200ms, 400ms};
  return options;
}

Canned one_value(std::size_t octets = 10) {
  Canned canned;
  canned.values = {text_value(1, "URL", std::string(octets, 'u'))};
  return canned;
}

handle::Request question(std::uint32_t flags = handle::flag::kClientDefault) {
  return make_request(handle::OpCode::kResolve, "88.118/x", {}, flags);
}

Result<Reply> ask(const ScriptedPeer& peer, bool udp, std::uint32_t flags = handle::flag::kClientDefault) {
  auto client = Client::open(peer.endpoint(), quick(udp));
  if (!client) return std::unexpected(client.error());
  return client->ask(question(flags));
}

TEST(Client, AnswersComeBack) {
  for (const std::size_t octets : {10, 450, 600, 20'000}) {
    ScriptedPeer peer([=](const Seen& seen) { return answer(seen, one_value(octets)); });
    for (const bool udp : {false, true}) {
      const auto reply = ask(peer, udp, handle::flag::kClientDefault | handle::flag::kReturnDigest);
      ASSERT_TRUE(reply) << octets << " udp " << udp << ": " << name(reply.error());
      EXPECT_EQ(reply->code(), handle::ResponseCode::kSuccess);
      const auto values = to_values(reply->response.values);
      ASSERT_EQ(values.size(), 1U);
      EXPECT_EQ(values[0].data.size(), octets);
    }
  }
}

TEST(Client, AnAnswerToSomethingElseIsRefused) {
  for (const bool digest : {false, true}) {
    ScriptedPeer peer([=](const Seen& seen) {
      Canned canned = one_value();
      canned.request_id_xor = digest ? 0 : 1;
      canned.bad_digest = digest;
      return answer(seen, canned);
    });
    const auto reply = ask(peer, false, handle::flag::kClientDefault | handle::flag::kReturnDigest);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error(), Errc::kInvalid);
    // On UDP anybody can send anything: it is waited for the right one.
    const auto datagram = ask(peer, true, handle::flag::kClientDefault | handle::flag::kReturnDigest);
    ASSERT_FALSE(datagram);
    EXPECT_EQ(datagram.error(), digest ? Errc::kInvalid : Errc::kTimeout);
  }
}

TEST(Client, DatagramsAreRepeatedThreeTimes) {
  std::atomic<int> seen_count{0};
  ScriptedPeer peer(
      [&](const Seen& seen) { return ++seen_count < 3 ? std::vector<Piece>{} : answer(seen, one_value()); });
  EXPECT_TRUE(ask(peer, true));
  EXPECT_EQ(seen_count.load(), 3);
  const auto seen = peer.seen();
  EXPECT_EQ(seen[0].envelope.request_id, seen[2].envelope.request_id);

  ScriptedPeer silent([](const Seen&) { return std::vector<Piece>{}; });
  const auto nothing = ask(silent, true);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error(), Errc::kTimeout);
  EXPECT_EQ(silent.count(), 3U);
}

TEST(Client, SilenceEndsAndRefusals) {
  ScriptedPeer silent([](const Seen&) { return std::vector<Piece>{}; });
  EXPECT_EQ(ask(silent, false).error(), Errc::kTimeout);

  ScriptedPeer closing([](const Seen& seen) {
    std::string frame = frame_of(seen, one_value());
    frame.resize(frame.size() - 3);
    return std::vector<Piece>{{.octets = frame, .close = true}};
  });
  EXPECT_EQ(ask(closing, false).error(), Errc::kClosed);

  ScriptedPeer broken([](const Seen& seen) {
    std::string frame = frame_of(seen, one_value());
    frame[handle::kEnvelopeSize + handle::kHeaderSize] = '\xff';
    return std::vector<Piece>{{.octets = frame}};
  });
  EXPECT_EQ(ask(broken, false).error(), Errc::kMalformed);

  Endpoint nobody;
  {
    ScriptedPeer gone([](const Seen&) { return std::vector<Piece>{}; });
    nobody = gone.endpoint();
  }
  EXPECT_EQ(Client::open(nobody, quick()).error(), Errc::kRefused);
  auto datagrams = Client::open(nobody, quick(true));
  ASSERT_TRUE(datagrams);
  EXPECT_EQ(datagrams->ask(question()).error(), Errc::kRefused);
}

TEST(Client, PipelinedAnswersMustBelongToRequests) {
  ScriptedPeer peer([](const Seen& seen) { return answer(seen, one_value()); });
  auto client = Client::open(peer.endpoint(), quick());
  ASSERT_TRUE(client);
  const auto first = client->send(question());
  const auto second = client->send(question());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(client->receive()->response.envelope.request_id, *first);
  EXPECT_EQ(client->receive()->response.envelope.request_id, *second);
  peer.set_script([](const Seen& seen) {
    Canned canned = one_value();
    canned.request_id_xor = 0x1000;
    return answer(seen, canned);
  });
  ASSERT_TRUE(client->send(question()));
  EXPECT_EQ(client->receive().error(), Errc::kInvalid);
}

TEST(Client, ARequestThatNoServerTakesIsNotSent) {
  ScriptedPeer peer([](const Seen& seen) { return answer(seen, one_value()); });
  auto client = Client::open(peer.endpoint(), quick());
  ASSERT_TRUE(client);
  const std::string wanted(270'000, 'n');
  EXPECT_EQ(client->ask(make_request(handle::OpCode::kResolve, wanted)).error(), Errc::kTooLarge);
  EXPECT_EQ(peer.count(), 0U);
}

}  // namespace
}  // namespace idnode::test
