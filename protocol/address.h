// Where a message comes from or goes to, and the networks that rules are written for. Pure values: no
// sockets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace idnode {

// An IPv6 address; IPv4 as ::ffff:a.b.c.d.
struct Address {
  std::array<std::uint8_t, 16> octets{};
  bool is_v4() const;
  bool is_loopback() const;  // 127.0.0.0/8, ::1
  auto operator<=>(const Address&) const = default;
};
Result<Address> parse_ip(std::string_view text);  // "127.0.0.1", "::1", without brackets or port
std::string to_text(const Address& address);      // IPv4 dotted, IPv6 shortest form

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};
Result<Endpoint> parse_endpoint(std::string_view text);  // "127.0.0.1:2641", "[::1]:2641"
std::string to_text(const Endpoint& endpoint);

struct Network {
  Address address;
  std::uint8_t bits = 128;  // of the 128: an IPv4 /24 has 120
  bool contains(const Address& other) const;
};
Result<Network> parse_network(std::string_view text);  // "127.0.0.0/8", "::1", "10.0.0.0/8"
bool any_contains(const std::vector<Network>& networks, const Address& address);

// The unit of per-source limits (interfaces: limits table): the IPv4 address or the IPv6 /64.
Address source_unit(const Address& address);
// The wider unit: /24 or /56.
Address source_network(const Address& address);

}  // namespace idnode
