#include "resolver/logic/routes.h"

#include <gtest/gtest.h>

#include "protocol/handle/admin.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

// What publish() keeps up to date is what load() reads from the store.
void expect_same(const RouteTable& a, const RouteTable& b) {
  EXPECT_EQ(a.homed, b.homed);
  EXPECT_EQ(a.pointers, b.pointers);
  ASSERT_EQ(a.prefixes.size(), b.prefixes.size());
  for (const auto& [name, x] : a.prefixes) {
    const PrefixEntry* y = b.find(name);
    ASSERT_NE(y, nullptr) << name;
    EXPECT_EQ(x->prefix_handle, y->prefix_handle);
    EXPECT_EQ(x->homed, y->homed) << name;
    EXPECT_EQ(x->version, y->version) << name;
    EXPECT_EQ(x->sites, y->sites) << name;
    EXPECT_EQ(x->site_values, y->site_values) << name;
    EXPECT_EQ(x->site_value_count, y->site_value_count) << name;
    EXPECT_EQ(x->referral_values, y->referral_values) << name;
    EXPECT_EQ(x->admins.size(), y->admins.size()) << name;
    EXPECT_EQ(x->ours, y->ours) << name;
  }
}

struct RoutesTest : testing::Test {
  Node node;
  std::shared_ptr<const RouteTable> loaded() {
    return Routes::load(node.store, node.identity().site).value();
  }
  void check() { expect_same(*node.routes.current(), *loaded()); }
};

TEST_F(RoutesTest, PublishedEqualsLoaded) {
  node.home("0.na/88.101.5");
  check();
  node.put("0.NA/88.101.5", {site_value(1, "HS_SITE", node.identity().site),
                             admin_value(100, {"88.101.5/ADM", 300}, handle::kAllPermissions)});
  check();
  node.put("0.NA/88.101.7", {site_value(1, "HS_SITE", site_at("203.0.113.9", 2641)),
                             site_value(2, "hs_site.6", site_at("2001:db8::9", 2641)),
                             site_value(5, "HS_SITE.PREFIX", site_at("203.0.113.9", 2641))});
  check();
  node.put("88.101.5/x", {value(1, "HS_SITE", "no prefix record")});
  check();
  const std::shared_ptr<const RouteTable> table = node.routes.current();
  EXPECT_EQ(table->homed, 1u);
  EXPECT_EQ(table->pointers, 1u);
  ASSERT_NE(table->find("0.NA/88.101.7"), nullptr);
  EXPECT_EQ(table->find("0.NA/88.101.7")->sites.size(), 2u);
  EXPECT_FALSE(table->find("0.NA/88.101.7")->ours);
  EXPECT_TRUE(table->find("0.NA/88.101.5")->ours);
  EXPECT_EQ(table->find("0.NA/88.101.5")->admins.size(), 1u);

  node.home("0.NA/88.101.7");
  check();
  EXPECT_EQ(node.routes.current()->pointers, 0u);
  node.remove("0.NA/88.101.7");
  check();
  node.unhome("0.NA/88.101.7");
  check();
  EXPECT_EQ(node.routes.current()->find("0.NA/88.101.7"), nullptr);
  node.unhome("0.NA/88.101.5");
  check();
  EXPECT_NE(node.routes.current()->find("0.NA/88.101.5"), nullptr);
}

TEST_F(RoutesTest, OnlyWhatMattersMakesANewTable) {
  node.home("0.NA/88.101.5");
  const std::uint64_t before = node.routes.generation();
  const std::shared_ptr<const RouteTable> table = node.routes.current();
  node.put("88.101.5/x", {value(1, "URL", "x")});
  EXPECT_EQ(node.routes.generation(), before);
  EXPECT_EQ(node.routes.current(), table);
  node.put("0.NA/88.101.5", {});
  EXPECT_NE(node.routes.generation(), before);
}

TEST_F(RoutesTest, SitesThatNobodyMayReadAreNotRoutes) {
  Value hidden = site_value(1, "HS_SITE", site_at("203.0.113.9", 2641));
  hidden.permissions = kAdminRead;
  node.put("0.NA/88.101.7", {hidden, value(2, "HS_SITE", "not a site")});
  const PrefixEntry* entry = node.routes.current()->find("0.NA/88.101.7");
  ASSERT_NE(entry, nullptr);
  EXPECT_TRUE(entry->sites.empty());
  EXPECT_EQ(entry->site_value_count, 0u);
  EXPECT_EQ(node.routes.current()->pointers, 0u);
}

TEST_F(RoutesTest, OursByKeyWhereverItMoved) {
  node.identity().site.servers[0].public_key = "key";
  handle::Site moved = site_at("203.0.113.50", 2641);
  moved.servers[0].public_key = "key";
  node.put("0.NA/88.101.5", {site_value(1, "HS_SITE", moved)});
  EXPECT_TRUE(node.routes.current()->find("0.NA/88.101.5")->ours);
}

}  // namespace
}  // namespace idnode::logic_test
