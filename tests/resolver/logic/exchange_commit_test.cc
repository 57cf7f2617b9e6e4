// How an exchange carries a change to the committer and what it makes of the result.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/handle/admin.h"
#include "storage/keys.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

using handle::OpCode;

const Reference kAdmin{"88.101.5/ADM", 301};
constexpr std::string_view kSecret = "password";

struct Commits : testing::Test {
  Node node;
  Commits() {
    node.home("0.NA/88.101.5");
    node.put("88.101.5/ADM", {value(301, "HS_SECKEY", std::string(kSecret), "1100")});
    node.put("0.NA/88.101.5", {admin_value(100, kAdmin, handle::kAllPermissions)});
  }
  std::string create_frame(std::string_view name, const Edit& edit = nullptr) {
    std::string octets;
    encode(value(1, "URL", "http://new"), octets);
    return frame_of(OpCode::kCreate, name, handle::ValuesBody{{1, octets}}, handle::flag::kClientDefault,
                    edit);
  }
  std::vector<Reply> create(std::string_view name, const Edit& edit = nullptr) {
    const Reply challenge = node.ask(create_frame(name, edit));
    if (challenge.code() != 402) return {challenge};
    return node.send(answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret));
  }
  // Starts the message and does what it wants from the pools; what it wants then.
  Step decide(std::string_view frame) {
    Exchange& exchange = *node.exchange;
    Step step =
        exchange.start(handle::decode_envelope(frame).value(), frame.substr(20), node.source, node.now);
    exchange.keep();
    while (step == Step::kCryptoPool || step == Step::kReadPool) {
      exchange.work();
      step = exchange.resume(node.now);
    }
    return step;
  }
  std::uint32_t code_of(std::string_view name) { return node.ask(resolve_frame(name)).code(); }
};

TEST_F(Commits, CreateThenResolve) {
  const std::vector<Reply> replies = create("88.101.5/new");
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].code(), 1u);
  EXPECT_EQ(replies[0].response.header.opcode, 100u);
  EXPECT_EQ(replies[0].response.envelope.request_id, 8u);
  EXPECT_EQ(replies[0].response.name, "88.101.5/new");
  EXPECT_EQ(node.steps.back(), Step::kCommit);
  EXPECT_EQ(code_of("88.101.5/NEW"), 1u);
  EXPECT_EQ(node.ask(create_frame("88.101.5/new")).code(), 101u);
}

TEST_F(Commits, WhatAMutationNames) {
  const Reply challenge = node.ask(create_frame("88.101.5/new"));
  const std::string frame = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  Exchange& exchange = *node.exchange;
  ASSERT_EQ(decide(frame), Step::kCommit);
  EXPECT_TRUE(exchange.holds_connection());
  const Mutation mutation = exchange.take_mutation();
  EXPECT_EQ(mutation.id.size(), 16u);
  EXPECT_EQ(mutation.actor, "301:88.101.5/ADM");
  EXPECT_EQ(mutation.source, "192.0.2.7");
  EXPECT_EQ(mutation.action, "create");
  ASSERT_EQ(mutation.writes.size(), 1u);
  std::vector<std::string> read;
  for (const Read& each : mutation.reads) read.push_back(each.key);
  for (const std::string& key : {record_key("88.101.5/new", false), record_key("0.NA/88.101.5", false),
                                 record_key("88.101.5/ADM", false), homed_key("0.NA/88.101.5")})
    EXPECT_NE(std::ranges::find(read, key), read.end()) << key;
  // Decided on: nothing of that name.
  EXPECT_EQ(std::ranges::find(mutation.reads, record_key("88.101.5/new", false), &Read::key)->version, 0u);
  EXPECT_EQ(exchange.committed({CommitStatus::kCommitted, 9, node.now.ms}, node.now), Step::kDone);
  EXPECT_FALSE(exchange.holds_connection());
}

// A key counts only while its prefix is homed here: unhoming it must make the commit thread say Again.
TEST_F(Commits, AMutationRestsOnTheHomeOfItsAdministrator) {
  node.home("0.NA/88.101.6");
  node.put("88.101.6/KEY", {value(301, "HS_SECKEY", std::string(kSecret), "1100")});
  node.put("88.101.5/GO",
           {value(1, "URL", "x"), admin_value(100, {"88.101.6/KEY", 301}, handle::kAllPermissions)});
  const Reply challenge = node.ask(frame_of(OpCode::kDelete, "88.101.5/GO"));
  ASSERT_EQ(challenge.code(), 402u);
  const std::string frame = answer_frame(challenge, "88.101.6/KEY", 301, kSecret);
  Exchange& exchange = *node.exchange;
  ASSERT_EQ(decide(frame), Step::kCommit);
  const Mutation mutation = exchange.take_mutation();
  EXPECT_NE(std::ranges::find(mutation.reads, homed_key("0.NA/88.101.6"), &Read::key), mutation.reads.end());
  node.unhome("0.NA/88.101.6");
  EXPECT_EQ(exchange.committed({CommitStatus::kAgain, 0, 0}, node.now), Step::kDone);
  EXPECT_EQ(exchange.record().code, 403u);
}

TEST_F(Commits, CodesOfTheCommitter) {
  const std::pair<CommitStatus, std::uint32_t> rows[] = {
      {CommitStatus::kBusy, 3},     {CommitStatus::kCeiling, 5}, {CommitStatus::kNoSpace, 7},
      {CommitStatus::kReadOnly, 7}, {CommitStatus::kUnknown, 7},
  };
  for (const auto& [status, code] : rows) {
    node.commits = {status};
    const std::vector<Reply> replies = create("88.101.5/new");
    ASSERT_EQ(replies.size(), 1u);
    EXPECT_EQ(replies[0].code(), code);
    EXPECT_EQ(code_of("88.101.5/new"), 100u);
  }
}

TEST_F(Commits, BusyIsSilentOnUdp) {
  node.source.transport = Transport::kUdp;
  node.commits = {CommitStatus::kBusy};
  EXPECT_TRUE(create("88.101.5/new").empty());
  EXPECT_EQ(node.exchange->record().code, 0u);
}

TEST_F(Commits, AgainIsDecidedAnewFiveTimes) {
  node.commits.assign(5, CommitStatus::kAgain);
  EXPECT_EQ(create("88.101.5/new").at(0).code(), 1u);
  EXPECT_EQ(node.committed, 1);
  node.commits.assign(6, CommitStatus::kAgain);
  EXPECT_EQ(create("88.101.5/other").at(0).code(), 3u);
  EXPECT_EQ(node.committed, 1);
}

TEST_F(Commits, AgainSeesTheNewState) {
  // Somebody else creates it between the decision and the commit.
  const Reply challenge = node.ask(create_frame("88.101.5/new"));
  const std::string frame = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  Exchange& exchange = *node.exchange;
  ASSERT_EQ(decide(frame), Step::kCommit);
  exchange.take_mutation();
  node.put("88.101.5/NEW", {});
  EXPECT_EQ(exchange.committed({CommitStatus::kAgain, 0, 0}, node.now), Step::kDone);
  EXPECT_EQ(exchange.record().code, 101u);
}

TEST_F(Commits, AgainSeesNewRoutes) {
  const Reply challenge = node.ask(create_frame("88.101.5/new"));
  const std::string frame = answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret);
  Exchange& exchange = *node.exchange;
  ASSERT_EQ(decide(frame), Step::kCommit);
  const Mutation mutation = exchange.take_mutation();
  node.unhome("0.NA/88.101.5");
  EXPECT_EQ(exchange.committed({CommitStatus::kAgain, 0, 0}, node.now), Step::kDone);
  EXPECT_EQ(exchange.record().code, 301u);
}

TEST_F(Commits, ChangesGoToPrimarySites) {
  node.identity().site.primary = false;
  for (const OpCode op :
       {OpCode::kDelete, OpCode::kHomePrefix, OpCode::kUnhomePrefix, OpCode::kNextTransactionId})
    EXPECT_EQ(node.ask(frame_of(op, "88.101.5/x")).code(), 301u);
  EXPECT_EQ(node.ask(create_frame("88.101.5/ADM")).code(), 301u) << "before anything is looked at";
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "88.101.5")).code(), 402u) << "a mirror lists";
  EXPECT_EQ(node.ask(frame_of(OpCode::kBackUp, "/")).code(), 402u);
}

TEST_F(Commits, StoredRequestOnAnotherExchange) {
  const Reply challenge = node.ask(create_frame("88.101.5/new"));
  const auto first = std::exchange(node.exchange, std::make_unique<Exchange>(node.services));
  const Reply reply = node.ask(answer_frame(challenge, kAdmin.handle, kAdmin.index, kSecret));
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.response.name, "88.101.5/new");
}

}  // namespace
}  // namespace idnode::logic_test
