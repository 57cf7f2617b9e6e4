// Which server of which site to ask, and where we go at all (BEHAVIOUR.md §15.3, §17.2). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/address.h"
#include "protocol/handle/envelope.h"
#include "protocol/handle/header.h"
#include "protocol/handle/site.h"
#include "protocol/value.h"
#include "resolver/logic/settings.h"

namespace idnode {

// One interface of one server.
struct Target {
  Endpoint endpoint;
  bool tcp = true;
  bool configured = false;        // of [upstream] servers: its key is asked of itself
  handle::Version version{2, 3};  // in which requests are written: the site's, at most 2.11
  std::uint16_t serial = handle::kUnknownSerial;
  std::string public_key;  // Handle key encoding; empty: unknown
};

// The rule of where messages may go: configured servers; networks of [upstream] allow; other addresses only
// when they are public and the port is not that of a well-known other service. Never a listener of ours.
class Reach {
 public:
  Reach() = default;
  // `local`: addresses of this machine's interfaces, which an own listener on an unspecified address means.
  Reach(const Settings& settings, std::vector<Endpoint> own_listeners, std::vector<Address> local);
  bool allows(const Endpoint& endpoint) const;
  bool is_own(const Endpoint& endpoint) const;

 private:
  std::vector<Endpoint> servers_;
  std::vector<Network> allow_;
  std::vector<Endpoint> own_;
  std::vector<Address> local_;
};

// Addresses of this machine's interfaces.
std::vector<Address> local_addresses();

// The address of a site record's server: IPv4 behind twelve zero octets.
Address site_address(const std::array<std::uint8_t, 16>& octets);

// Decodes the site values among `values` that have one of the types exactly; `text_type`: texts of that type
// (HS_SERV) are collected too. What does not decode is left out.
struct SiteValues {
  std::vector<handle::Site> sites;
  std::vector<std::string> services;  // handles that hold the sites
  std::uint32_t ttl = 0;              // least relative or remaining ttl of what was used, seconds
};
SiteValues read_sites(ValueList values, bool for_prefix_referral, std::uint32_t now_seconds);

// For each site in order, the server that the name hashes to: over TCP if it offers that for queries, else
// over UDP. `primary_only`: sites that are primary. What reach refuses is left out and counted; at most
// `most`.
std::vector<Target> choose_targets(const std::vector<handle::Site>& sites, std::string_view name,
                                   bool primary_only, const Reach& reach, std::size_t most,
                                   std::uint64_t& refused);

}  // namespace idnode
