// The pure parts of forwarding: breaker, where we may go, which server of which site, the site table.
#include <gtest/gtest.h>

#include <set>

#include "protocol/handle/site_hash.h"
#include "resolver/net/breaker.h"
#include "resolver/net/failure_memory.h"
#include "resolver/net/site_choice.h"
#include "resolver/net/site_table.h"
#include "tests/resolver/net/scripted_peer.h"

namespace idnode {
namespace {

Endpoint at(const char* text) { return *parse_endpoint(text); }

TEST(Breaker, OpensAfterFailuresWithinTheWindowAndProbesWithJitter) {
  const Endpoint server = at("127.0.0.1:3641");
  Breakers breakers(5, 1);
  for (std::uint64_t i = 0; i < 4; ++i) breakers.failed(server, 1'000 + i);
  EXPECT_TRUE(breakers.admits(server, 1'100));
  // Four old ones and a new one do not open it.
  breakers.failed(server, 12'000);
  EXPECT_TRUE(breakers.admits(server, 12'000));
  for (std::uint64_t i = 1; i < 5; ++i) breakers.failed(server, 12'000 + i);
  EXPECT_FALSE(breakers.admits(server, 12'005));
  EXPECT_EQ(breakers.states()[0].state, BreakerState::kOpen);

  // Each probe fails: the pauses grow from 1 s to 30 s, with jitter, and each lets one question through.
  std::uint64_t now = 12'005;
  std::vector<std::uint64_t> pauses;
  for (int i = 0; i < 12; ++i) {
    const std::uint64_t since = now;
    while (!breakers.admits(server, now)) now += 10;
    pauses.push_back(now - since);
    EXPECT_FALSE(breakers.admits(server, now)) << "only one probe at a time";
    breakers.failed(server, now);
  }
  EXPECT_LE(pauses[0], 1'300U);
  for (const std::uint64_t pause : pauses) {
    EXPECT_GE(pause, 900U);
    EXPECT_LE(pause, 30'010U);
  }
  EXPECT_GE(pauses.back(), 22'000U);
  EXPECT_GT(std::set<std::uint64_t>(pauses.end() - 4, pauses.end()).size(), 1U) << "no jitter";

  while (!breakers.admits(server, now)) now += 10;
  breakers.succeeded(server);
  EXPECT_TRUE(breakers.admits(server, now));
  EXPECT_TRUE(breakers.admits(server, now));
}

TEST(Breaker, AnAbandonedProbeIsFollowedByAnother) {
  const Endpoint server = at("127.0.0.1:3641");
  Breakers breakers(1, 1);
  breakers.set_known({server});
  breakers.failed(server, 0);
  EXPECT_FALSE(breakers.admits(server, 100));
  EXPECT_TRUE(breakers.admits(server, 2'000));
  breakers.abandoned(server);
  EXPECT_TRUE(breakers.admits(server, 2'000));
  breakers.succeeded(server);
  EXPECT_EQ(breakers.states().size(), 1U);
  EXPECT_EQ(breakers.states()[0].opened, 1U);
  // An attacker's sites do not grow the table without end.
  for (std::uint32_t i = 0; i < 2 * Breakers::kMostServers; ++i) {
    Endpoint other = server;
    other.address.octets[13] = static_cast<std::uint8_t>(i >> 8);
    other.address.octets[14] = static_cast<std::uint8_t>(i);
    breakers.failed(other, 10'000);
  }
  EXPECT_LE(breakers.states().size(), Breakers::kMostServers + 1);
}

// How often upstream is asked by who asks ten times a second, for a minute and for ten.
TEST(Failures, LastTwiceAsLongEachTime) {
  struct Row {
    std::uint64_t most_seconds, minutes, asked;
  };
  // At 0, 1, 3, 7 and then every 5 s; at 0, 1, 3, 7, 15 … 511 s; always; every second.
  for (const Row& row : {Row{5, 1, 14}, Row{5, 10, 122}, Row{300, 10, 10}, Row{0, 1, 600}, Row{1, 1, 60}}) {
    FailureMemory memory;
    std::uint64_t asked = 0;
    for (std::uint64_t ms = 0; ms < row.minutes * 60'000; ms += 100) {
      if (memory.find({"88.1/a", "x"}, ms)) continue;
      ++asked;
      memory.failed({"88.1/a", "x"}, SearchEnd::kTimeout, row.most_seconds, ms);
    }
    EXPECT_EQ(asked, row.asked) << row.most_seconds << " s, " << row.minutes << " min";
  }
}

TEST(Failures, AreForgotten) {
  FailureMemory memory;
  const FailureMemory::Key name{"88.1/a", "x"}, prefix{"88.1", "1"}, other{"88.1.2/a", "x"};
  const auto known = [&](const FailureMemory::Key& key, std::uint64_t ms) {
    return memory.find(key, ms).has_value();
  };
  for (const std::uint64_t ms : {0U, 1'000U, 3'000U}) memory.failed(name, SearchEnd::kLoop, 5, ms);
  EXPECT_EQ(memory.find(name, 6'999), SearchEnd::kLoop);
  EXPECT_FALSE(known({"88.1/a", "y"}, 6'999)) << "another question";
  EXPECT_FALSE(known(name, 7'000));
  // After a silence of 5 s it begins again.
  memory.failed(name, SearchEnd::kTimeout, 5, 12'000);
  EXPECT_TRUE(known(name, 12'999));
  EXPECT_FALSE(known(name, 13'000));

  for (const auto& key : {name, prefix, other, {"0.NA/88.1", "x"}, {"88.1/a", "y"}})
    memory.failed(key, SearchEnd::kTimeout, 5, 20'000);
  memory.drop("88.1/a");
  EXPECT_EQ(memory.size(), 3U);
  memory.drop_prefix("88.1");
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_TRUE(known(other, 20'500));
  // Full: what no longer counts makes room, what does stays.
  for (std::size_t i = 0; memory.size() < FailureMemory::kMostEntries; ++i)
    memory.failed({std::to_string(i), ""}, SearchEnd::kTimeout, 5, 20'000);
  memory.failed(name, SearchEnd::kTimeout, 5, 20'500);
  EXPECT_FALSE(known(name, 20'500));
  EXPECT_EQ(memory.size(), FailureMemory::kMostEntries);
  memory.failed(name, SearchEnd::kTimeout, 5, 30'000);
  EXPECT_TRUE(known(name, 30'000));
  EXPECT_EQ(memory.size(), 1U);
}

TEST(Reach, GoesOnlyWhereItMay) {
  Settings settings;
  settings.upstream.servers = {at("10.1.1.1:3641"), at("127.0.0.1:3641")};
  settings.upstream.allow = {*parse_network("127.0.0.0/8"), *parse_network("192.168.7.0/24")};
  const Reach reach(settings, {at("127.0.0.1:2641"), at("0.0.0.0:2650"), at("[::]:2650")},
                    {*parse_ip("198.19.0.9")});
  struct Row {
    const char* endpoint;
    bool allowed;
  };
  const Row rows[] = {
      {"10.1.1.1:3641", true},
      {"10.1.1.1:2641", false},
      {"10.1.1.2:3641", false},
      {"127.0.0.1:3641", true},
      {"127.0.0.2:2642", true},
      {"127.0.0.2:22", false},  // a network that is allowed is not every service in it
      {"127.0.0.1:2641", false},
      {"127.0.0.1:2650", false},
      {"127.9.9.9:2650", false},
      {"198.19.0.9:2650", false},
      {"192.168.7.4:2641", true},
      {"192.168.8.4:2641", false},
      {"172.16.0.1:2641", false},
      {"172.32.0.1:2641", true},
      {"169.254.169.254:80", false},
      {"169.254.1.1:2641", false},
      {"0.0.0.0:2641", false},
      {"0.0.0.1:2641", false},
      {"224.0.0.1:2641", false},
      {"255.255.255.255:2641", false},
      {"100.64.0.1:2641", false},
      {"8.8.8.8:2641", true},
      {"8.8.8.8:22", false},
      {"8.8.8.8:6379", false},
      {"8.8.8.8:80", false},
      {"8.8.8.8:0", false},
      {"36.112.25.8:3641", true},
      {"[::1]:2641", false},
      {"[fe80::1]:2641", false},
      {"[fc00::1]:2641", false},
      {"[ff02::1]:2641", false},
      {"[2002:7f00:1::1]:2641", false},
      {"[64:ff9b::7f00:1]:2641", false},
      {"[::7f00:2]:2641", false},
      {"[2400:3200::1]:2641", true},
      {"[::ffff:10.0.0.1]:2641", false},
      {"[::ffff:8.8.8.8]:2641", true},
  };
  for (const Row& row : rows) EXPECT_EQ(reach.allows(at(row.endpoint)), row.allowed) << row.endpoint;
  // Nothing private without the list.
  Settings bare;
  const Reach strict(bare, {}, {});
  EXPECT_FALSE(strict.allows(at("127.0.0.1:3641")));
  EXPECT_FALSE(strict.allows(at("[::1]:3641")));
}

TEST(SiteChoice, HashedServerTcpBeforeUdpAndNothingForbidden) {
  Settings settings;
  settings.upstream.allow = {*parse_network("127.0.0.0/8")};
  const Reach reach(settings, {at("127.0.0.1:2641")}, {});
  std::uint64_t refused = 0;
  // Three servers: the one that the whole name hashes to, by position.
  handle::Site three = test::site_at(at("127.0.0.1:4001"), test::Offer::kBoth);
  for (const char* more : {"127.0.0.1:4002", "127.0.0.1:4003"}) {
    three.servers.push_back(test::site_at(at(more), test::Offer::kBoth).servers[0]);
  }
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "88.101.5/SN" + std::to_string(i);
    const auto targets = choose_targets({three}, name, false, reach, 8, refused);
    ASSERT_EQ(targets.size(), 1U);
    EXPECT_TRUE(targets[0].tcp);
    EXPECT_EQ(targets[0].endpoint.port, 4001 + handle::server_of_site(name, handle::HashOption::kWhole, 3));
    ports.insert(targets[0].endpoint.port);
  }
  EXPECT_EQ(ports.size(), 3U);

  const auto one = [&](const handle::Site& site, bool primary = false) {
    return choose_targets({site}, "a/b", primary, reach, 8, refused);
  };
  EXPECT_FALSE(one(test::site_at(at("127.0.0.1:4001"), test::Offer::kUdp))[0].tcp);
  handle::Site mirror = test::site_at(at("127.0.0.1:4001"), test::Offer::kTcp);
  mirror.primary = false;
  EXPECT_EQ(one(mirror).size(), 1U);
  EXPECT_EQ(one(mirror, true).size(), 0U);
  handle::Site admin_only = test::site_at(at("127.0.0.1:4001"), test::Offer::kTcp);
  admin_only.servers[0].interfaces = {{1, 1, 1001}, {3, 2, 8000}, {3, 1, 0x10001}};
  EXPECT_EQ(one(admin_only).size(), 0U);
  handle::Site empty;
  EXPECT_EQ(one(empty).size(), 0U);
  EXPECT_EQ(refused, 0U);
  EXPECT_EQ(one(test::site_at(at("127.0.0.1:2641"), test::Offer::kTcp)).size(), 0U);
  EXPECT_EQ(one(test::site_at(at("10.0.0.1:2641"), test::Offer::kTcp)).size(), 0U);
  EXPECT_EQ(refused, 2U);
  // 256 sites are eight targets at most; versions above ours are written as ours.
  std::vector<handle::Site> many;
  for (std::uint16_t i = 0; i < 256; ++i) {
    Endpoint e = at("127.0.0.1:2000");
    e.port = static_cast<std::uint16_t>(e.port + i);
    many.push_back(test::site_at(e, test::Offer::kTcp));
    many.back().version = {2, 99};
  }
  const auto targets = choose_targets(many, "a/b", false, reach, 8, refused);
  EXPECT_EQ(targets.size(), 8U);
  EXPECT_EQ(targets[0].version, handle::kOurVersion);
}

TEST(SiteChoice, ReadsSitesAndTheirLifetime) {
  const handle::Site site = test::site_at(at("127.0.0.1:4001"), test::Offer::kTcp);
  std::vector<Value> values = {
      test::site_value(1, site, "HS_SITE", 500),      test::site_value(2, site, "hs_site.6", 300),
      test::site_value(3, site, "HS_SITE.PREFIX", 7), test::text_value(4, "HS_SERV", "a/b", 400),
      test::text_value(5, "HS_SITE", "broken", 1),    test::text_value(6, "URL", "u", 1)};
  std::string octets;
  encode_all(values, octets);
  const ValueList list{static_cast<std::uint32_t>(values.size()), octets};
  const SiteValues plain = read_sites(list, false, 1'000);
  EXPECT_EQ(plain.sites.size(), 2U);
  EXPECT_EQ(plain.services, std::vector<std::string>{"a/b"});
  EXPECT_EQ(plain.ttl, 300U);
  const SiteValues prefix = read_sites(list, true, 1'000);
  EXPECT_EQ(prefix.sites.size(), 1U);
  EXPECT_EQ(prefix.ttl, 7U);
}

TEST(SiteTable, ExpiresAndIsBounded) {
  SiteTable table;
  auto sites = std::make_shared<PrefixSites>();
  table.put("88.9", sites, 10, 1'000);
  EXPECT_TRUE(table.find("88.9", false, 10'999));
  EXPECT_FALSE(table.find("88.9", true, 10'999));
  EXPECT_FALSE(table.find("88.9", false, 11'000));
  table.put("88.9", sites, 10 * 86'400, 0);
  EXPECT_TRUE(table.find("88.9", false, 86'399'000));
  EXPECT_FALSE(table.find("88.9", false, 86'400'000));
  table.put("88.9", sites, 0, 0);
  EXPECT_FALSE(table.find("88.9", false, 0));
  for (std::size_t i = 0; i < SiteTable::kMostPrefixes + 100; ++i) table.put(std::to_string(i), sites, 10, 0);
  EXPECT_LE(table.size(), SiteTable::kMostPrefixes);
}

}  // namespace
}  // namespace idnode
