#include "resolver/net/sent_answers.h"

#include <gtest/gtest.h>

namespace idnode {
namespace {

handle::Envelope envelope(std::uint32_t request_id) {
  handle::Envelope e;
  e.request_id = request_id;
  e.session_id = 77;
  return e;
}

const Endpoint kPeer = *parse_endpoint("192.0.2.1:4000");

TEST(SentAnswers, OnlyTheSameOctetsFromTheSamePeer) {
  SentAnswers sent;
  EXPECT_EQ(sent.put(kPeer, envelope(1), "question", "answer", 0), 0U);
  EXPECT_EQ(sent.find(kPeer, envelope(1), "question", 1), "answer");
  EXPECT_EQ(sent.find(kPeer, envelope(1), "Question", 1), "");
  EXPECT_EQ(sent.find(kPeer, envelope(2), "question", 1), "");
  EXPECT_EQ(sent.find(*parse_endpoint("192.0.2.1:4001"), envelope(1), "question", 1), "");
  handle::Envelope other = envelope(1);
  other.session_id = 78;
  EXPECT_EQ(sent.find(kPeer, other, "question", 1), "");
}

TEST(SentAnswers, TenSeconds) {
  SentAnswers sent;
  sent.put(kPeer, envelope(1), "question", "answer", 1'000);
  EXPECT_EQ(sent.find(kPeer, envelope(1), "question", 10'999), "answer");
  EXPECT_EQ(sent.find(kPeer, envelope(1), "question", 11'000), "");
  EXPECT_TRUE(sent.empty());
}

TEST(SentAnswers, TheOldestMakesRoom) {
  SentAnswers sent;
  const std::string large(SentAnswers::kMostOctets / 4, 'x');
  std::uint64_t evicted = 0;
  for (std::uint32_t i = 1; i <= 5; ++i) evicted += sent.put(kPeer, envelope(i), "q", large, i);
  EXPECT_EQ(evicted, 2U);
  EXPECT_EQ(sent.find(kPeer, envelope(2), "q", 6), "");
  EXPECT_EQ(sent.find(kPeer, envelope(3), "q", 6), large);
  // One that alone is too large costs nobody else his place.
  EXPECT_EQ(sent.put(kPeer, envelope(9), "q", std::string(SentAnswers::kMostOctets, 'x'), 7), 1U);
  EXPECT_EQ(sent.find(kPeer, envelope(5), "q", 7), large);
}

}  // namespace
}  // namespace idnode
