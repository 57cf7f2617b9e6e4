// Others say where to go: a site record, a referral, a service handle, a pointer prefix. Nothing goes to
// where this node does not go (BEHAVIOUR.md §17.2; the rule is Reach of site_choice.h). Seen from outside: in
// a network where every address is ours, every first segment and datagram that leaves is counted.
#include <iostream>

#include "tests/resolver/net/own_network.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;

constexpr const char* kForbidden[] = {"127.0.0.1",
                                      "127.9.9.9",
                                      "0.0.0.0",
                                      "0.1.2.3",
                                      "10.0.0.1",
                                      "10.255.255.255",
                                      "100.64.0.1",
                                      "169.254.1.1",
                                      "169.254.169.254",
                                      "172.16.0.1",
                                      "172.31.255.255",
                                      "192.0.0.1",
                                      "192.0.2.1",
                                      "192.168.0.1",
                                      "198.18.0.1",
                                      "198.51.100.1",
                                      "203.0.113.1",
                                      "224.0.0.1",
                                      "239.255.255.255",
                                      "240.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "fe80::1",
                                      "fc00::1",
                                      "fdff::1",
                                      "fec0::1",
                                      "ff02::1",
                                      "::ffff:10.0.0.1",
                                      "::ffff:127.0.0.1",
                                      "::ffff:0.0.0.0",
                                      "::ffff:224.0.0.1",
                                      "::10.0.0.1",
                                      "::127.0.0.2",
                                      "::ffff:169.254.169.254",
                                      "64:ff9b::a00:1",
                                      "64:ff9b:1::a00:1",
                                      "2002:a00:1::1",
                                      "2001:db8::1",
                                      "2001::1",
                                      "::ffff:0:a00:1",
                                      "100::1",
                                      "3fff::1",
                                      "5f00::1"};
// Services of others, on an address where a Handle server could be.
constexpr std::uint16_t kOtherServices[] = {22,   25,   53,   80,   443,   1023, 3306,
                                            5432, 6379, 8080, 9200, 11211, 27017};

// The ways in which others lead somewhere.
enum class Way { kPrefixSite, kServiceReferral, kPrefixReferral, kServiceHandle, kPointer };
constexpr Way kWays[] = {Way::kPrefixSite, Way::kServiceReferral, Way::kPrefixReferral, Way::kServiceHandle,
                         Way::kPointer};

// Sites hold 16 octets: an IPv4 address behind zeros, or as an IPv6 address writes it.
handle::Site site_of(const char* address, std::uint16_t port, Offer offer) {
  const Endpoint endpoint{*parse_ip(address), port};
  handle::Site site = site_at(endpoint, offer);
  if (std::string_view(address).starts_with("::ffff:")) site.servers[0].address = endpoint.address.octets;
  return site;
}

class Reaching : public Forwarding {
 protected:
  // Peers of the fixture live outside of the network that the test makes.
  Reaching() {
    national.reset();
    node.reset();
    settings.upstream.allow = {};
    settings.limits.upstream_failures = 1'000;
  }
  // What is asked for when `site` is to be followed that way.
  Question lead(Way way, const handle::Site& site) {
    const std::string prefix = "88." + std::to_string(++asked_);
    const std::string name = prefix + "/x";
    const Value as_site = site_value(1, site);
    const Value as_prefix = site_value(2, site, "HS_SITE.PREFIX");
    Question q = question(way == Way::kPrefixReferral ? "0.NA/" + prefix : name);
    if (way == Way::kPointer) {
      auto entry = std::make_shared<PrefixEntry>();
      entry->prefix_handle = "0.NA/" + prefix;
      entry->sites = {site};
      q.route = entry;
    }
    national->set_script([=](const Seen& s) {
      Canned c;
      if (way == Way::kPrefixReferral) {
        c.code = ResponseCode::kPrefixReferral;
        c.values = {as_prefix};
      } else if (way == Way::kServiceReferral && s.name == name) {
        c.code = ResponseCode::kServiceReferral;
        c.values = {as_site};
      } else if (way == Way::kServiceReferral) {
        c.values = {site_value(1, site_at(s.own, Offer::kTcp))};
      } else if (way == Way::kServiceHandle && !s.name.starts_with("0.SERV/")) {
        c.values = {text_value(1, "HS_SERV", "0.SERV/" + prefix)};
      } else {
        c.values = {as_site};
      }
      return answer(s, c);
    });
    return q;
  }
  int asked_ = 0;
};

TEST_F(Reaching, NothingLeavesToWhereWeDoNotGo) {
  std::string why_not;
  const bool ran = in_own_network(
      Loopback::kEveryAddress,
      [&] {
        national = std::make_unique<ScriptedPeer>(silent());
        ScriptedPeer ourselves(speaks());
        settings.upstream.servers = {national->endpoint()};
        start({ourselves.endpoint()});
        Departures departures(national->endpoint().port);
        unsigned rows = 0, left = 0, refused_before = 0;
        const auto follow = [&](Way way, const handle::Site& site, const std::string& what) {
          const Timed t = timed(lead(way, site));
          EXPECT_NE(t.answer.code, ResponseCode::kSuccess) << what;
          const unsigned now = departures.count();
          EXPECT_EQ(now, 0U) << what << " way " << static_cast<int>(way);
          left += now;
          ++rows;
          const auto refused = static_cast<unsigned>(counters().refused_addresses);
          EXPECT_GT(refused, refused_before) << what << " way " << static_cast<int>(way);
          refused_before = refused;
        };
        for (const Way way : kWays) {
          for (const char* address : kForbidden) {
            for (const std::uint16_t port : {2'641, 22, 6'379}) {
              follow(way, site_of(address, port, port == 2'641 ? Offer::kBoth : Offer::kUdp),
                     std::string(address) + " port " + std::to_string(port));
            }
          }
          for (const std::uint16_t port : kOtherServices) {
            follow(way, site_of("36.112.25.8", port, Offer::kBoth), "port " + std::to_string(port));
          }
          follow(way, site_at(ourselves.endpoint(), Offer::kBoth), "ourselves");
        }
        EXPECT_EQ(ourselves.accepted(), 0U);
        // And what would have been seen: a public address, and one that is allowed.
        unsigned controls = 0;
        settings.upstream.allow = {*parse_network("10.0.0.0/8")};
        upstream->reload(std::make_shared<const Settings>(settings));
        for (const char* address : {"36.112.25.8", "10.0.0.1", "2400:3200::1"}) {
          for (const Offer offer : {Offer::kTcp, Offer::kUdp}) {
            ask(lead(Way::kPointer, site_of(address, 2'641, offer)));
            const unsigned now = departures.count();
            EXPECT_GE(now, 1U) << address;
            controls += now > 0 ? 1 : 0;
          }
        }
        // An allowed network is not every service in it.
        ask(lead(Way::kPointer, site_of("10.0.0.1", 22, Offer::kTcp)));
        ask(lead(Way::kPointer, site_of("10.0.0.1", 6'379, Offer::kTcp)));
        EXPECT_EQ(departures.count(), 0U);
        std::cout << "upstream: U7 rows=" << rows << " left=" << left
                  << " refused=" << counters().refused_addresses << " control_left=" << controls << "/6\n";
        upstream->stop();
        upstream.reset();
        national.reset();
      },
      why_not);
  if (ran) return;
  std::cout << "upstream: U7 SKIP " << why_not << "\n";
  GTEST_SKIP() << why_not;
}

// The same with what any user may do: listeners on this machine that count who comes.
TEST_F(Reaching, LoopbackIsNotContactedUnlessAllowed) {
  national = std::make_unique<ScriptedPeer>(silent());
  settings.upstream.servers = {national->endpoint()};
  ScriptedPeer trap(speaks());
  ScriptedPeer other(speaks(), true, true, "127.0.0.9");
  start();
  for (const Way way : kWays) {
    for (const ScriptedPeer* peer : {&trap, &other}) {
      for (const Offer offer : {Offer::kTcp, Offer::kUdp}) {
        EXPECT_NE(ask(lead(way, site_at(peer->endpoint(), offer))).code, ResponseCode::kSuccess);
      }
    }
  }
  EXPECT_EQ(trap.accepted() + other.accepted() + trap.count() + other.count(), 0U);
  const std::uint64_t refused = counters().refused_addresses;
  EXPECT_GE(refused, 20U);
  settings.upstream.allow = {*parse_network("127.0.0.9/32")};
  upstream->reload(std::make_shared<const Settings>(settings));
  for (const Offer offer : {Offer::kTcp, Offer::kUdp}) {
    EXPECT_EQ(ask(lead(Way::kPointer, site_at(other.endpoint(), offer))).code, ResponseCode::kSuccess);
    EXPECT_NE(ask(lead(Way::kPointer, site_at(trap.endpoint(), offer))).code, ResponseCode::kSuccess);
  }
  EXPECT_EQ(trap.accepted() + trap.count(), 0U);
  EXPECT_EQ(other.count(), 2U);
  std::cout << "upstream: U7 loopback refused=" << refused << " contacted=" << trap.accepted() + trap.count()
            << " control_contacted=" << other.count() << "\n";
}

}  // namespace
}  // namespace idnode::test
