// HS_SITE data, also the body of a site-info answer (WIRE.md §20.2).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

enum class InterfaceType : std::uint8_t { kOutOfService = 0, kAdmin = 1, kQuery = 2, kBoth = 3 };
enum class InterfaceProtocol : std::uint8_t { kUdp = 0, kTcp = 1, kHttp = 2, kHttps = 3 };

struct Interface {
  std::uint8_t type = 3;
  std::uint8_t protocol = 1;
  std::uint32_t port = 2641;
  bool operator==(const Interface&) const = default;
};

struct SiteServer {
  std::uint32_t id = 1;
  std::array<std::uint8_t, 16> address{};  // IPv4 in the last four octets behind zeros
  std::string public_key;                  // Handle key encoding, may be empty
  std::vector<Interface> interfaces;
  bool operator==(const SiteServer&) const = default;
};

struct Site {
  std::uint16_t format = 1;
  Version version = kOurVersion;
  std::uint16_t serial = 1;
  bool primary = true;
  bool multi_primary = false;
  std::uint8_t flags = 0;  // the other bits of the flags octet, carried through
  std::uint8_t hash_option = 2;
  std::string hash_filter;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<SiteServer> servers;
  bool operator==(const Site&) const = default;
};

Result<Site> decode_site(std::string_view data);
void encode(const Site& site, std::string& out);

// Textual address <-> 16 octets. kMalformed for what is neither IPv4 nor IPv6.
Result<std::array<std::uint8_t, 16>> parse_address(std::string_view text);
std::string address_text(const std::array<std::uint8_t, 16>& address);

}  // namespace idnode::handle
