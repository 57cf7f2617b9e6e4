// Who may: HS_ADMIN, the default administrator, groups, server administrators, and the proofs of all of them
// (BEHAVIOUR.md §8.4-8.8).
#include <gtest/gtest.h>

#include <fstream>

#include "resolver/logic/authorize.h"
#include "resolver/logic/context.h"
#include "storage/keys.h"
#include "tests/resolver/logic/world.h"

namespace idnode::test {
namespace {

using handle::OpCode;
using handle::ResponseCode;

constexpr auto kOk = ResponseCode::kSuccess;

class Permission : public ::testing::Test {
 protected:
  Permission() {
    world.home("0.NA/88.101.5");
    world.home("0.NA/0.NA/88.101");
    world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301)});
    prefix_admin = world.person("88.101.5/PREFIX");
    owner = world.person("88.101.5/OWNER");
    stranger = world.person("88.101.5/STRANGER");
    world.put("88.101.5/A", {value(1, "URL", "a"), admin(100, "88.101.5/OWNER", 301)});
  }
  ResponseCode remove_a(const Person& who) {
    return world.decide({.op = OpCode::kDelete, .name = "88.101.5/A"}, &who).code;
  }
  void administer(const std::vector<Value>& values) { world.put("88.101.5/A", values); }

  World world;
  Person prefix_admin;
  Person owner;
  Person stranger;
};

TEST_F(Permission, EveryBitIsItsOwn) {
  struct Row {
    const char* what;
    Ask ask;
    std::uint16_t needed;
  };
  const Value a_admin = admin(101, "88.101.5/X", 1);
  const std::vector<Row> rows = {
      {"delete", {.op = OpCode::kDelete, .name = "88.101.5/A"}, handle::kDeleteHandle},
      {"add",
       {.op = OpCode::kAddValues, .name = "88.101.5/A", .values = {value(9, "X", "")}},
       handle::kAddValue},
      {"add admin", {.op = OpCode::kAddValues, .name = "88.101.5/A", .values = {a_admin}}, handle::kAddAdmin},
      {"modify",
       {.op = OpCode::kModifyValues, .name = "88.101.5/A", .values = {value(1, "URL", "b")}},
       handle::kModifyValue},
      {"modify admin",
       {.op = OpCode::kModifyValues, .name = "88.101.5/A", .values = {admin(100, "88.101.5/X", 1)}},
       handle::kModifyAdmin},
      {"remove", {.op = OpCode::kRemoveValues, .name = "88.101.5/A", .indexes = {1}}, handle::kRemoveValue},
      {"remove admin",
       {.op = OpCode::kRemoveValues, .name = "88.101.5/A", .indexes = {100}},
       handle::kRemoveAdmin},
  };
  for (const Row& row : rows) {
    for (std::uint16_t bit = 1; bit <= handle::kListHandles; bit = static_cast<std::uint16_t>(bit << 1)) {
      administer({value(1, "URL", "a"), admin(100, "88.101.5/OWNER", 301, bit)});
      const Told told = world.decide(row.ask, &owner);
      EXPECT_EQ(told.code, bit == row.needed ? kOk : ResponseCode::kInvalidAdmin)
          << row.what << " with permission " << bit;
      EXPECT_EQ(told.mutation.has_value(), bit == row.needed);
    }
  }
}

TEST_F(Permission, AllInOneValue) {
  const Ask both{.op = OpCode::kRemoveValues, .name = "88.101.5/A", .indexes = {1, 100}};
  administer({value(1, "URL", "a"), admin(100, "88.101.5/OWNER", 301, handle::kRemoveValue),
              admin(101, "88.101.5/OWNER", 301, handle::kRemoveAdmin)});
  EXPECT_EQ(world.decide(both, &owner).code, ResponseCode::kInvalidAdmin);
  administer(
      {value(1, "URL", "a"), admin(100, "88.101.5/OWNER", 301, handle::kRemoveValue | handle::kRemoveAdmin)});
  EXPECT_EQ(world.decide(both, &owner).code, kOk);
}

TEST_F(Permission, IdentityComparison) {
  Person who = owner;
  who.identity = "88.101.5/owner";
  EXPECT_EQ(remove_a(who), ResponseCode::kInvalidAdmin) << "suffixes are exact";
  EXPECT_EQ(remove_a(owner.as(302)), ResponseCode::kInvalidAdmin) << "another index";
  administer({admin(100, "88.101.5/OWNER", 0)});
  EXPECT_EQ(remove_a(owner), kOk) << "a listed 0 takes any index";
  administer({value(100, "HS_ADMIN", "not decodable"), admin(101, "88.101.5/OWNER", 301)});
  EXPECT_EQ(remove_a(owner), kOk) << "what does not decode is skipped";
  Value below = admin(100, "88.101.5/OWNER", 301);
  below.type = "hs_admin.sub";
  administer({below});
  EXPECT_EQ(remove_a(owner), kOk);
}

TEST_F(Permission, IndexZeroBecomesTheKeyThatVerifies) {
  world.put("88.101.5/OWNER", {value(302, "HS_SECKEY", "another"), value(301, "HS_SECKEY", owner.secret)});
  EXPECT_EQ(remove_a(owner.as(0)), kOk);
  EXPECT_EQ(remove_a(owner.as(0).lying()), ResponseCode::kInvalidAdmin) << "400 before 403";
  administer({admin(100, "88.101.5/OWNER", 302)});
  EXPECT_EQ(remove_a(owner.as(0)), ResponseCode::kInvalidAdmin) << "it is 301, not 302";
  administer({admin(100, "88.101.5/OWNER", 0)});
  EXPECT_EQ(remove_a(owner.as(0)), kOk);
  EXPECT_EQ(remove_a(owner.as(0).lying()), ResponseCode::kAuthenticationFailed);
  administer({admin(100, "88.101.5/G", 200)});
  world.put("88.101.5/G", {group(200, {{"88.101.5/OWNER", 301}})});
  EXPECT_EQ(remove_a(owner.as(0)), kOk) << "also as the member of a group";
}

TEST_F(Permission, FourHundredBeforeFourHundredAndThree) {
  EXPECT_EQ(remove_a(owner.lying()), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(remove_a(stranger.lying()), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(remove_a(stranger), ResponseCode::kInvalidAdmin);
  const Told told = world.decide({.op = OpCode::kDelete, .name = "88.101.5/A"}, &stranger);
  EXPECT_EQ(told.proofs, 0) << "a stranger costs no proof";
}

TEST_F(Permission, TypesOfProof) {
  Person who = owner;
  who.type = "HS_FOO";
  EXPECT_EQ(remove_a(who), ResponseCode::kInvalidCredential);
  who.type = "HS_PUBKEY";
  EXPECT_EQ(remove_a(who), ResponseCode::kAuthenticationFailed) << "there is no public key at 301";
  who = stranger;
  who.type = "HS_FOO";
  EXPECT_EQ(remove_a(who), ResponseCode::kInvalidAdmin);
}

TEST_F(Permission, KeysThatCanNotBeHad) {
  world.erase("88.101.5/OWNER");
  EXPECT_EQ(remove_a(owner), ResponseCode::kAuthenticationFailed);
  Person elsewhere = owner;
  elsewhere.identity = "99.1/OWNER";
  administer({admin(100, "99.1/OWNER", 301)});
  EXPECT_EQ(remove_a(elsewhere), ResponseCode::kAuthenticationFailed);
  world.put("99.1/OWNER", {value(301, "HS_SECKEY", owner.secret)});
  EXPECT_EQ(remove_a(elsewhere), ResponseCode::kAuthenticationFailed) << "we do not speak for 99.1";
  world.home("0.NA/99.1");
  EXPECT_EQ(remove_a(elsewhere), kOk);
}

TEST_F(Permission, Md5IsRefusedUnlessItIsAllowed) {
  owner.weak = true;
  EXPECT_EQ(remove_a(owner), ResponseCode::kAuthenticationFailed);
  world.settings.limits.allow_md5 = 1;
  EXPECT_EQ(remove_a(owner), kOk);
}

TEST_F(Permission, IterationsAreBounded) {
  world.settings.limits.pbkdf2_iterations = 1;
  EXPECT_EQ(remove_a(owner), ResponseCode::kAuthenticationFailed);
  world.settings.limits.pbkdf2_iterations = 2;
  EXPECT_EQ(remove_a(owner), kOk);
}

TEST_F(Permission, PublicKeys) {
  Person rsa{.identity = "88.101.5/RSA", .index = 300};
  rsa.key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value();
  world.put("88.101.5/RSA", {value(300, "HS_PUBKEY", rsa.key->public_key().serialize())});
  administer({admin(100, "88.101.5/RSA", 300)});
  EXPECT_EQ(remove_a(rsa), kOk);
  EXPECT_EQ(remove_a(rsa.lying()), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(remove_a(rsa.as(0)), kOk);
  world.put("88.101.5/RSA", {value(300, "HS_PUBKEY.SUB", rsa.key->public_key().serialize())});
  EXPECT_EQ(remove_a(rsa), ResponseCode::kAuthenticationFailed) << "exactly HS_PUBKEY";
  const auto other = crypto::PrivateKey::generate(crypto::KeyKind::kP256).value();
  world.put("88.101.5/RSA", {value(300, "HS_PUBKEY", other.public_key().serialize())});
  EXPECT_EQ(remove_a(rsa), ResponseCode::kAuthenticationFailed) << "somebody else's key";
  world.put("88.101.5/RSA", {value(300, "HS_PUBKEY", "no key")});
  EXPECT_EQ(remove_a(rsa), ResponseCode::kAuthenticationFailed);
}

// The key of one golden vector, in the layout of the Handle System.
crypto::PrivateKey golden_key(std::string_view name) {
  std::ifstream file(IDNODE_SOURCE_DIR "/tests/golden/handle/wire-vectors.jsonl");
  const std::string wanted = "\"name\":\"" + std::string(name) + "\"";
  for (std::string line; std::getline(file, line);) {
    if (line.find(wanted) == std::string::npos) continue;
    const std::size_t at = line.rfind("\"hex\":\"") + 7;
    const std::string octets = from_hex(line.substr(at, line.find('"', at) - at)).value();
    return crypto::PrivateKey::parse(octets).value();
  }
  throw std::runtime_error("no such vector");
}

TEST_F(Permission, DsaKeys) {
  Person dsa{.identity = "88.101.5/DSA", .index = 300};
  dsa.key = golden_key("privkey_dsa");
  world.put("88.101.5/DSA", {value(300, "HS_PUBKEY", dsa.key->public_key().serialize())});
  administer({admin(100, "88.101.5/DSA", 300)});
  EXPECT_EQ(remove_a(dsa), kOk);
  EXPECT_EQ(remove_a(dsa.lying()), ResponseCode::kAuthenticationFailed);
}

TEST_F(Permission, ShortRsaKeysAreRefused) {
  Person rsa{.identity = "88.101.5/RSA", .index = 300};
  rsa.key = golden_key("small_privkey_rsa_crt");
  ASSERT_EQ(rsa.key->bits(), 1024);
  world.put("88.101.5/RSA", {value(300, "HS_PUBKEY", rsa.key->public_key().serialize())});
  administer({admin(100, "88.101.5/RSA", 300)});
  EXPECT_EQ(remove_a(rsa), ResponseCode::kAuthenticationFailed);
}

TEST_F(Permission, DefaultAdministrator) {
  administer({value(1, "URL", "a")});
  EXPECT_EQ(remove_a(prefix_admin), kOk);
  EXPECT_EQ(remove_a(owner), ResponseCode::kInvalidAdmin);
  const Told told = world.decide({.op = OpCode::kDelete, .name = "88.101.5/A"}, &prefix_admin);
  EXPECT_TRUE(told.reads(record_key("0.NA/88.101.5", false))) << "the prefix record decided it";
  administer({value(1, "URL", "a"), admin(100, "88.101.5/OWNER", 301, handle::kReadValue)});
  EXPECT_EQ(remove_a(prefix_admin), ResponseCode::kInvalidAdmin) << "one own HS_ADMIN switches it off";
  administer({value(1, "URL", "a"), value(100, "HS_ADMIN", "broken")});
  EXPECT_EQ(remove_a(prefix_admin), ResponseCode::kInvalidAdmin) << "also one that does not decode";
  administer({value(1, "URL", "a")});
  world.settings.node.default_administrator = false;
  EXPECT_EQ(remove_a(prefix_admin), ResponseCode::kInvalidAdmin);
}

TEST_F(Permission, ImpliedPermissionsAreThoseOfThePrefixRecord) {
  administer({value(1, "URL", "a")});
  world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301, handle::kAddHandle | handle::kModifyValue)});
  EXPECT_EQ(remove_a(prefix_admin), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(world
                .decide({.op = OpCode::kModifyValues, .name = "88.101.5/A", .values = {value(1, "URL", "b")}},
                        &prefix_admin)
                .code,
            kOk);
}

TEST_F(Permission, ServerAdministratorsMayEverything) {
  const Person root = world.person("88.101.5/ROOT");
  EXPECT_EQ(remove_a(root), ResponseCode::kInvalidAdmin);
  world.settings.node.administrators = {{"88.101.5/ROOT", 301}};
  EXPECT_EQ(remove_a(root), kOk);
  EXPECT_EQ(remove_a(root.lying()), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(world.decide({.op = OpCode::kCreate, .name = "0.NA/88.101.9"}, &root).code, kOk);
  world.settings.node.administrators = {{"88.101.5/OPERATORS", 200}};
  EXPECT_EQ(remove_a(root), ResponseCode::kInvalidAdmin);
  world.put("88.101.5/OPERATORS", {group(200, {{"88.101.5/ROOT", 301}})});
  EXPECT_EQ(remove_a(root), kOk);
}

TEST_F(Permission, Groups) {
  administer({admin(100, "88.101.5/G", 200)});
  world.put("88.101.5/G", {group(200, {{"88.101.5/OTHER", 1}, {"88.101.5/H", 200}}),
                           group(201, {{"88.101.5/STRANGER", 301}})});
  world.put("88.101.5/H", {group(200, {{"88.101.5/G", 200}, {"88.101.5/OWNER", 301}})});
  const Told told = world.decide({.op = OpCode::kDelete, .name = "88.101.5/A"}, &owner);
  EXPECT_EQ(told.code, kOk) << "two levels and a cycle";
  EXPECT_TRUE(told.reads(record_key("88.101.5/G", false)));
  EXPECT_TRUE(told.reads(record_key("88.101.5/H", false)));
  EXPECT_TRUE(told.reads(record_key("88.101.5/OWNER", false))) << "the key";
  EXPECT_EQ(remove_a(stranger), ResponseCode::kInvalidAdmin) << "a member of another value";
  EXPECT_EQ(remove_a(owner.lying()), ResponseCode::kAuthenticationFailed);

  administer({admin(100, "88.101.5/G", 0)});
  EXPECT_EQ(remove_a(owner), ResponseCode::kInvalidAdmin) << "index 0 is not expanded";
  administer({admin(100, "88.101.5/G", 200)});
  Value not_a_list = group(200, {{"88.101.5/OWNER", 301}});
  not_a_list.type = "URL";
  world.put("88.101.5/G", {not_a_list});
  EXPECT_EQ(remove_a(owner), ResponseCode::kInvalidAdmin);
  administer({admin(100, "99.1/G", 200)});
  world.put("99.1/G", {group(200, {{"88.101.5/OWNER", 301}})});
  EXPECT_EQ(remove_a(owner), ResponseCode::kInvalidAdmin) << "a group that is not ours to tell";
}

// U5: lists that lead round and round, each to itself and to the next a thousand times over. A list is walked
// once, so the member behind the ring is still found, and nothing is asked of anybody.
TEST_F(Permission, GroupListCyclesEnd) {
  constexpr int kRing = 3, kTimes = 1'000;
  administer({admin(100, "88.101.5/G0", 200)});
  for (int i = 0; i < kRing; ++i) {
    const Reference self{"88.101.5/G" + std::to_string(i), 200};
    const Reference next{"88.101.5/G" + std::to_string((i + 1) % kRing), 200};
    std::vector<Reference> members;
    for (int n = 0; n < kTimes; ++n) members.insert(members.end(), {self, next});
    if (i == kRing - 1) members.push_back({"88.101.5/OWNER", 301});
    world.put(self.handle, {group(200, members)});
  }
  for (const auto& [who, code] : {std::pair{owner, kOk}, std::pair{stranger, ResponseCode::kInvalidAdmin}}) {
    const std::size_t before = world.store.reads;
    EXPECT_EQ(remove_a(who), code);
    // The record, the ring, a key, each with the home of its prefix, of which there is one.
    EXPECT_LE(world.store.reads - before, kRing + 8U) << "a list was read more than once";
  }
}

TEST_F(Permission, GroupsAreBoundedInDepth) {
  administer({admin(100, "88.101.5/G1", 200)});
  for (int i = 1; i <= 21; ++i) {
    const Reference next =
        i == 21 ? Reference{"88.101.5/STRANGER", 301} : Reference{"88.101.5/G" + std::to_string(i + 1), 200};
    std::vector<Reference> members = {next};
    if (i == 20) members.push_back({"88.101.5/OWNER", 301});
    world.put("88.101.5/G" + std::to_string(i), {group(200, members)});
  }
  EXPECT_EQ(remove_a(owner), kOk) << "twenty levels";
  EXPECT_EQ(remove_a(stranger), ResponseCode::kInvalidAdmin) << "twenty-one";
}

TEST_F(Permission, GroupsAreBoundedInReferences) {
  std::vector<Reference> many;
  for (int i = 0; i < 1'500; ++i) many.push_back({"88.101.5/N" + std::to_string(i), 200});
  administer({admin(100, "88.101.5/G", 200)});
  world.put("88.101.5/G", {group(200, many)});
  world.put("88.101.5/N998", {group(200, {{"88.101.5/OWNER", 301}})});
  world.put("88.101.5/N999", {group(200, {{"88.101.5/STRANGER", 301}})});
  EXPECT_EQ(remove_a(owner), kOk) << "the thousandth reference is followed";
  EXPECT_EQ(remove_a(stranger), ResponseCode::kInvalidAdmin);
}

// Whose change the log says it was: nobody's, when all that names anybody is the id of his session.
TEST_F(Permission, WhatCarriesAProof) {
  struct Row {
    const char* what;
    bool authenticated, keyed, credential, presented, expected;
  };
  for (const Row& row : {Row{"nothing", false, false, false, false, false},
                         Row{"a session that has proven nothing", false, true, true, false, false},
                         Row{"a session, no MAC", true, true, false, false, false},
                         Row{"a session and a MAC, still to be looked at", true, true, true, false, true},
                         Row{"a login", true, false, false, false, true},
                         Row{"an answered challenge", false, false, false, true, true},
                         Row{"an answered challenge in a session, no MAC", true, true, false, true, true}}) {
    Services services;
    services.settings = std::make_shared<Settings>();
    Context context(services);
    handle::Request carrier;
    carrier.credential.present = row.credential;
    const PresentedProof presented;
    context.carrier = &carrier;
    context.session.authenticated = row.authenticated;
    if (row.keyed) context.session.live = std::make_shared<const Session>();
    if (row.presented) context.presented = &presented;
    EXPECT_EQ(carries_proof(context), row.expected) << row.what;
  }
}

TEST_F(Permission, FromADiskTheSameInFewRounds) {
  administer({admin(100, "88.101.5/G", 200), admin(101, "88.101.5/H", 200)});
  world.put("88.101.5/G", {group(200, {{"88.101.5/OTHER", 1}})});
  world.put("88.101.5/H", {group(200, {{"88.101.5/OWNER", 301}})});
  world.store.slow = true;
  const Told told = world.decide({.op = OpCode::kDelete, .name = "88.101.5/A"}, &owner);
  EXPECT_EQ(told.code, kOk);
  EXPECT_EQ(told.proofs, 1);
  EXPECT_LE(told.rounds, 5) << "both groups are asked for at once";
}

TEST_F(Permission, ABrokenStoreIsNoRefusal) {
  administer({admin(100, "88.101.5/G", 200)});
  world.put("88.101.5/G", {group(200, {{"88.101.5/OWNER", 301}})});
  world.store.broken = {record_key("88.101.5/G", false)};
  EXPECT_EQ(remove_a(owner), ResponseCode::kUnableToAuthenticate);
  world.store.broken = {record_key("88.101.5/OWNER", false)};
  EXPECT_EQ(remove_a(owner), ResponseCode::kUnableToAuthenticate);
  world.store.broken = {record_key("88.101.5/A", false)};
  EXPECT_EQ(remove_a(owner), ResponseCode::kError);
}

}  // namespace
}  // namespace idnode::test
