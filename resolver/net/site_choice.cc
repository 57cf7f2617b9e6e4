#include "resolver/net/site_choice.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "protocol/handle/site_hash.h"
#include "protocol/identifier.h"

namespace idnode {

namespace {

// Where no public service is: special-purpose registries of IPv4 and IPv6, and the ranges that carry an IPv4
// address inside (they could lead to any of the former).
constexpr const char* kSpecial[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",         "64:ff9b::/96",    "64:ff9b:1::/48", "100::/64",       "2001::/32",
    "2001:db8::/32", "2002::/16",       "fc00::/7",       "fe80::/10",      "fec0::/10",
    "ff00::/8",      "::ffff:0:0:0/96", "3fff::/20",      "5f00::/16",
};

// Services that a site record of a stranger could aim us at; below 1024 only the web's ports are not refused
// outright, and those carry no Handle messages over TCP or UDP either.
constexpr std::uint16_t kOtherServices[] = {1080, 1433, 1521, 2049, 2181, 2375, 2376,  2379,  2380,
                                            3128, 3306, 3389, 5432, 5672, 5900, 5984,  6379,  6443,
                                            8080, 9000, 9042, 9092, 9200, 9300, 10250, 11211, 27017};

const std::vector<Network>& special_networks() {
  static const std::vector<Network> networks = [] {
    std::vector<Network> list;
    for (const char* text : kSpecial) {
      if (const auto network = parse_network(text)) list.push_back(*network);
    }
    return list;
  }();
  return networks;
}

bool is_unspecified(const Address& address) {
  static const Address any_v6{};
  static const Address any_v4 = *parse_ip("0.0.0.0");
  return address == any_v6 || address == any_v4;
}

bool usable_port(std::uint16_t port) {
  return port >= 1024 && std::ranges::find(kOtherServices, port) == std::end(kOtherServices);
}

}  // namespace

Reach::Reach(const Settings& settings, std::vector<Endpoint> own_listeners, std::vector<Address> local)
    : servers_(settings.upstream.servers),
      allow_(settings.upstream.allow),
      own_(std::move(own_listeners)),
      local_(std::move(local)) {}

bool Reach::is_own(const Endpoint& endpoint) const {
  const auto same = [&](const Endpoint& own) {
    if (own.port != endpoint.port) return false;
    if (own.address == endpoint.address) return true;
    const bool here = endpoint.address.is_loopback() || is_unspecified(endpoint.address) ||
                      std::ranges::find(local_, endpoint.address) != local_.end();
    return is_unspecified(own.address) && here;
  };
  return std::ranges::any_of(own_, same);
}

bool Reach::allows(const Endpoint& endpoint) const {
  if (endpoint.port == 0 || is_unspecified(endpoint.address) || is_own(endpoint)) return false;
  if (std::ranges::find(servers_, endpoint) != servers_.end()) return true;
  if (!usable_port(endpoint.port)) return false;
  return any_contains(allow_, endpoint.address) || !any_contains(special_networks(), endpoint.address);
}

std::vector<Address> local_addresses() {
  std::vector<Address> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    Address address;
    if (i->ifa_addr->sa_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, i->ifa_addr, sizeof(v4));
      address.octets[10] = address.octets[11] = 0xff;
      std::memcpy(address.octets.data() + 12, &v4.sin_addr, 4);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, i->ifa_addr, sizeof(v6));
      std::memcpy(address.octets.data(), &v6.sin6_addr, 16);
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  freeifaddrs(list);
  return addresses;
}

Address site_address(const std::array<std::uint8_t, 16>& octets) {
  Address address{octets};
  const bool low = std::all_of(octets.begin(), octets.begin() + 12, [](std::uint8_t o) { return o == 0; });
  // ::1 is kept: as IPv4 it would be 0.0.0.1, where nobody is.
  if (!low || address.is_loopback()) return address;
  address.octets[10] = address.octets[11] = 0xff;
  return address;
}

SiteValues read_sites(ValueList values, bool for_prefix_referral, std::uint32_t now_seconds) {
  SiteValues found;
  found.ttl = 0xffffffff;
  ValueWalk walk(values);
  ValueView value;
  while (walk.next(value)) {
    const bool site = for_prefix_referral
                          ? same_type(value.type, "HS_SITE.PREFIX") || same_type(value.type, "HS_NA_DELEGATE")
                          : same_type(value.type, "HS_SITE") || same_type(value.type, "HS_SITE.6");
    const bool service = same_type(value.type, for_prefix_referral ? "HS_SERV.PREFIX" : "HS_SERV");
    if (site) {
      auto decoded = handle::decode_site(value.data);
      if (!decoded) continue;
      found.sites.push_back(std::move(*decoded));
    } else if (service) {
      found.services.emplace_back(value.data);
    } else {
      continue;
    }
    std::uint32_t ttl = value.ttl;
    if (value.ttl_type == kTtlAbsolute) ttl = ttl > now_seconds ? ttl - now_seconds : 0;
    if (value.ttl_type > kTtlAbsolute || (value.ttl_type == kTtlRelative && (ttl & 0x80000000U) != 0))
      ttl = 0;
    found.ttl = std::min(found.ttl, ttl);
  }
  if (found.sites.empty() && found.services.empty()) found.ttl = 0;
  return found;
}

std::vector<Target> choose_targets(const std::vector<handle::Site>& sites, std::string_view name,
                                   bool primary_only, const Reach& reach, std::size_t most,
                                   std::uint64_t& refused) {
  std::vector<Target> targets;
  for (const handle::Site& site : sites) {
    if (targets.size() >= most) break;
    if (site.servers.empty() || (primary_only && !site.primary)) continue;
    const auto option = static_cast<handle::HashOption>(std::min<std::uint8_t>(site.hash_option, 2));
    const handle::SiteServer& server =
        site.servers[handle::server_of_site(name, option, site.servers.size())];
    const auto offers = [&](handle::InterfaceProtocol protocol) {
      return std::ranges::find_if(server.interfaces, [&](const handle::Interface& i) {
        return i.protocol == static_cast<std::uint8_t>(protocol) && (i.type & 2) != 0 && i.port != 0 &&
               i.port <= 0xffff;
      });
    };
    auto interface = offers(handle::InterfaceProtocol::kTcp);
    const bool tcp = interface != server.interfaces.end();
    if (!tcp) interface = offers(handle::InterfaceProtocol::kUdp);
    if (interface == server.interfaces.end()) continue;

    Target target;
    target.endpoint = {site_address(server.address), static_cast<std::uint16_t>(interface->port)};
    target.tcp = tcp;
    target.version =
        site.version.at_least(2, 11) || site.version.major != 2 ? handle::kOurVersion : site.version;
    target.serial = site.serial;
    target.public_key = server.public_key;
    if (!reach.allows(target.endpoint)) {
      ++refused;
      continue;
    }
    const bool known = std::ranges::any_of(
        targets, [&](const Target& t) { return t.endpoint == target.endpoint && t.tcp == target.tcp; });
    if (!known) targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace idnode
