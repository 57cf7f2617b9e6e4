#include "protocol/address.h"

#include <gtest/gtest.h>

namespace idnode {
namespace {

TEST(Address, ReadsAndWritesBothFamilies) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "fe80::a:b:c:d"}) {
    ASSERT_TRUE(parse_ip(text).has_value()) << text;
    EXPECT_EQ(to_text(*parse_ip(text)), text);
  }
  EXPECT_TRUE(parse_ip("10.1.2.3")->is_v4());
  EXPECT_EQ(to_text(*parse_ip("::ffff:10.1.2.3")), "10.1.2.3");
  EXPECT_FALSE(parse_ip("::")->is_v4());
  EXPECT_TRUE(parse_ip("127.200.0.1")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_FALSE(parse_ip("128.0.0.1")->is_loopback());
  EXPECT_FALSE(parse_ip("::2")->is_loopback());
  for (const char* text :
       {"", "1.2.3", "1.2.3.256", "[::1]", "::1%lo", "host", "1.2.3.4 ", "1:2:3:4:5:6:7:8:9"}) {
    EXPECT_FALSE(parse_ip(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("::1\0", 4)).has_value());
  EXPECT_FALSE(parse_ip(std::string(100, '1')).has_value());
}

TEST(Address, Endpoints) {
  for (const char* text : {"127.0.0.1:0", "127.0.0.1:65535", "[::1]:2641"}) {
    ASSERT_TRUE(parse_endpoint(text).has_value()) << text;
    EXPECT_EQ(to_text(*parse_endpoint(text)), text);
  }
  for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:01",
                           "127.0.0.1:1x", "::1:2641", "[127.0.0.1]:1", "[]:1", "[::1]", ":1", "[::1:1"}) {
    EXPECT_FALSE(parse_endpoint(text).has_value()) << text;
  }
}

TEST(Address, Networks) {
  const auto holds = [](const char* network, const char* address) {
    return parse_network(network)->contains(*parse_ip(address));
  };
  EXPECT_TRUE(holds("127.0.0.0/8", "127.255.0.1"));
  EXPECT_FALSE(holds("127.0.0.0/8", "126.255.255.255"));
  EXPECT_FALSE(holds("127.0.0.0/8", "::1"));
  EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(holds("10.1.2.3", "10.1.2.2"));
  EXPECT_TRUE(holds("10.1.2.3/20", "10.1.15.255"));
  EXPECT_FALSE(holds("10.1.2.3/20", "10.1.16.0"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("::/0", "1.2.3.4"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  for (const char* text :
       {"127.0.0.0/33", "::/129", "127.0.0.0/", "/8", "127.0.0.0/-1", "127.0.0.0/08", "x/8"}) {
    EXPECT_FALSE(parse_network(text).has_value()) << text;
  }
}

TEST(Address, UnitsOfPerSourceLimits) {
  EXPECT_EQ(to_text(source_unit(*parse_ip("10.1.2.3"))), "10.1.2.3");
  EXPECT_EQ(to_text(source_unit(*parse_ip("2001:db8:1:2:3:4:5:6"))), "2001:db8:1:2::");
  EXPECT_EQ(to_text(source_network(*parse_ip("10.1.2.3"))), "10.1.2.0");
  EXPECT_EQ(to_text(source_network(*parse_ip("2001:db8:1:2fff::1"))), "2001:db8:1:2f00::");
}

}  // namespace
}  // namespace idnode
