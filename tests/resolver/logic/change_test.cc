// The tables of checks of add, modify, remove, home and unhome, in the order of BEHAVIOUR.md §9.5-9.7 and
// §10.3.
#include <gtest/gtest.h>

#include "storage/keys.h"
#include "tests/resolver/logic/change_world.h"

namespace idnode::test {
namespace {

using Values = Change;

TEST_F(Values, AddChecksInOrder) {
  const Value good = value(9, "URL", "x");
  EXPECT_EQ(code(add({}, 0, "88.102/A")), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(add({})), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(add({value(0, "URL", ""), good, good})), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(add({good, good})), ResponseCode::kValueExists);
  EXPECT_EQ(code(add({good}, 0, "88.101.5/NONE")), kChallenge);
  EXPECT_EQ(code(add({good}, 0, "88.101.5/NONE"), &owner), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(add({value(3, "URL", "x")})), kChallenge) << "unlike create";
  const Told exists = world.decide(add({good, value(3, "URL", "x")}), &stranger);
  EXPECT_EQ(exists.code, ResponseCode::kValueExists);
  EXPECT_NE(exists.text.find("3"), std::string::npos) << exists.text;
  EXPECT_EQ(code(add({good}), &stranger), ResponseCode::kInvalidAdmin);
  const Person liar = owner.lying();
  EXPECT_EQ(code(add({good}), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(code(add({good}), &owner), kOk);
}

TEST_F(Values, AddSortsAndKeepsTimestamps) {
  const Told told = world.change(add({value(2, "URL", "new")}), &owner);
  ASSERT_EQ(told.code, kOk);
  EXPECT_EQ(told.flags, 0U);
  const std::vector<Value> values = world.values("88.101.5/A");
  std::vector<std::uint32_t> indexes;
  for (const Value& v : values) indexes.push_back(v.index);
  EXPECT_EQ(indexes, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 100}));
  EXPECT_EQ(values[0].timestamp, kThen);
  EXPECT_EQ(values[1].timestamp, kNow);
}

TEST_F(Values, AddWithOverwrite) {
  const Told same = world.decide(add({value(3, "URL", "a")}, flag::kOverwrite), &owner);
  EXPECT_EQ(same.code, kOk);
  EXPECT_EQ(same.flags, flag::kOverwrite);
  const Told fixed = world.change(add({value(5, "FIXED", "changed")}, flag::kOverwrite), &owner);
  EXPECT_EQ(fixed.code, kOk) << "no read-only check here";
  EXPECT_EQ(fixed.flags, flag::kOverwrite);
  EXPECT_EQ(world.decide(add({value(9, "X", "")}, flag::kOverwrite), &owner).flags, 0U);
  EXPECT_EQ(code(add({value(3, "URL", "z")}, flag::kOverwrite), &stranger), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(add({value(4, "OPEN", "z", kOpen)}, flag::kOverwrite), &stranger), kOk) << "public write";
}

TEST_F(Values, ModifyChecksInOrder) {
  EXPECT_EQ(code(modify({value(9, "X", "")}, "88.102/A")), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(modify({value(9, "X", "")}, "88.101.5/NONE")), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(modify({value(9, "X", "")})), ResponseCode::kValuesNotFound) << "before the challenge";
  EXPECT_EQ(code(modify({value(5, "X", "")})), ResponseCode::kInsufficientPermissions);
  EXPECT_EQ(code(modify({value(3, "X", "")})), kChallenge);
  EXPECT_EQ(code(modify({value(3, "X", "")}), &stranger), ResponseCode::kInvalidAdmin);
  const Person liar = owner.lying();
  EXPECT_EQ(code(modify({value(3, "X", "")}), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(code(modify({value(9, "X", "")}, "88.101.5/A", flag::kOverwrite), &owner),
            ResponseCode::kValuesNotFound);
  world.settings.compat.modify_overwrite_adds = true;
  EXPECT_EQ(code(modify({value(9, "X", "")}, "88.101.5/A", flag::kOverwrite), &owner), kOk);
  EXPECT_EQ(code(modify({value(9, "X", "")}), &owner), ResponseCode::kValuesNotFound);
  const Told told = world.change(modify({value(3, "X", "new")}), &owner);
  EXPECT_EQ(told.code, kOk);
  EXPECT_EQ(told.flags, 0U);
  EXPECT_EQ(world.values("88.101.5/A")[0], value(3, "X", "new", kDefaultPermissions, kNow));
  EXPECT_EQ(world.values("88.101.5/A")[1].timestamp, kThen);
}

TEST_F(Values, AnybodyModifiesPublicWriteValues) {
  const Told told = world.change(modify({value(4, "OPEN", "by anybody", kOpen)}));
  EXPECT_EQ(told.code, kOk);
  ASSERT_TRUE(told.mutation);
  EXPECT_TRUE(told.reads(homed_key("0.NA/88.101.5")));
  EXPECT_EQ(world.values("88.101.5/A")[2].data, "by anybody");
  EXPECT_EQ(code(modify({value(4, "HS_ADMIN", "")})), kChallenge);
  EXPECT_EQ(code(modify({value(4, "OPEN", ""), value(3, "URL", "")})), kChallenge);
}

TEST_F(Values, RemoveChecksInOrder) {
  EXPECT_EQ(code(remove({1}, "88.102/A")), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(remove({1}, "88.101.5/NONE")), kChallenge);
  EXPECT_EQ(code(remove({1}, "88.101.5/NONE"), &owner), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(remove({9})), kChallenge);
  EXPECT_EQ(code(remove({1, 9}), &stranger), ResponseCode::kValuesNotFound) << "before the proof";
  EXPECT_EQ(code(remove({1}), &stranger), ResponseCode::kInvalidAdmin);
  const Person liar = owner.lying();
  EXPECT_EQ(code(remove({1}), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(code(remove({}), &owner), kOk);
  EXPECT_EQ(code(remove({}), &stranger), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(world.change(remove({5}), &owner).code, kOk) << "read-only values too";
  world.settings.compat.enforce_admin_write_on_remove = true;
  world.put("88.101.5/A", {value(5, "FIXED", "f", kAdminRead), admin(100, "88.101.5/OWNER", 301)});
  EXPECT_EQ(code(remove({5}), &owner), ResponseCode::kInsufficientPermissions);
  EXPECT_EQ(world.change(remove({100}), &owner).code, kOk);
  EXPECT_EQ(world.values("88.101.5/A").size(), 1U);
}

TEST_F(Values, RemovingEverythingLeavesAnEmptyRecord) {
  EXPECT_EQ(world.change(remove({1, 3, 4, 5, 100}), &owner).code, kOk);
  EXPECT_TRUE(world.exists("88.101.5/A"));
  EXPECT_TRUE(world.values("88.101.5/A").empty());
}

TEST_F(Values, RequireAdminValueIsAnOption) {
  world.settings.compat.require_admin_value = true;
  EXPECT_EQ(code(create("88.101.5/B", {value(1, "X", "")}), &creator), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(create("88.101.5/B", {admin(1, "88.101.5/X", 1)}), &creator), kOk);
  EXPECT_EQ(code(remove({100}), &owner), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(remove({1}), &owner), kOk);
  world.put("88.101.5/A", {value(1, "X", "")});
  world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301)});
  EXPECT_EQ(code(modify({value(1, "X", "y")}), &creator), kOk) << "it had none before";
}

TEST_F(Values, RecordsThatNoAnswerCouldCarry) {
  const std::string name = "88.101.5/A";
  const std::size_t fixed = 24 + 4 + name.size() + 4 + 4;
  std::vector<Value> values = world.values(name);
  std::string encoded;
  encode_all(values, encoded);
  const std::size_t left = 262'124 - fixed - encoded.size() - kSmallestValue - 1;
  EXPECT_EQ(code(add({value(9, "X", std::string(left, 'x'))}), &owner), kOk);
  EXPECT_EQ(code(add({value(9, "X", std::string(left + 1, 'x'))}), &owner), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(add({value(9, "X", std::string(left + 1, 'x'))})), kChallenge);
  EXPECT_EQ(code(add({value(9, "X", std::string(left + 1, 'x'))}), &stranger), ResponseCode::kInvalidAdmin);
}

TEST_F(Values, RecordsWithTooManyValues) {
  std::vector<Value> values = {admin(1, "88.101.5/OWNER", 301)};
  for (std::uint32_t i = 2; i <= 2'040; ++i) values.push_back(value(i, "X", ""));
  world.put("88.101.5/A", values);
  std::vector<Value> more;
  for (std::uint32_t i = 3'000; i < 3'008; ++i) more.push_back(value(i, "X", ""));
  EXPECT_EQ(code(add(more), &owner), kOk) << "2,048";
  more.push_back(value(4'000, "X", ""));
  EXPECT_EQ(code(add(more), &owner), ResponseCode::kInvalidValue);
}

TEST_F(Values, HomeChecksInOrder) {
  world.settings.node.administrators = {{"88.101/ROOT", 301}};
  EXPECT_EQ(code(home("88.101.8/x")), ResponseCode::kInvalidHandle);
  EXPECT_EQ(code(home("0.NA/88.101.8/x")), ResponseCode::kInvalidHandle);
  EXPECT_EQ(code(home("0.NA/")), ResponseCode::kInvalidHandle);
  EXPECT_EQ(code(home("88.101.8")), kChallenge);
  EXPECT_EQ(code(home("88.101.8"), &owner), ResponseCode::kInvalidAdmin);
  const Person liar = root.lying();
  EXPECT_EQ(code(home("88.101.8"), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(world.decide(home("88.101.8"), &root).mutation->action, "home");

  EXPECT_EQ(code(create("88.101.8/B", {}), &root), ResponseCode::kNotResponsible);
  EXPECT_EQ(world.change(home("88.101.8"), &root).code, kOk);
  EXPECT_EQ(code(create("88.101.8/B", {}), &root), kOk);
  const Told again = world.decide(home("0.na/88.101.8"), &root);
  EXPECT_EQ(again.code, kOk);
  EXPECT_FALSE(again.mutation) << "it is homed already";

  EXPECT_EQ(code(unhome("88.101.8")), kChallenge);
  EXPECT_EQ(world.change(unhome("0.NA/88.101.8"), &root).code, kOk);
  EXPECT_EQ(code(create("88.101.8/B", {}), &root), ResponseCode::kNotResponsible);
  const Told gone = world.decide(unhome("88.101.8"), &root);
  EXPECT_EQ(gone.code, kOk);
  EXPECT_FALSE(gone.mutation);
  EXPECT_EQ(world.change(home("88.101.8"), &root).code, kOk) << "a tombstone is no obstacle";
}

TEST_F(Values, MarkersAreHomedLikePrefixes) {
  world.settings.node.administrators = {{"88.101/ROOT", 301}};
  EXPECT_EQ(code(create("0.NA/88.105.1", {}), &root), ResponseCode::kNotResponsible);
  EXPECT_EQ(world.change(home("0.NA/0.NA/88.105"), &root).code, kOk);
  EXPECT_EQ(code(create("0.NA/88.105.1", {}), &root), kOk);
  EXPECT_EQ(code(create("0.NA/88.105.1.2", {}), &root), kOk);
  EXPECT_EQ(code(create("0.NA/88.105", {}), &root), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(create("88.105.1/X", {}), &root), ResponseCode::kNotResponsible);
}

TEST_F(Values, EverythingIsTheSameFromADisk) {
  world.settings.node.administrators = {{"88.101/ROOT", 301}};
  const std::vector<std::pair<Ask, const Person*>> asks = {
      {create("88.101.5/B", {value(1, "URL", "x")}), &creator},
      {create("88.101.5/A", {value(3, "URL", "a")}, flag::kOverwrite), &owner},
      {create("88.101.5/A", {}), nullptr},
      {erase("88.101.5/A"), &owner},
      {add({value(9, "X", "")}), &owner},
      {modify({value(3, "X", "")}), &owner},
      {modify({value(4, "OPEN", "z", kOpen)}), nullptr},
      {remove({1}), &owner},
      {remove({1}), &stranger},
      {home("88.101.8"), &root},
  };
  for (const auto& [ask, who] : asks) {
    world.store.slow = false;
    const Told warm = world.decide(ask, who);
    world.store.slow = true;
    world.store.forget();
    const Told cold = world.decide(ask, who);
    EXPECT_EQ(cold.code, warm.code) << ask.name;
    EXPECT_EQ(cold.mutation.has_value(), warm.mutation.has_value());
    EXPECT_GT(cold.rounds, 1);
    EXPECT_LE(cold.rounds, 7);
    if (warm.mutation && cold.mutation) {
      EXPECT_EQ(cold.mutation->writes[0].image, warm.mutation->writes[0].image);
      EXPECT_EQ(cold.mutation->reads.size(), warm.mutation->reads.size());
    }
  }
}

TEST_F(Values, CaseSensitiveSuffixes) {
  world.settings.node.case_sensitive = true;
  world.put("88.101.5/aB", {admin(100, "88.101.5/OWNER", 301)});
  EXPECT_EQ(code(erase("88.101.5/AB"), &owner), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(erase("88.101.5/aB"), &owner), kOk);
  EXPECT_EQ(code(create("88.101.5/Ab", {}), &creator), kOk);
}

}  // namespace
}  // namespace idnode::test
