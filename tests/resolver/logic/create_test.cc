// The tables of checks of create and delete, in the order of BEHAVIOUR.md §9.2-9.4.
#include <gtest/gtest.h>

#include "storage/keys.h"
#include "tests/resolver/logic/change_world.h"

namespace idnode::test {
namespace {

using Create = Change;

TEST_F(Create, CreateChecksInOrder) {
  const Value good = value(1, "URL", "x");
  EXPECT_EQ(code(create("88.102/B", {value(0, "URL", "x")})), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(create("88.101.6/B", {good})), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(create("88.101.5/\xff", {good})), ResponseCode::kInvalidHandle);
  EXPECT_EQ(code(create("88.101.5/A", {value(0, "URL", "x"), good, good})), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(create("88.101.5/A", {good, good})), ResponseCode::kValueExists);
  EXPECT_EQ(code(create("88.101.5/A", {value(1, "\xff", "x")})), ResponseCode::kInvalidValue);
  EXPECT_EQ(code(create("88.101.5/a", {good})), ResponseCode::kHandleExists) << "before any challenge";
  EXPECT_EQ(code(create("88.101.5/A", {good}, flag::kOverwrite)), kChallenge);
  EXPECT_EQ(code(create("88.101.5/B", {good})), kChallenge);
  EXPECT_EQ(code(create("88.101.5/B", {good}), &stranger), ResponseCode::kInvalidAdmin);
  const Person liar = creator.lying();
  EXPECT_EQ(code(create("88.101.5/B", {good}), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(code(create("88.101.5/A", {good}), &liar), ResponseCode::kHandleExists);
  EXPECT_EQ(code(create("88.101.5/B", {good}), &creator), kOk);
}

TEST_F(Create, CreateKeepsSpellingOrderAndTime) {
  const Told told =
      world.change(create("88.101.5/aB", {value(7, "URL", "x"), value(2, "DESC", "y")}), &creator);
  ASSERT_EQ(told.code, kOk);
  EXPECT_EQ(told.name, "88.101.5/aB");
  EXPECT_EQ(told.flags, 0U);
  EXPECT_EQ(told.mutation->action, "create");
  EXPECT_EQ(world.spelling("88.101.5/AB"), "88.101.5/aB");
  EXPECT_EQ(world.created("88.101.5/AB"), kNowMs);
  const Value first = value(7, "URL", "x", kDefaultPermissions, kNow);
  const Value second = value(2, "DESC", "y", kDefaultPermissions, kNow);
  EXPECT_EQ(world.values("88.101.5/AB"), (std::vector{first, second}));
  EXPECT_EQ(code(create("88.101.5/AB", {}), &creator), ResponseCode::kHandleExists);
  EXPECT_EQ(code(create("88.101.5/EMPTY", {}), &creator), kOk);
}

TEST_F(Create, CreateRestsOnEverythingItWasDecidedOn) {
  const Told told = world.decide(create("88.101.5/B", {value(1, "URL", "x")}), &creator);
  EXPECT_TRUE(told.reads(record_key("88.101.5/B", false)));
  EXPECT_TRUE(told.reads(record_key("0.NA/88.101.5", false)));
  EXPECT_TRUE(told.reads(record_key("88.101.5/PREFIX", false)));
  EXPECT_TRUE(told.reads(homed_key("0.NA/88.101.5")));
}

TEST_F(Create, CreateAfterDeleteIsNew) {
  world.erase("88.101.5/A");
  const Told told = world.decide(create("88.101.5/A", {value(1, "URL", "x")}), &creator);
  ASSERT_EQ(told.code, kOk);
  for (const Read& read : told.mutation->reads) {
    if (read.key == record_key("88.101.5/A", false)) EXPECT_NE(read.version, 0U) << "the tombstone's";
  }
}

TEST_F(Create, CreateOfPrefixRecordsTakesTheParent) {
  EXPECT_EQ(code(create("0.NA/88.101.7", {}), &root), kOk);
  EXPECT_TRUE(world.decide(create("0.NA/88.101.7", {}), &root).reads(homed_key("0.NA/0.NA/88.101")));
  EXPECT_EQ(code(create("0.NA/88.101.7", {}), &creator), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(create("0.NA/88.101.5.1", {}), &root), ResponseCode::kInvalidAdmin)
      << "the parent is 88.101.5";
  EXPECT_EQ(code(create("0.NA/88.101.5.1", {}), &creator), ResponseCode::kInvalidAdmin) << "ADD_HANDLE only";
  world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301, handle::kAddDerivedPrefix)});
  EXPECT_EQ(code(create("0.NA/88.101.5.1", {}), &creator), kOk);
  EXPECT_EQ(code(create("88.101.5/B", {}), &creator), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(create("0.NA/88", {}), &root), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(create("0.NA/88.102", {}), &root), ResponseCode::kNotResponsible);
}

TEST_F(Create, TopLevelPrefixesTakeTheRoot) {
  world.home("0.NA/0.NA");
  world.put("0.NA/0.NA", {admin(100, "88.101/ROOT", 301, handle::kAddHandle)});
  EXPECT_EQ(code(create("0.NA/77", {}), &root), kOk);
  EXPECT_EQ(code(create("0.NA/77", {}), &creator), ResponseCode::kInvalidAdmin);
}

TEST_F(Create, WithoutPrefixRecordOnlyServerAdministratorsCreate) {
  world.erase("0.NA/88.101.5");
  EXPECT_EQ(code(create("88.101.5/B", {}), &creator), ResponseCode::kInvalidAdmin);
  world.put("0.NA/88.101.5", {value(1, "URL", "no administrator")});
  EXPECT_EQ(code(create("88.101.5/B", {}), &creator), ResponseCode::kInvalidAdmin);
  world.settings.node.administrators = {{creator.identity, 301}};
  EXPECT_EQ(code(create("88.101.5/B", {}), &creator), kOk);
}

TEST_F(Create, Mint) {
  EXPECT_EQ(code(create("88.101.5/X-", {}, flag::kMint)), kChallenge);
  const Told told = world.change(create("88.101.5/X-", {value(1, "URL", "x")}, flag::kMint), &creator);
  ASSERT_EQ(told.code, kOk);
  EXPECT_EQ(told.flags, flag::kMint);
  const std::string uuid = told.name.substr(std::string("88.101.5/X-").size());
  EXPECT_EQ(told.name.substr(0, 11), "88.101.5/X-");
  ASSERT_EQ(uuid.size(), 36U);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) EXPECT_EQ(uuid[dash], '-');
  EXPECT_EQ(uuid[14], '4');
  EXPECT_TRUE(world.exists(told.name));
  const Told other = world.change(create("88.101.5/X-", {}, flag::kMint), &creator);
  EXPECT_NE(other.name, told.name);
  EXPECT_EQ(code(create("88.101.9/X-", {}, flag::kMint)), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(create("88.101.5/X-", {}, flag::kMint), &stranger), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(create("88.101.5/" + std::string(2'030, 'x'), {}, flag::kMint), &creator),
            ResponseCode::kInvalidHandle);
  world.store.slow = true;
  EXPECT_EQ(code(create("88.101.5/X-", {}, flag::kMint), &creator), kOk) << "the same name in every round";
}

TEST_F(Create, OverwriteTakesThePermissionsOfTheDifference) {
  const std::vector<Value> old = world.values("88.101.5/A");
  const auto with = [&](std::uint16_t permissions) {
    std::vector<Value> values = old;
    values[4] = admin(100, "88.101.5/OWNER", 301, permissions);
    world.put("88.101.5/A", values);
    return values;
  };
  const auto over = [&](std::vector<Value> values) {
    return code(create("88.101.5/A", std::move(values), flag::kOverwrite), &owner);
  };
  struct Row {
    const char* what;
    std::uint16_t held;
    ResponseCode same, modified, removed, added, admin_added, admin_removed;
  };
  constexpr auto kNot = ResponseCode::kInvalidAdmin;
  const std::vector<Row> rows = {
      {"nothing", 0, kOk, kNot, kNot, kNot, kNot, kNot},
      {"modify", handle::kModifyValue, kOk, kOk, kNot, kNot, kNot, kNot},
      {"remove", handle::kRemoveValue, kOk, kNot, kOk, kNot, kNot, kNot},
      {"add", handle::kAddValue, kOk, kNot, kNot, kOk, kNot, kNot},
      {"remove admin", handle::kRemoveAdmin, kOk, kNot, kNot, kNot, kNot, kOk},
      {"add admin suffices for all", handle::kAddAdmin, kOk, kOk, kOk, kOk, kOk, kOk},
      {"delete without create", handle::kDeleteHandle, kOk, kNot, kNot, kNot, kNot, kNot},
  };
  for (const Row& row : rows) {
    const std::vector<Value> now = with(row.held);
    EXPECT_EQ(over(now), row.same) << row.what;
    std::vector<Value> values = now;
    values[0].data = "changed";
    EXPECT_EQ(over(values), row.modified) << row.what;
    values = now;
    values.erase(values.begin());
    EXPECT_EQ(over(values), row.removed) << row.what;
    values = now;
    values.push_back(value(50, "X", ""));
    EXPECT_EQ(over(values), row.added) << row.what;
    values = now;
    values.push_back(admin(101, "88.101.5/X", 1));
    EXPECT_EQ(over(values), row.admin_added) << row.what;
    values = now;
    values.pop_back();
    EXPECT_EQ(over(values), row.admin_removed) << row.what;
  }
}

TEST_F(Create, OverwriteByWhoMayDeleteAndCreate) {
  world.put("88.101.5/A", {value(1, "URL", "a"), admin(100, "88.101.5/PREFIX", 301, handle::kDeleteHandle)});
  const Ask ask = create("88.101.5/A", {value(1, "URL", "b"), admin(100, "88.101.5/X", 1)}, flag::kOverwrite);
  EXPECT_EQ(code(ask, &creator), kOk);
  world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301, handle::kListHandles)});
  EXPECT_EQ(code(ask, &creator), ResponseCode::kInvalidAdmin) << "may delete, not create";
}

TEST_F(Create, OverwriteReplacesTheWholeRecord) {
  const std::uint64_t created = world.created("88.101.5/A");
  std::vector<Value> values = world.values("88.101.5/A");
  values.erase(values.begin() + 1);
  values[0].data = "changed";
  const Told told = world.change(create("88.101.5/a", values, flag::kOverwrite), &owner);
  ASSERT_EQ(told.code, kOk);
  EXPECT_EQ(told.flags, flag::kOverwrite);
  values[0].timestamp = kNow;
  EXPECT_EQ(world.values("88.101.5/A"), values) << "the rest keeps its timestamps";
  EXPECT_EQ(world.created("88.101.5/A"), created);
  EXPECT_EQ(world.spelling("88.101.5/A"), "88.101.5/A");
}

TEST_F(Create, IdenticalOverwriteNeedsAProofAndWritesNothing) {
  const Ask ask = create("88.101.5/A", world.values("88.101.5/A"), flag::kOverwrite);
  EXPECT_EQ(code(ask), kChallenge);
  const Person liar = stranger.lying();
  EXPECT_EQ(code(ask, &liar), ResponseCode::kAuthenticationFailed);
  const Told told = world.decide(ask, &stranger);
  EXPECT_EQ(told.code, kOk);
  EXPECT_EQ(told.flags, flag::kOverwrite);
  EXPECT_FALSE(told.mutation);
  EXPECT_EQ(code(create("88.101.5/NEW", {}, flag::kOverwrite), &creator), kOk);
  EXPECT_EQ(world.decide(create("88.101.5/NEW", {}, flag::kOverwrite), &creator).flags, 0U);
}

TEST_F(Create, DeleteChecksInOrder) {
  EXPECT_EQ(code(erase("88.101.5/NONE")), kChallenge) << "existence is not told to strangers";
  const Person liar = owner.lying();
  EXPECT_EQ(code(erase("88.101.5/NONE"), &liar), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(erase("88.101.5/NONE"), &owner), ResponseCode::kHandleNotFound);
  EXPECT_EQ(code(erase("88.101.5/A"), &creator), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(erase("88.101.5/A"), &liar), ResponseCode::kAuthenticationFailed);
  EXPECT_EQ(code(erase("99.9/NONE")), kChallenge) << "301 is no obstacle";
  EXPECT_EQ(code(erase("99.9/NONE"), &owner), ResponseCode::kHandleNotFound);
  const Told told = world.change(erase("88.101.5/a"), &owner);
  EXPECT_EQ(told.code, kOk);
  EXPECT_EQ(told.mutation->action, "delete");
  EXPECT_FALSE(world.exists("88.101.5/A"));
  EXPECT_EQ(world.spelling("88.101.5/A"), "88.101.5/A");
  EXPECT_EQ(code(erase("88.101.5/A"), &owner), ResponseCode::kHandleNotFound);
}

TEST_F(Create, DeleteWorksOnWhatAnUnhomeLeftBehind) {
  world.home("0.NA/88.101.6");
  world.put("88.101.6/LEFT", {admin(100, "88.101.5/OWNER", 301)});
  world.unhome("0.NA/88.101.6");
  EXPECT_EQ(code(modify({value(1, "X", "")}, "88.101.6/LEFT"), &owner), ResponseCode::kNotResponsible);
  EXPECT_EQ(code(erase("88.101.6/LEFT"), &stranger), ResponseCode::kInvalidAdmin);
  EXPECT_EQ(code(erase("88.101.6/LEFT"), &owner), kOk);
}

TEST_F(Create, DelegatedPrefixesAreReferred) {
  world.put("0.NA/88.101", {admin(100, "88.101/ROOT", 301), value(5, "HS_SITE.PREFIX", "somewhere")});
  EXPECT_EQ(code(erase("0.NA/88.101.9"), &root), ResponseCode::kPrefixReferral);
  EXPECT_EQ(code(create("0.NA/88.101.9", {}), &root), ResponseCode::kPrefixReferral);
  EXPECT_EQ(code(create("0.NA/88.101.9", {}, flag::kDoNotRefer), &root), kOk);
}

}  // namespace
}  // namespace idnode::test
