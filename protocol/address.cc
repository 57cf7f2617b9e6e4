#include "protocol/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>

namespace idnode {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Decimal digits only, without a sign or a leading zero; at most `most`.
std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint32_t value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

bool equal_bits(const Address& a, const Address& b, std::uint8_t bits) {
  const std::size_t whole = bits / 8;
  if (std::memcmp(a.octets.data(), b.octets.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  return ((a.octets[whole] ^ b.octets[whole]) >> (8 - bits % 8)) == 0;
}

Address first_bits(Address address, std::size_t bits) {
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    const std::size_t left = bits > i * 8 ? std::min<std::size_t>(8, bits - i * 8) : 0;
    address.octets[i] &= static_cast<std::uint8_t>(0xff00U >> left);
  }
  return address;
}

}  // namespace

bool Address::is_v4() const { return std::ranges::equal(kMapped, std::span(octets).first<12>()); }

bool Address::is_loopback() const {
  if (is_v4()) return octets[12] == 127;
  Address one;
  one.octets[15] = 1;
  return *this == one;
}

Result<Address> parse_ip(std::string_view text) {
  // inet_pton reads a terminated text; nothing valid is longer.
  std::array<char, INET6_ADDRSTRLEN + 1> terminated{};
  if (text.size() > INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return std::unexpected(Errc::kMalformed);
  }
  std::ranges::copy(text, terminated.begin());
  Address address;
  if (inet_pton(AF_INET, terminated.data(), address.octets.data() + 12) == 1) {
    std::ranges::copy(kMapped, address.octets.begin());
    return address;
  }
  if (inet_pton(AF_INET6, terminated.data(), address.octets.data()) == 1) return address;
  return std::unexpected(Errc::kMalformed);
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  address.is_v4() ? inet_ntop(AF_INET, address.octets.data() + 12, text.data(), text.size())
                  : inet_ntop(AF_INET6, address.octets.data(), text.data(), text.size());
  return text.data();
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(Errc::kMalformed);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Without brackets the last colon of an IPv6 address would pass for the one in front of a port.
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::unexpected(Errc::kMalformed);
  const auto address = parse_ip(host);
  const auto port = number(text.substr(colon + 1), 65'535);
  if (!address || !port) return std::unexpected(Errc::kMalformed);
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string to_text(const Endpoint& endpoint) {
  const std::string address = to_text(endpoint.address);
  return (endpoint.address.is_v4() ? address : "[" + address + "]") + ":" + std::to_string(endpoint.port);
}

bool Network::contains(const Address& other) const { return equal_bits(address, other, bits); }

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::unexpected(Errc::kMalformed);
  // "::ffff:1.2.3.4" is the IPv4 address, but its length counts as it was written.
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  if (slash == std::string_view::npos) return Network{*address, 128};
  const auto bits = number(text.substr(slash + 1), dotted ? 32 : 128);
  if (!bits) return std::unexpected(Errc::kMalformed);
  const std::size_t all = dotted ? *bits + 96 : *bits;
  return Network{first_bits(*address, all), static_cast<std::uint8_t>(all)};
}

bool any_contains(const std::vector<Network>& networks, const Address& address) {
  return std::ranges::any_of(networks, [&](const Network& n) { return n.contains(address); });
}

Address source_unit(const Address& address) { return address.is_v4() ? address : first_bits(address, 64); }

Address source_network(const Address& address) { return first_bits(address, address.is_v4() ? 96 + 24 : 56); }

}  // namespace idnode
