#include "resolver/net/sent_answers.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"

namespace idnode {
namespace {

handle::Envelope envelope(std::uint32_t request_id) {
  handle::Envelope e;
  e.request_id = request_id;
  e.session_id = 77;
  return e;
}

const std::uint64_t kMost = Limits{}.udp_sent_answer_bytes;
const Endpoint kPeer = *parse_endpoint("192.0.2.1:4000");

std::string_view found(SentAnswers& sent, const Endpoint& peer, const handle::Envelope& e,
                       std::string_view message, std::uint64_t now_ms) {
  const SentAnswers::Sent* each = sent.find(peer, e, message, now_ms);
  return each == nullptr ? std::string_view() : std::string_view(each->frame);
}

TEST(SentAnswers, OnlyTheSameOctetsFromTheSamePeer) {
  SentAnswers sent;
  EXPECT_EQ(sent.put(kPeer, envelope(1), "question", {1, 1, "answer"}, kMost, 0), 0U);
  EXPECT_EQ(found(sent, kPeer, envelope(1), "question", 1), "answer");
  EXPECT_EQ(found(sent, kPeer, envelope(1), "Question", 1), "");
  EXPECT_EQ(found(sent, kPeer, envelope(2), "question", 1), "");
  EXPECT_EQ(found(sent, *parse_endpoint("192.0.2.1:4001"), envelope(1), "question", 1), "");
  handle::Envelope other = envelope(1);
  other.session_id = 78;
  EXPECT_EQ(found(sent, kPeer, other, "question", 1), "");
}

TEST(SentAnswers, TenSeconds) {
  SentAnswers sent;
  sent.put(kPeer, envelope(1), "question", {1, 1, "answer"}, kMost, 1'000);
  EXPECT_EQ(found(sent, kPeer, envelope(1), "question", 10'999), "answer");
  EXPECT_EQ(found(sent, kPeer, envelope(1), "question", 11'000), "");
  EXPECT_TRUE(sent.empty());
}

TEST(SentAnswers, TheOldestMakesRoom) {
  SentAnswers sent;
  const std::string large(kMost / 4, 'x');
  std::uint64_t evicted = 0;
  for (std::uint32_t i = 1; i <= 5; ++i)
    evicted += sent.put(kPeer, envelope(i), "q", {1, 1, large}, kMost, i);
  EXPECT_EQ(evicted, 2U);
  EXPECT_EQ(found(sent, kPeer, envelope(2), "q", 6), "");
  EXPECT_EQ(found(sent, kPeer, envelope(3), "q", 6), large);
  // One that alone is too large costs nobody else his place.
  EXPECT_EQ(sent.put(kPeer, envelope(9), "q", {1, 1, std::string(kMost, 'x')}, kMost, 7), 1U);
  EXPECT_EQ(found(sent, kPeer, envelope(5), "q", 7), large);
  // Less is allowed from now on: what is kept goes with the next one.
  EXPECT_EQ(sent.put(kPeer, envelope(10), "q", {1, 1, "small"}, 4'096, 8), 3U);
  EXPECT_EQ(found(sent, kPeer, envelope(5), "q", 8), "");
  EXPECT_EQ(found(sent, kPeer, envelope(10), "q", 8), "small");
}

}  // namespace
}  // namespace idnode
