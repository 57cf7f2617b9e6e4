#include "resolver/logic/value_edit.h"

#include <gtest/gtest.h>

#include "protocol/handle/admin.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr std::uint32_t kThen = 1'000;
constexpr std::uint32_t kNow = 2'000;
constexpr std::uint8_t kOpen = kDefaultPermissions | kPublicWrite;

struct List {
  std::uint32_t count = 0;
  std::string octets;
  operator ValueList() const { return {count, octets}; }  // NOLINT(google-explicit-constructor)
};

List list(const std::vector<Value>& values) {
  List l;
  l.count = static_cast<std::uint32_t>(values.size());
  encode_all(values, l.octets);
  return l;
}

Value value(std::uint32_t index, std::string type, std::string data, std::uint32_t timestamp = 0,
            std::uint8_t permissions = kDefaultPermissions) {
  Value v;
  v.index = index;
  v.type = std::move(type);
  v.data = std::move(data);
  v.timestamp = timestamp;
  v.permissions = permissions;
  return v;
}

std::vector<Value> values_of(const Edit& edit) { return to_values({edit.count, edit.values}); }

std::vector<std::uint32_t> indexes_of(const Edit& edit) {
  std::vector<std::uint32_t> indexes;
  for (const Value& v : values_of(edit)) indexes.push_back(v.index);
  return indexes;
}

using Indexes = std::vector<std::uint32_t>;

Edit remove(const List& old, const Indexes& indexes, bool keep_read_only = false) {
  std::string encoded;
  handle::encode_indexes(indexes, encoded);
  return edit_remove(old, {static_cast<std::uint32_t>(indexes.size()), std::string_view(encoded).substr(4)},
                     keep_read_only);
}

TEST(EditCreate, PermissionBitsWithoutMeaningAreNotKept) {
  List odd = list({value(1, "URL", "a")});
  odd.octets[13] = static_cast<char>(0xfe);
  const Edit edit = edit_create(odd, kNow);
  EXPECT_EQ(edit.values[13], 0x0e);
}

TEST(CheckValues, IndexTextThenRepetition) {
  EXPECT_EQ(check_values(list({value(1, "URL", "a"), value(2, "URL", "b")})).code, ResponseCode::kSuccess);
  EXPECT_EQ(check_values(list({})).code, ResponseCode::kSuccess);
  EXPECT_EQ(check_values(list({value(0, "URL", "a")})).code, ResponseCode::kInvalidValue);
  EXPECT_EQ(check_values(list({value(0x80000000, "URL", "a")})).code, ResponseCode::kInvalidValue);
  EXPECT_EQ(check_values(list({value(0x7fffffff, "URL", "a")})).code, ResponseCode::kSuccess);
  EXPECT_EQ(check_values(list({value(1, "U\xff", "a")})).code, ResponseCode::kInvalidValue);
  EXPECT_EQ(check_values(list({value(1, "URL", "\xff\xfe")})).code, ResponseCode::kSuccess)
      << "data are octets";
  Value refers = value(1, "URL", "a");
  refers.references = {{"88.118/\xc3\x28", 3}};
  EXPECT_EQ(check_values(list({refers})).code, ResponseCode::kInvalidValue);
  const Edit twice = check_values(list({value(7, "URL", "a"), value(2, "X", ""), value(7, "Y", "b")}));
  EXPECT_EQ(twice.code, ResponseCode::kValueExists);
  EXPECT_EQ(twice.index, 7U);
  EXPECT_EQ(check_values(list({value(7, "URL", "a"), value(7, "X", ""), value(0, "Y", "b")})).code,
            ResponseCode::kInvalidValue);
}

TEST(EditCreate, KeepsTheClientsOrderAndStampsEverything) {
  const Edit edit = edit_create(list({value(3, "URL", "c", 55), value(1, "URL", "a", 99)}), kNow);
  EXPECT_EQ(indexes_of(edit), (Indexes{3, 1}));
  for (const Value& v : values_of(edit)) EXPECT_EQ(v.timestamp, kNow);
  EXPECT_EQ(edit.needed, 0);
}

TEST(EditOverwrite, Permissions) {
  const Value plain = value(1, "URL", "a", kThen);
  const Value open = value(2, "URL", "b", kThen, kOpen);
  const Value admin = value(100, "HS_ADMIN", "x", kThen);
  const List old = list({plain, open, admin});
  struct Row {
    const char* what;
    std::vector<Value> values;
    std::uint16_t needed;
  };
  Value open_changed = open;
  open_changed.data = "new";
  Value open_admin = open;
  open_admin.type = "hs_admin";
  Value plain_changed = plain;
  plain_changed.ttl = 5;
  Value admin_changed = admin;
  admin_changed.data = "y";
  Value admin_plain = admin;
  admin_plain.type = "URL";
  const std::vector<Row> rows = {
      {"same", {plain, open, admin}, 0},
      {"another order", {admin, plain, open}, 0},
      {"public write", {plain, open_changed, admin}, 0},
      {"public write becomes admin", {plain, open_admin, admin}, handle::kModifyValue | handle::kAddAdmin},
      {"plain modified", {plain_changed, open, admin}, handle::kModifyValue},
      {"admin modified", {plain, open, admin_changed}, handle::kModifyAdmin},
      {"admin becomes plain", {plain, open, admin_plain}, handle::kRemoveAdmin | handle::kModifyValue},
      {"plain removed", {open, admin}, handle::kRemoveValue},
      {"public write removed", {plain, admin}, handle::kRemoveValue},
      {"admin removed", {plain, open}, handle::kRemoveAdmin},
      {"plain added", {plain, open, admin, value(9, "X", "")}, handle::kAddValue},
      {"admin added", {plain, open, admin, value(9, "HS_ADMIN.SUB", "")}, handle::kAddAdmin},
      {"not admin", {plain, open, admin, value(9, "HS_ADMINISTRATOR", "")}, handle::kAddValue},
      {"nothing left", {}, handle::kRemoveValue | handle::kRemoveAdmin},
  };
  for (const Row& row : rows) {
    const Edit edit = edit_overwrite(old, list(row.values), kNow);
    EXPECT_EQ(edit.needed, row.needed) << row.what;
    EXPECT_TRUE(edit.replaced) << row.what;
    EXPECT_EQ(edit.code, ResponseCode::kSuccess) << row.what;
  }
}

TEST(EditOverwrite, UnchangedValuesKeepTheirTimestamps) {
  const List old = list({value(1, "URL", "a", kThen), value(2, "URL", "b", kThen)});
  const Edit edit = edit_overwrite(old, list({value(2, "URL", "b", 7), value(1, "URL", "new", 7)}), kNow);
  EXPECT_EQ(values_of(edit), (std::vector{value(2, "URL", "b", kThen), value(1, "URL", "new", kNow)}));
  EXPECT_TRUE(edit.changed);
  EXPECT_FALSE(edit_overwrite(old, list({value(1, "URL", "a", 9), value(2, "URL", "b", 9)}), kNow).changed);
  // Order alone needs no permission, so it must not change either.
  EXPECT_FALSE(edit_overwrite(old, list({value(2, "URL", "b"), value(1, "URL", "a")}), kNow).changed);
}

TEST(EditAdd, TheSameContentDoesNotSortARecord) {
  const List old = list({value(2, "URL", "b", kThen), value(1, "URL", "a", kThen)});
  EXPECT_FALSE(edit_add(old, list({value(1, "URL", "a")}), true, kNow).changed);
  EXPECT_TRUE(edit_add(old, list({value(1, "URL", "c")}), true, kNow).changed);
}

TEST(EditAdd, SortsByIndex) {
  const List old = list({value(5, "URL", "e", kThen), value(2, "URL", "b", kThen)});
  const Edit edit = edit_add(old, list({value(9, "X", ""), value(3, "X", "")}), false, kNow);
  EXPECT_EQ(indexes_of(edit), (Indexes{2, 3, 5, 9}));
  const auto values = values_of(edit);
  EXPECT_EQ(values[0].timestamp, kThen);
  EXPECT_EQ(values[1].timestamp, kNow);
  EXPECT_EQ(edit.needed, handle::kAddValue);
  EXPECT_FALSE(edit.replaced);
  EXPECT_TRUE(edit.changed);
}

TEST(EditAdd, ExistingIndex) {
  const List old = list({value(1, "URL", "a", kThen), value(2, "URL", "b", kThen, kAdminRead)});
  const Edit refused = edit_add(old, list({value(3, "X", ""), value(2, "X", "")}), false, kNow);
  EXPECT_EQ(refused.code, ResponseCode::kValueExists);
  EXPECT_EQ(refused.index, 2U);
  const Edit same = edit_add(old, list({value(1, "URL", "a", 77)}), true, kNow);
  EXPECT_EQ(same.needed, 0);
  EXPECT_FALSE(same.changed);
  EXPECT_TRUE(same.replaced);
  EXPECT_EQ(values_of(same)[0].timestamp, kThen);
  const Edit read_only = edit_add(old, list({value(2, "URL", "c")}), true, kNow);
  EXPECT_EQ(read_only.code, ResponseCode::kSuccess) << "add does not look at ADMIN_WRITE";
  EXPECT_EQ(read_only.needed, handle::kModifyValue);
  EXPECT_EQ(values_of(read_only)[1], value(2, "URL", "c", kNow));
  const Edit both = edit_add(old, list({value(1, "HS_ADMIN", "c"), value(4, "HS_ADMIN", "")}), true, kNow);
  EXPECT_EQ(both.needed, handle::kModifyValue | handle::kAddAdmin);
}

TEST(EditModify, TheTable) {
  const List old = list({value(1, "URL", "a", kThen), value(2, "URL", "b", kThen, kOpen),
                         value(3, "URL", "c", kThen, kAdminRead | kPublicRead),
                         value(100, "HS_ADMIN", "x", kThen), value(101, "HS_ADMIN", "x", kThen, kOpen)});
  struct Row {
    const char* what;
    std::vector<Value> values;
    ResponseCode code;
    std::uint16_t needed;
    bool anonymous;
  };
  const auto ok = ResponseCode::kSuccess;
  const std::vector<Row> rows = {
      {"plain", {value(1, "URL", "z")}, ok, handle::kModifyValue, false},
      {"public write", {value(2, "URL", "z")}, ok, 0, true},
      {"public write and plain",
       {value(2, "URL", "z"), value(1, "URL", "z")},
       ok,
       handle::kModifyValue,
       false},
      {"public write to admin",
       {value(2, "HS_ADMIN", "z")},
       ok,
       handle::kModifyValue | handle::kAddAdmin,
       false},
      {"admin", {value(100, "HS_ADMIN", "z")}, ok, handle::kModifyAdmin, false},
      {"open admin", {value(101, "HS_ADMIN", "z")}, ok, handle::kModifyAdmin, false},
      {"open admin to plain",
       {value(101, "URL", "z")},
       ok,
       handle::kModifyValue | handle::kRemoveAdmin,
       false},
      {"plain to admin", {value(1, "HS_ADMIN", "z")}, ok, handle::kModifyValue | handle::kAddAdmin, false},
      {"missing", {value(9, "URL", "z")}, ResponseCode::kValuesNotFound, 0, false},
      {"read only", {value(3, "URL", "z")}, ResponseCode::kInsufficientPermissions, 0, false},
      {"in the order of the request",
       {value(3, "URL", "z"), value(9, "URL", "z")},
       ResponseCode::kInsufficientPermissions,
       0,
       false},
      {"zero is missing", {value(0, "URL", "z")}, ResponseCode::kValuesNotFound, 0, false},
      {"text", {value(1, "\xff", "z")}, ResponseCode::kInvalidValue, 0, false},
      {"missing before text",
       {value(1, "\xff", "z"), value(9, "X", "")},
       ResponseCode::kValuesNotFound,
       0,
       false},
  };
  for (const Row& row : rows) {
    const Edit edit = edit_modify(old, list(row.values), false, kNow);
    EXPECT_EQ(edit.code, row.code) << row.what;
    EXPECT_EQ(edit.needed, row.needed) << row.what;
    EXPECT_EQ(edit.anonymous, row.anonymous) << row.what;
  }
}

TEST(EditModify, ReplacesWholeValuesInPlace) {
  Value before = value(5, "URL", "a", kThen);
  before.ttl = 17;
  before.references = {{"88.118/X", 3}};
  const List old = list({before, value(2, "URL", "b", kThen)});
  const Edit edit =
      edit_modify(old, list({value(5, "DESC", "first"), value(5, "DESC", "last")}), false, kNow);
  EXPECT_EQ(values_of(edit), (std::vector{value(5, "DESC", "last", kNow), value(2, "URL", "b", kThen)}));
}

TEST(EditModify, AddsMissingOnlyWhereItIsSwitchedOn) {
  const List old = list({value(5, "URL", "a", kThen)});
  const Edit edit =
      edit_modify(old, list({value(2, "URL", "x"), value(5, "URL", "y"), value(2, "URL", "z")}), true, kNow);
  EXPECT_EQ(edit.needed, handle::kAddValue | handle::kModifyValue);
  EXPECT_EQ(values_of(edit), (std::vector{value(2, "URL", "z", kNow), value(5, "URL", "y", kNow)}));
  EXPECT_FALSE(edit.anonymous);
  EXPECT_EQ(edit_modify(old, list({value(0, "URL", "x")}), true, kNow).code, ResponseCode::kInvalidValue);
}

TEST(EditRemove, Permissions) {
  const List old = list({value(1, "URL", "a", kThen), value(3, "URL", "c", kThen, kAdminRead),
                         value(100, "HS_ADMIN", "x", kThen)});
  EXPECT_EQ(remove(old, {1}).needed, handle::kRemoveValue);
  EXPECT_EQ(remove(old, {100}).needed, handle::kRemoveAdmin);
  EXPECT_EQ(remove(old, {1, 100}).needed, handle::kRemoveValue | handle::kRemoveAdmin);
  EXPECT_EQ(indexes_of(remove(old, {1})), (Indexes{3, 100}));
  EXPECT_EQ(indexes_of(remove(old, {1, 1})), (Indexes{3, 100}));
  EXPECT_EQ(values_of(remove(old, {1}))[0].timestamp, kThen);
  EXPECT_EQ(indexes_of(remove(old, {3, 1, 100})), (Indexes{}));
  const Edit missing = remove(old, {1, 9});
  EXPECT_EQ(missing.code, ResponseCode::kValuesNotFound);
  EXPECT_EQ(missing.index, 9U);
  const Edit empty = remove(old, {});
  EXPECT_EQ(empty.needed, handle::kRemoveValue);
  EXPECT_FALSE(empty.changed);
  EXPECT_EQ(empty.values, old.octets);
}

TEST(EditRemove, ReadOnlyValuesOnlyWhereItIsSwitchedOn) {
  const List old = list({value(3, "URL", "c", kThen, kAdminRead)});
  EXPECT_EQ(remove(old, {3}).code, ResponseCode::kSuccess);
  EXPECT_EQ(remove(old, {3}, true).code, ResponseCode::kInsufficientPermissions);
  EXPECT_EQ(remove(old, {3, 9}, true).code, ResponseCode::kValuesNotFound);
}

TEST(Admin, IsFoundWithItsSubTypes) {
  EXPECT_TRUE(has_admin_value(list({value(1, "URL", ""), value(2, "hs_admin", "")})));
  EXPECT_TRUE(has_admin_value(list({value(2, "HS_ADMIN.X", "")})));
  EXPECT_FALSE(has_admin_value(list({value(2, "HS_ADMINX", "")})));
  EXPECT_FALSE(has_admin_value(list({})));
}

}  // namespace
}  // namespace idnode
