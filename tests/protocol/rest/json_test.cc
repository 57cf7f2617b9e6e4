// The JSON form of values: both ways, and what a person is told about a mistake.
#include <gtest/gtest.h>

#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/rest/decode.h"
#include "protocol/rest/encode.h"

namespace idnode::rest {
namespace {

ValueList list_of(const std::vector<Value>& values, std::string& octets) {
  encode_all(values, octets);
  return {static_cast<std::uint32_t>(values.size()), octets};
}

std::string json_of(const Value& value) {
  std::string octets;
  encode(value, octets);
  Reader r(octets);
  std::string out;
  append_value(read_value(r), out);
  return out;
}

TEST(Json, AValueWithDefaultsIsShort) {
  EXPECT_EQ(
      json_of({.index = 1, .type = "URL", .data = "https://example.com/"}),
      R"({"index":1,"type":"URL","data":{"format":"string","value":"https://example.com/"},"ttl":86400})");
}

TEST(Json, EverythingElseIsSpelledOut) {
  Value v{.index = 7,
          .timestamp = 1700000000,
          .ttl_type = kTtlAbsolute,
          .ttl = 1893456000,
          .permissions = kAdminRead | kAdminWrite,
          .type = "名称",
          .data = "扶手椅\n\"",
          .references = {{"88.118/A", 3}}};
  EXPECT_EQ(
      json_of(v),
      R"({"index":7,"type":"名称","data":{"format":"string","value":"扶手椅\u000a\""},"permissions":"1100",)"
      R"("ttl":"2030-01-01T00:00:00Z","timestamp":"2023-11-14T22:13:20Z","references":[{"handle":"88.118/A","index":3}]})");
}

TEST(Json, BinaryDataIsBase64) {
  EXPECT_EQ(json_of({.index = 1, .type = "BIN", .data = std::string("\0\1\xff", 3)}),
            R"({"index":1,"type":"BIN","data":{"format":"base64","value":"AAH/"},"ttl":86400})");
}

std::vector<Value> every_kind() {
  std::string admin;
  handle::encode(handle::Admin{0x0401, {"88.118/ADMIN", 300}, false}, admin);
  std::string vlist;
  handle::encode_vlist({{"88.118/A", 300}, {"88.118/B", 0}}, vlist);
  handle::Site site;
  site.serial = 9;
  site.hash_option = 1;
  site.attributes = {{"desc", "二级节点"}};
  site.servers.push_back({.id = 1,
                          .address = handle::parse_address("127.0.0.1").value(),
                          .interfaces = {{3, 1, 2641}, {2, 0, 2641}}});
  std::string octets;
  handle::encode(site, octets);
  return {{.index = 1, .type = "URL", .data = "x"},
          {.index = 2, .type = "BIN", .data = std::string("\x80\0", 2)},
          {.index = 3, .ttl = 5, .permissions = 6, .type = "T", .data = "", .references = {{"a/b", 1}}},
          {.index = 4, .ttl_type = kTtlAbsolute, .ttl = 1893456000, .type = "ABS", .data = "1"},
          {.index = 100, .type = "HS_ADMIN", .data = admin},
          {.index = 200, .type = "HS_VLIST", .data = vlist},
          {.index = 5, .type = "HS_SITE.PREFIX", .data = octets},
          {.index = 101, .type = "HS_ADMIN", .data = "no admin"}};
}

TEST(Json, WhatIsWrittenIsReadBack) {
  std::vector<Value> values = every_kind();
  std::string octets;
  auto read = decode_record(record("88.118/x", list_of(values, octets)));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->handle, "88.118/x");
  EXPECT_EQ(read->values, values);
}

TEST(Json, LenientForms) {
  auto read =
      decode_record(R"([{"index":"3","type":"HS_ADMIN","data":{"format":"ADMIN","value":{"index":"300",
      "handle":"a/b","permissions":4095}},"permissions":"*","unknown":{}}])");
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->values[0].permissions, 15);
  EXPECT_EQ(handle::decode_admin(read->values[0].data)->permissions, handle::kAllPermissions);
  EXPECT_EQ(decode_record(R"({"index":1,"type":"T","data":"x","permissions":"0110"})")->values[0].permissions,
            6);
}

struct Mistake {
  const char* text;
  const char* told;
};
class Mistakes : public testing::TestWithParam<Mistake> {};
TEST_P(Mistakes, AreNamed) {
  auto read = decode_record(GetParam().text);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().find(GetParam().told), std::string::npos) << read.error();
}
INSTANTIATE_TEST_SUITE_P(
    Json, Mistakes,
    testing::Values(
        Mistake{"{", "not JSON"}, Mistake{"3", "an array is needed"},
        Mistake{R"({"handle":3,"values":[]})", "handle"},
        Mistake{R"([{"type":"T","data":"x"}])", "values[0].index"},
        Mistake{R"([{"index":-1,"type":"T","data":"x"}])", "values[0].index"},
        Mistake{R"([{"index":1,"data":"x"}])", "values[0].type"},
        Mistake{R"([{"index":1,"type":"T"}])", "data is missing"},
        Mistake{R"([{"index":1,"type":"T","data":{"format":"base64","value":"!"}}])", "not base64"},
        Mistake{R"([{"index":1,"type":"T","data":{"format":"x","value":"!"}}])", "x is not known"},
        Mistake{R"([{"index":1,"type":"T","data":"x","ttl":-2}])", "ttl"},
        Mistake{R"([{"index":1,"type":"T","data":"x","permissions":"12"}])", "only 0 and 1"},
        Mistake{R"([{"index":1,"type":"T","data":"x","permissions":"11111"}])", "1 to 4 digits"}));

TEST(Json, DepthIsBounded) {
  std::string deep(100, '[');
  EXPECT_FALSE(decode_record(deep + std::string(100, ']')).has_value());
}

TEST(CommandLine, TypedData) {
  auto admin = data_from_text("HS_ADMIN", "300:*:88.118/ADMIN");
  ASSERT_TRUE(admin.has_value());
  EXPECT_EQ(handle::decode_admin(*admin)->identity, (Reference{"88.118/ADMIN", 300}));
  EXPECT_EQ(handle::decode_vlist(*data_from_text("HS_VLIST", "1:a/b;2:c/d"))->size(), 2u);
  EXPECT_EQ(*data_from_text("URL", "a:b=c"), "a:b=c");
  EXPECT_FALSE(data_from_text("HS_ADMIN", "88.118/ADMIN").has_value());
}

TEST(Base64, BothWays) {
  for (std::string_view text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(from_base64(base64(text)).value(), text);
  EXPECT_FALSE(from_base64("a===").has_value());
  EXPECT_FALSE(from_base64("abc").has_value());
}

}  // namespace
}  // namespace idnode::rest
