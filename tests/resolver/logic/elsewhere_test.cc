// Referral, pointing and forwarding as the logic decides them (BEHAVIOUR.md §6.2, §7.5, §17).
#include <gtest/gtest.h>

#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

using handle::OpCode;
using Indexes = std::vector<std::uint32_t>;

constexpr std::uint32_t kAsk = handle::flag::kClientDefault;                                  // REC set
constexpr std::uint32_t kDoNotAsk = handle::flag::kCacheCertify | handle::flag::kPublicOnly;  // REC clear

struct Elsewhere : testing::Test {
  Node node;
  Elsewhere() {
    node.settings().node.prefixes = {"88.101"};
    node.settings().upstream.servers = {parse_endpoint("198.51.100.1:3641").value()};
    node.source.may_recurse = true;
    node.home("0.NA/88.101.5");
    node.home("0.NA/0.NA/88.101");
    node.put("0.NA/88.101", {site_value(1, "HS_SITE", node.identity().site)});
    node.put("0.NA/88.101.5", {site_value(1, "HS_SITE", node.identity().site)});
    node.put("0.NA/88.101.7",
             {site_value(1, "HS_SITE", site_at("203.0.113.9", 2641)), value(2, "DESC", "x")});
  }
  Reply resolve(std::string_view name, std::uint32_t flags = kAsk, const Edit& edit = nullptr) {
    return node.ask(resolve_frame(name, {}, flags, edit));
  }
  void will_answer(handle::ResponseCode code) {
    ForwardAnswer answer;
    answer.outcome = ForwardAnswer::Outcome::kAnswered;
    answer.code = code;
    if (code == handle::ResponseCode::kSuccess) {
      answer.value_count = 1;
      encode(value(4, "URL", "far"), answer.values);
    }
    node.others.push_back(std::move(answer));
  }
};

TEST_F(Elsewhere, ReferralOfTheNearestAncestor) {
  node.put("0.NA/88.101", {site_value(1, "HS_SITE", node.identity().site),
                           site_value(5, "HS_SITE.PREFIX", site_at("203.0.113.1", 2641))});
  const Reply far = resolve("0.NA/88.101.9", kDoNotAsk);
  EXPECT_EQ(far.code(), 303u);
  EXPECT_EQ(far.response.name, "");
  EXPECT_EQ(far.indexes(), Indexes{5});
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk | handle::flag::kDoNotRefer).code(), 100u);
  EXPECT_EQ(resolve("0.NA/88.101.7", kDoNotAsk).code(), 1u) << "its own record is here";

  node.put("0.NA/88.101.7",
           {site_value(1, "HS_SITE", site_at("203.0.113.9", 2641)),
            site_value(6, "HS_NA_DELEGATE", site_at("203.0.113.9", 2641)),
            value(7, "HS_SERV.PREFIX", "88.101.5/S"), value(8, "HS_SITE.PREFIX", "x", "1100")});
  EXPECT_EQ(resolve("0.NA/88.101.7.2.3", kDoNotAsk).indexes(), (Indexes{6, 7})) << "exactly the public ones";
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk).indexes(), Indexes{5});
}

TEST_F(Elsewhere, OldClientsAreReferredOnlyInResolutions) {
  node.put("0.NA/88.101", {site_value(5, "HS_SITE.PREFIX", site_at("203.0.113.1", 2641))});
  node.source.may_recurse = false;
  const auto suggest = [](std::uint8_t minor) {
    return [minor](handle::Request& r) { r.envelope.suggested = {2, minor}; };
  };
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk, suggest(9)).code(), 303u);
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk, suggest(3)).code(), 7u) << "how 303 reads before 2.5";
}

TEST_F(Elsewhere, ReferralsAreFollowedForOldClients) {
  node.put("0.NA/88.101", {site_value(5, "HS_SITE.PREFIX", site_at("203.0.113.1", 2641))});
  will_answer(handle::ResponseCode::kSuccess);
  const auto old = [](handle::Request& r) { r.envelope.suggested = {2, 9}; };
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk, old).code(), 1u);
  ASSERT_EQ(node.asked.size(), 1u);
  ASSERT_NE(node.asked[0].route, nullptr);
  EXPECT_EQ(node.asked[0].route->sites, std::vector{site_at("203.0.113.1", 2641)});
  node.settings().compat.legacy_prefix_referral = false;
  EXPECT_EQ(resolve("0.NA/88.101.9", kDoNotAsk, old).code(), 303u);
}

TEST_F(Elsewhere, PointerIsAskedOrReferredTo) {
  will_answer(handle::ResponseCode::kSuccess);
  const Reply asked = resolve("88.101.7/x");
  EXPECT_EQ(asked.code(), 1u);
  EXPECT_EQ(asked.response.name, "88.101.7/x");
  EXPECT_EQ(asked.indexes(), Indexes{4});
  EXPECT_FALSE(asked.has(handle::flag::kAuthoritative));
  ASSERT_EQ(node.asked.size(), 1u);
  ASSERT_NE(node.asked[0].route, nullptr);
  EXPECT_EQ(node.asked[0].route->prefix_handle, "0.NA/88.101.7");

  const Reply referred = resolve("88.101.7/x", kDoNotAsk);
  EXPECT_EQ(referred.code(), 302u);
  EXPECT_EQ(referred.response.name, "");
  EXPECT_EQ(referred.indexes(), Indexes{1});
  node.source.may_recurse = false;
  EXPECT_EQ(resolve("88.101.7/x").code(), 302u);
  EXPECT_EQ(node.asked.size(), 1u);
}

TEST_F(Elsewhere, WhoIsNotReferred) {
  node.source.may_recurse = false;
  EXPECT_EQ(resolve("88.101.7/x", kAsk, [](handle::Request& r) { r.envelope.suggested = {2, 4}; }).code(),
            301u);
  EXPECT_EQ(resolve("88.101.7/x", kAsk,
                    [](handle::Request& r) { std::get<handle::ResolveBody>(r.body).has_identity = true; })
                .code(),
            301u)
      << "the industrial SDK does not follow";
  node.settings().upstream.send_service_referral = false;
  EXPECT_EQ(resolve("88.101.7/x").code(), 301u);
}

TEST_F(Elsewhere, ForeignNames) {
  will_answer(handle::ResponseCode::kHandleNotFound);
  EXPECT_EQ(resolve("88.200.3/y").code(), 100u);
  ASSERT_EQ(node.asked.size(), 1u);
  EXPECT_EQ(node.asked[0].route, nullptr);
  EXPECT_EQ(node.asked[0].name, "88.200.3/y");
  EXPECT_EQ(node.asked[0].recursion_count, 1);

  EXPECT_EQ(resolve("88.200.3/y", kDoNotAsk).code(), 301u) << "REC clear";
  node.source.may_recurse = false;
  EXPECT_EQ(resolve("88.200.3/y").code(), 301u) << "not one of our clients";
  node.source.may_recurse = true;
  node.settings().upstream.servers.clear();
  EXPECT_EQ(resolve("88.200.3/y").code(), 301u) << "nobody to ask";
  EXPECT_EQ(node.asked.size(), 1u);
}

TEST_F(Elsewhere, NeverAskedAbout) {
  for (const char* name : {"0", "0.SITE/status", "88.101.5/none", "88.101.5", "0.NA/88.101.9", "0.NA/88.101"})
    resolve(name);
  EXPECT_TRUE(node.asked.empty());
}

TEST_F(Elsewhere, UnregisteredPrefixBelowOurs) {
  EXPECT_EQ(resolve("88.101.99/x").code(), 100u) << "we would know it";
  EXPECT_EQ(resolve("88.101.99/x", kDoNotAsk).code(), 301u);
  node.unhome("0.NA/88.101.5");
  EXPECT_EQ(resolve("88.101.5/x").code(), 301u) << "ours, not hosted: nobody else has it";
  EXPECT_TRUE(node.asked.empty());
}

TEST_F(Elsewhere, RecursionCount) {
  const auto count = [](std::uint8_t n) { return [n](handle::Request& r) { r.header.recursion_count = n; }; };
  will_answer(handle::ResponseCode::kSuccess);
  const Reply nine = resolve("88.200/x", kAsk, count(9));
  EXPECT_EQ(nine.code(), 1u);
  EXPECT_EQ(nine.response.header.recursion_count, 9);
  ASSERT_EQ(node.asked.size(), 1u);
  EXPECT_EQ(node.asked[0].recursion_count, 10);
  EXPECT_EQ(resolve("88.200/x", kAsk, count(10)).code(), 6u);
  EXPECT_EQ(resolve("88.200/x", kAsk, count(255)).code(), 6u);
  EXPECT_EQ(resolve("88.101.5/x", kAsk, count(200)).code(), 100u) << "answered here whatever the count";
}

TEST_F(Elsewhere, LoopGuard) {
  node.source.peer = parse_endpoint("198.51.100.1:50000").value();
  EXPECT_EQ(resolve("88.200/x").code(), 301u);
  will_answer(handle::ResponseCode::kSuccess);
  EXPECT_EQ(resolve("88.101.7/x").code(), 1u) << "not back to where it came from";
  node.settings().upstream.servers = {parse_endpoint("127.0.0.1:3641").value()};
  node.source.peer = parse_endpoint("127.0.0.1:50000").value();
  will_answer(handle::ResponseCode::kSuccess);
  EXPECT_EQ(resolve("88.200/x").code(), 1u);
}

TEST_F(Elsewhere, WhatIsPassedOn) {
  will_answer(handle::ResponseCode::kSuccess);
  const std::uint32_t flags = kAsk | handle::flag::kAuthoritative | handle::flag::kDoNotRefer |
                              handle::flag::kReturnDigest | handle::flag::kRecurseWithIdentity;
  const Reply reply = node.ask(resolve_frame("88.200/x", {{3, 1}, {"URL"}}, flags, [](handle::Request& r) {
    auto& body = std::get<handle::ResolveBody>(r.body);
    body.has_identity = true;
    body.identity = "token";
  }));
  EXPECT_TRUE(reply.response.request_digest.present);
  EXPECT_FALSE(reply.has(handle::flag::kAuthoritative));
  ASSERT_EQ(node.asked.size(), 1u);
  const Question& question = node.asked[0];
  EXPECT_EQ(question.flags, handle::flag::kAuthoritative | handle::flag::kPublicOnly |
                                handle::flag::kDoNotRefer | handle::flag::kCacheCertify |
                                handle::flag::kRecurseWithIdentity);
  std::string indexes, types;
  handle::encode_indexes({3, 1}, indexes);
  handle::encode_texts({"URL"}, types);
  EXPECT_EQ(question.indexes, indexes);
  EXPECT_EQ(question.types, types);
  EXPECT_EQ(question.identity, "token");
  EXPECT_FALSE(question.cacheable());
}

TEST_F(Elsewhere, FailedQuestionIsAnError) {
  const Reply reply = resolve("88.200/x");
  EXPECT_EQ(reply.code(), 2u);
}

TEST_F(Elsewhere, UnverifiedAnswerIsNotVouchedFor) {
  will_answer(handle::ResponseCode::kSuccess);
  EXPECT_EQ(resolve("88.200/x", kAsk | handle::flag::kCertify).code(), 2u);
}

TEST_F(Elsewhere, HomedNowIsNoLongerAskedAbout) {
  will_answer(handle::ResponseCode::kSuccess);
  EXPECT_EQ(resolve("88.101.7/x").code(), 1u);
  node.home("0.NA/88.101.7");
  EXPECT_EQ(resolve("88.101.7/x").code(), 100u);
  node.unhome("0.NA/88.101.7");
  node.remove("0.NA/88.101.7");
  EXPECT_EQ(resolve("88.101.7/x").code(), 100u) << "unregistered now";
  EXPECT_EQ(resolve("88.101.7/x", kDoNotAsk).code(), 301u);
}

TEST_F(Elsewhere, VerifyOfAForeignIdentity) {
  handle::VerifyBody body;
  body.index = 300;
  body.nonce = "0123456789abcdef";
  body.digest = "0123456789abcdef0123456789abcdef";
  body.proof = "p";
  ForwardAnswer answer;
  answer.outcome = ForwardAnswer::Outcome::kAnswered;
  answer.code = handle::ResponseCode::kSuccess;
  answer.verified = 1;
  node.others = {answer, answer};
  node.others[1].signature_verified = true;
  const std::string frame = frame_of(OpCode::kVerifyAnswer, "88.200/ADM", body, kAsk);
  EXPECT_EQ(node.ask(frame).code(), 2u) << "a verdict that nobody signed";
  const Reply reply = node.ask(frame);
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.response.verified, 1);
  EXPECT_TRUE((node.asked[1].flags & handle::flag::kCertify) != 0);
  EXPECT_EQ(node.ask(frame_of(OpCode::kVerifyAnswer, "88.200/ADM", body, kDoNotAsk)).code(), 301u);
}

}  // namespace
}  // namespace idnode::logic_test
