#include <gtest/gtest.h>

#include "protocol/handle/admin.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

using handle::OpCode;
using Indexes = std::vector<std::uint32_t>;

constexpr std::uint32_t kPublic = handle::flag::kClientDefault;
constexpr std::uint32_t kEverything = handle::flag::kRecursive | handle::flag::kCacheCertify;  // PO clear
const Reference kAdmin{"88.101.5/ADM", 301};
constexpr std::string_view kSecret = "password";

// The node of BEHAVIOUR.md §19, its administrator with a secret key.
struct Resolve : testing::Test {
  Node node;
  Resolve() {
    node.home("0.NA/88.101.5");
    node.home("0.NA/0.NA/88.101");
    node.put("88.101.5/A",
             {value(1, "URL", "http://a"), value(2, "DESC", "text"), value(3, "PRICE", "7", "1100"),
              admin_value(100, kAdmin, handle::kAllPermissions), value(301, "HS_SECKEY", "x", "0000")});
    node.put("88.101.5/ADM", {value(301, "HS_SECKEY", std::string(kSecret), "1100")});
    node.put("0.NA/88.101.5", {site_value(1, "HS_SITE", node.identity().site),
                               admin_value(100, kAdmin, handle::kAddHandle | handle::kListHandles)});
  }
  Reply resolve(std::string_view name, const Filter& filter = {}, std::uint32_t flags = kPublic,
                const Edit& edit = nullptr) {
    return node.ask(resolve_frame(name, filter, flags, edit));
  }
  Reply answer(const Reply& challenge, std::string_view secret = kSecret,
               std::string_view identity = kAdmin.handle, std::uint32_t index = 301) {
    return node.ask(answer_frame(challenge, identity, index, secret));
  }
};

// C1-C6, C14, C16, C17, C20 and the like: one line an answer.
struct Row {
  const char* what;
  const char* name;
  Filter filter;
  std::uint32_t flags;
  std::uint32_t code;
  Indexes indexes;
};

TEST_F(Resolve, AnswersAsTheTableSays) {
  const Row rows[] = {
      {"C1", "88.101.5/a", {}, kPublic, 1, {1, 2, 100}},
      {"C2 type without case", "88.101.5/a", {{}, {"url"}}, kPublic, 1, {1}},
      {"C3 no part of a type", "88.101.5/A", {{}, {"U"}}, kPublic, 200, {}},
      {"C4 a dot needs a dot", "88.101.5/A", {{}, {"HS_."}}, kPublic, 200, {}},
      {"final dot takes the type itself", "88.101.5/A", {{}, {"URL."}}, kPublic, 1, {1}},
      {"C5 union", "88.101.5/A", {{2}, {"URL"}}, kPublic, 1, {1, 2}},
      {"duplicates change nothing", "88.101.5/A", {{2, 2}, {"DESC", "desc"}}, kPublic, 1, {2}},
      {"absent index beside a present one", "88.101.5/A", {{9, 1}, {}}, kPublic, 1, {1}},
      {"only an absent index", "88.101.5/A", {{9}, {}}, kPublic, 200, {}},
      {"stored order", "88.101.5/A", {{100, 1}, {}}, kPublic, 1, {1, 100}},
      {"C6", "88.101.5/A", {{3}, {}}, kPublic, 200, {}},
      {"C7", "88.101.5/A", {{3}, {}}, kEverything, 402, {}},
      {"guarded among public, PO clear", "88.101.5/A", {}, kEverything, 402, {}},
      {"public only, PO clear", "88.101.5/A", {{1}, {}}, kEverything, 1, {1}},
      {"C14", "88.101.5/A", {{301}, {}}, kEverything, 401, {}},
      {"closed and public, by index", "88.101.5/A", {{1, 301}, {}}, kEverything, 401, {}},
      {"closed, not by index", "88.101.5/A", {{}, {"HS_SECKEY"}}, kEverything, 200, {}},
      {"closed left out beside public", "88.101.5/A", {{1}, {"HS_SECKEY"}}, kEverything, 1, {1}},
      {"closed by index, PO", "88.101.5/A", {{301}, {}}, kPublic, 200, {}},
      {"C16", "88.101.5/NONE", {}, kPublic, 100, {}},
      {"C17", "88.101.6/X", {}, kPublic, 301, {}},
      {"C18 bare prefix", "88.101.5", {}, kPublic, 1, {1, 100}},
      {"prefix handle in lower case", "0.na/88.101.5", {{1}, {}}, kPublic, 1, {1}},
      {"C19", "0.NA/88.101.9", {}, kPublic, 100, {}},
      {"marker covers deeper prefixes", "0.NA/88.101.5.1", {}, kPublic, 100, {}},
      {"C20 without a pinned copy", "0.NA/88.101", {}, kPublic, 301, {}},
      {"marker covers no identifiers", "88.101.9/X", {}, kPublic, 301, {}},
      {"home covers no deeper prefix", "88.101.5.1/X", {}, kPublic, 301, {}},
      {"heartbeat", "0", {}, kPublic, 301, {}},
      {"empty name", "", {}, kPublic, 301, {}},
      {"slash", "/", {}, kPublic, 301, {}},
      {"not UTF-8", "88.101.5/\xff", {}, kPublic, 102, {}},
      {"not UTF-8, not ours", "88.200/\xff", {}, kPublic, 102, {}},
      {"status, PO", "0.site/STATUS", {}, kPublic, 200, {}},
      {"status without credentials", "0.SITE/status", {}, kEverything, 402, {}},
  };
  for (const Row& row : rows) {
    const Reply reply = resolve(row.name, row.filter, row.flags);
    EXPECT_EQ(reply.code(), row.code) << row.what;
    EXPECT_EQ(reply.indexes(), row.indexes) << row.what;
  }
}

TEST_F(Resolve, EmptyRecordExists) {
  node.put("88.101.5/EMPTY", {});
  EXPECT_EQ(resolve("88.101.5/EMPTY").code(), 200u);
  EXPECT_EQ(resolve("88.101.5/EMPTY", {}, kEverything).code(), 200u);
}

TEST_F(Resolve, TombstoneIsAbsent) {
  node.remove("88.101.5/A");
  EXPECT_EQ(resolve("88.101.5/A").code(), 100u);
}

TEST_F(Resolve, EchoesTheClientsSpelling) {
  EXPECT_EQ(resolve("88.101.5/a").response.name, "88.101.5/a");
  EXPECT_EQ(resolve("88.101.5").response.name, "88.101.5");
}

TEST_F(Resolve, CaseSensitiveSuffixes) {
  node.settings().node.case_sensitive = true;
  node.put("88.101.5/aB", {value(1, "URL", "mixed")});
  EXPECT_EQ(resolve("88.101.5/aB").code(), 1u);
  EXPECT_EQ(resolve("88.101.5/AB").code(), 100u);
  EXPECT_EQ(resolve("0.na/88.101.5").code(), 1u);
}

TEST_F(Resolve, FlagsOfAnAnswer) {
  const std::uint32_t asked = kPublic | handle::flag::kAuthoritative | handle::flag::kDoNotRefer |
                              handle::flag::kEncrypt | handle::flag::kKeepConnection |
                              handle::flag::kOverwrite | handle::flag::kMint | handle::flag::kContinuous |
                              0x4;
  const Reply reply = resolve("88.101.5/A", {}, asked, [](handle::Request& request) {
    request.header.recursion_count = 3;
    request.header.site_serial = 77;
    request.header.expiration = 1;
  });
  EXPECT_EQ(reply.response.header.flags, handle::flag::kAuthoritative | handle::flag::kRecursive |
                                             handle::flag::kCacheCertify | handle::flag::kPublicOnly |
                                             handle::flag::kDoNotRefer | handle::flag::kEncrypt);
  EXPECT_EQ(reply.response.header.recursion_count, 3);
  EXPECT_EQ(reply.response.header.site_serial, 1);
  EXPECT_EQ(reply.response.header.expiration, node.now.seconds() + 43'200);
  EXPECT_EQ(reply.response.envelope.request_id, 7u);
  EXPECT_EQ(reply.response.envelope.session_id, 0u);
}

TEST_F(Resolve, MirrorClaimsNoAuthority) {
  node.identity().site.primary = false;
  EXPECT_FALSE(
      resolve("88.101.5/A", {}, kPublic | handle::flag::kAuthoritative).has(handle::flag::kAuthoritative));
}

TEST_F(Resolve, PinnedCopyIsNotAuthoritative) {
  node.settings().node.prefixes = {"88.101"};
  node.put("0.NA/88.101", {site_value(1, "HS_SITE", node.identity().site)});
  for (const char* name : {"0.NA/88.101", "88.101"}) {
    const Reply reply = resolve(name, {}, kPublic | handle::flag::kAuthoritative);
    EXPECT_EQ(reply.code(), 1u) << name;
    EXPECT_FALSE(reply.has(handle::flag::kAuthoritative)) << name;
  }
  const Reply missing = resolve("0.NA/88.101", {{}, {"URL"}});
  EXPECT_EQ(missing.code(), 200u);
  EXPECT_FALSE(missing.has(handle::flag::kAuthoritative));
}

TEST_F(Resolve, StrangersPrefixRecordIsNoPinnedCopy) {
  node.put("0.NA/88.200", {value(1, "URL", "left behind")});
  EXPECT_EQ(resolve("0.NA/88.200").code(), 301u);
}

TEST_F(Resolve, AnswerOfAnotherServerOfTheSite) {
  handle::Site& site = node.identity().site;
  site.servers.push_back(site.servers.front());
  site.hash_option = 2;
  int here = 0;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t code = resolve("88.101.5/N" + std::to_string(i)).code();
    EXPECT_TRUE(code == 100 || code == 301);
    here += code == 100 ? 1 : 0;
  }
  EXPECT_GT(here, 10);
  EXPECT_LT(here, 54);
}

// §7.3 with a proof.
TEST_F(Resolve, ChallengeAndProof) {
  const Reply challenge = resolve("88.101.5/A", {{3}, {}}, kEverything);
  ASSERT_EQ(challenge.code(), 402u);
  EXPECT_TRUE(challenge.has(handle::flag::kReturnDigest));
  EXPECT_EQ(challenge.response.nonce.size(), 16u);
  EXPECT_EQ(challenge.response.request_digest.algorithm, 3);
  EXPECT_GE(challenge.response.envelope.session_id, 0x01000000u);
  EXPECT_LT(challenge.response.envelope.session_id, 0x80000000u);
  EXPECT_EQ(challenge.response.header.opcode, 1u);

  const Reply reply = answer(challenge);
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.indexes(), Indexes{3});
  EXPECT_EQ(reply.response.envelope.request_id, 8u);
  EXPECT_EQ(reply.response.envelope.session_id, 0u);
  EXPECT_EQ(reply.response.header.opcode, 1u);

  EXPECT_EQ(answer(challenge).code(), 405u) << "used up";
}

TEST_F(Resolve, ProofShowsWhatAdministratorsMayRead) {
  const Reply reply = answer(resolve("88.101.5/A", {}, kEverything));
  EXPECT_EQ(reply.indexes(), (Indexes{1, 2, 3, 100})) << "C15: never the value without a read bit";
}

TEST_F(Resolve, ProofOrderOfRefusals) {
  EXPECT_EQ(answer(resolve("88.101.5/A", {{3}, {}}, kEverything), "wrong").code(), 403u);
  node.put("88.101.5/OTHER", {value(301, "HS_SECKEY", "other", "1100")});
  EXPECT_EQ(answer(resolve("88.101.5/A", {{3}, {}}, kEverything), "other", "88.101.5/OTHER").code(), 400u);
}

TEST_F(Resolve, LateAnswerTimesOut) {
  const Reply challenge = resolve("88.101.5/A", {{3}, {}}, kEverything);
  node.now.steady_ms += 21'000;
  EXPECT_EQ(answer(challenge).code(), 405u);
}

TEST_F(Resolve, AnswerWithoutChallenge) {
  Reply challenge = resolve("88.101.5/A", {{3}, {}}, kEverything);
  const Reply reply = node.ask(answer_frame(challenge, kAdmin.handle, 301, kSecret,
                                            [](handle::Request& r) { r.envelope.session_id = 4444; }));
  EXPECT_EQ(reply.code(), 405u);
  EXPECT_EQ(reply.response.header.opcode, 200u);
  EXPECT_EQ(reply.response.envelope.request_id, 8u);
}

TEST_F(Resolve, StatusForAdministrators) {
  node.settings().node.administrators = {kAdmin};
  node.services.status_json = [] { return std::string("{\"n\":1}"); };
  node.services.started_ms = node.now.ms - 1234;
  const Reply reply = answer(resolve("0.SITE/status", {}, kEverything));
  ASSERT_EQ(reply.code(), 1u);
  const std::vector<Value> values = to_values(reply.response.values);
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0].type, "CNRI.SERVER_STATUS");
  EXPECT_NE(values[0].data.find("runtime=1234;"), std::string::npos) << values[0].data;
  EXPECT_EQ(values[1].data, "{\"n\":1}");
  EXPECT_EQ(values[2].type, "CNRI.REPLICATION_STATUS");
  node.settings().compat.status_handle = false;
  EXPECT_EQ(resolve("0.SITE/status", {}, kEverything).code(), 100u);
}

// §7.7 without namespaces: the delimiter of the node and a base record.
TEST_F(Resolve, ItemCodesFromABaseRecord) {
  EXPECT_EQ(resolve("88.101.5/A@17").code(), 100u);
  node.settings().compat.template_delimiter = "@";
  const Reply reply = resolve("88.101.5/A@17@2", {{1}, {}});
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.response.name, "88.101.5/A@17@2");
  EXPECT_EQ(resolve("88.101.5/NONE@17").code(), 100u);
  node.put("88.101.5/A@17@2", {value(9, "OWN", "own record wins")});
  EXPECT_EQ(resolve("88.101.5/A@17@2").indexes(), Indexes{9});
}

// §5 P2 and the sessions of §16.3, D18.
TEST_F(Resolve, WrongKindOfListener) {
  node.source.takes_queries = false;
  EXPECT_EQ(resolve("88.101.5/A").code(), 4u);
  node.source.takes_queries = true;
  node.source.takes_administration = false;
  EXPECT_EQ(node.ask(frame_of(OpCode::kListHandles, "0.NA/88.101.5")).code(), 4u);
  EXPECT_EQ(node.ask(frame_of(OpCode::kSiteInfo, "/")).code(), 1u);
}

TEST_F(Resolve, UnknownSessions) {
  const auto with_session = [&](std::uint32_t id) {
    return resolve("88.101.5/A", {}, kPublic, [id](handle::Request& r) { r.envelope.session_id = id; });
  };
  EXPECT_EQ(with_session(77).code(), 1u) << "connection session";
  EXPECT_EQ(with_session(77).response.envelope.session_id, 77u);
  EXPECT_EQ(with_session(0x80000001).code(), 1u) << "no session at all";
  EXPECT_EQ(with_session(0x01000001).code(), 500u) << "one of ours that is gone";
  node.settings().idis.connection_sessions = false;
  EXPECT_EQ(with_session(77).code(), 500u);
  EXPECT_EQ(with_session(77).response.envelope.session_id, 77u);
  node.settings().idis.connection_sessions = true;
  node.source.transport = Transport::kUdp;
  EXPECT_EQ(with_session(77).code(), 500u);
}

TEST_F(Resolve, ConnectionSessionKeepsItsIdThroughAChallenge) {
  const auto ask = [&] {
    return resolve("88.101.5/A", {{1}, {}}, kEverything,
                   [](handle::Request& r) { r.envelope.session_id = 10001; });
  };
  const Reply challenge = ask();
  ASSERT_EQ(challenge.code(), 402u) << "a session needs READ_VALUE even for public values";
  EXPECT_EQ(challenge.response.envelope.session_id, 10001u);
  // The same number on another connection is another session.
  node.source.connection = 2;
  EXPECT_EQ(answer(challenge).code(), 405u);
  const Reply other = ask();
  node.source.connection = 1;
  const Reply reply = answer(challenge);
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.response.envelope.session_id, 10001u);
  node.source.connection = 2;
  EXPECT_EQ(answer(other).code(), 1u);
}

TEST_F(Resolve, RefusedUntilOffered) {
  const std::pair<OpCode, std::uint32_t> rows[] = {
      {OpCode::kSessionTerminate, 500}, {OpCode::kNextTransactionId, 5}, {OpCode::kBackUp, 402}};
  for (const auto& [op, code] : rows) EXPECT_EQ(node.ask(frame_of(op, "/")).code(), code);
  EXPECT_EQ(node.ask(frame_of(OpCode::kLogin, "88.101.5/ADM", handle::LoginBody{301})).code(), 5u);
  handle::SessionSetupBody setup;
  setup.mode = 2;
  EXPECT_EQ(node.ask(frame_of(OpCode::kSessionSetup, "", setup)).code(), 501u);
  EXPECT_EQ(node.ask(frame_of(OpCode::kSessionKeyExchange, "", handle::KeyExchangeBody{})).code(), 501u);
}

TEST_F(Resolve, SiteInfoForAnybodyAboutAnything) {
  const Reply reply = node.ask(frame_of(OpCode::kSiteInfo, "\xff/x"));
  EXPECT_EQ(reply.code(), 1u);
  EXPECT_EQ(reply.response.site, node.identity().site_octets);
}

TEST_F(Resolve, DigestByVersion) {
  const auto digest = [&](std::uint8_t minor) {
    return resolve("88.101.5/A", {}, kPublic | handle::flag::kReturnDigest,
                   [minor](handle::Request& r) { r.envelope.suggested = {2, minor}; });
  };
  EXPECT_EQ(digest(11).response.request_digest.digest.size(), 32u);
  EXPECT_EQ(digest(7).response.request_digest.algorithm, 3);
  EXPECT_EQ(digest(6).response.request_digest.algorithm, 2);
  EXPECT_FALSE(digest(0).response.request_digest.present);
}

}  // namespace
}  // namespace idnode::logic_test
