#include "protocol/handle/site.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "protocol/bytes.h"

namespace idnode::handle {
namespace {

constexpr std::uint8_t kPrimary = 0x80;
constexpr std::uint8_t kMultiPrimary = 0x40;
constexpr std::size_t kSmallestAttribute = 8;
constexpr std::size_t kSmallestServer = 28;
constexpr std::size_t kInterfaceSize = 6;
constexpr std::size_t kIpv4At = 12;  // an IPv4 address stands in the last four octets

SiteServer read_server(Reader& r) {
  SiteServer s;
  s.id = r.u32();
  const std::string_view address = r.take(s.address.size());
  std::ranges::copy(address, s.address.begin());
  s.public_key = r.bytes();
  const std::uint32_t interfaces = r.count(kInterfaceSize);
  s.interfaces.reserve(interfaces);
  for (std::uint32_t i = 0; i < interfaces && r.ok(); ++i) {
    Interface each;
    each.type = r.u8();
    each.protocol = r.u8();
    each.port = r.u32();
    s.interfaces.push_back(each);
  }
  return s;
}

void write_server(const SiteServer& server, Writer& w) {
  w.u32(server.id);
  for (std::uint8_t octet : server.address) w.u8(octet);
  w.bytes(server.public_key);
  w.u32(static_cast<std::uint32_t>(server.interfaces.size()));
  for (const Interface& each : server.interfaces) {
    w.u8(each.type);
    w.u8(each.protocol);
    w.u32(each.port);
  }
}

bool zeros(const std::uint8_t* from, std::size_t n) {
  return std::all_of(from, from + n, [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

Result<Site> decode_site(std::string_view data) {
  Reader r(data);
  Site s;
  s.format = r.u16();
  s.version.major = r.u8();
  s.version.minor = r.u8();
  s.serial = r.u16();
  const std::uint8_t flags = r.u8();
  s.primary = (flags & kPrimary) != 0;
  s.multi_primary = (flags & kMultiPrimary) != 0;
  s.flags = flags & static_cast<std::uint8_t>(~(kPrimary | kMultiPrimary));
  s.hash_option = r.u8();
  s.hash_filter = r.bytes();
  const std::uint32_t attributes = r.count(kSmallestAttribute);
  s.attributes.reserve(attributes);
  for (std::uint32_t i = 0; i < attributes && r.ok(); ++i) {
    const std::string_view key = r.bytes();
    s.attributes.emplace_back(key, r.bytes());
  }
  const std::uint32_t servers = r.count(kSmallestServer);
  s.servers.reserve(servers);
  for (std::uint32_t i = 0; i < servers && r.ok(); ++i) s.servers.push_back(read_server(r));
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  return s;
}

void encode(const Site& site, std::string& out) {
  Writer w(out);
  w.u16(site.format);
  w.u8(site.version.major);
  w.u8(site.version.minor);
  w.u16(site.serial);
  w.u8(static_cast<std::uint8_t>((site.primary ? kPrimary : 0) | (site.multi_primary ? kMultiPrimary : 0) |
                                 site.flags));
  w.u8(site.hash_option);
  w.bytes(site.hash_filter);
  w.u32(static_cast<std::uint32_t>(site.attributes.size()));
  for (const auto& [key, value] : site.attributes) {
    w.bytes(key);
    w.bytes(value);
  }
  w.u32(static_cast<std::uint32_t>(site.servers.size()));
  for (const SiteServer& each : site.servers) write_server(each, w);
}

Result<std::array<std::uint8_t, 16>> parse_address(std::string_view text) {
  std::array<std::uint8_t, 16> out{};
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) return std::unexpected(Errc::kMalformed);
  if (::inet_pton(AF_INET, terminated.c_str(), out.data() + kIpv4At) == 1) return out;
  if (::inet_pton(AF_INET6, terminated.c_str(), out.data()) != 1) return std::unexpected(Errc::kMalformed);
  // The form ::ffff:a.b.c.d is not written (WIRE.md §20.2).
  if (zeros(out.data(), 10) && out[10] == 0xff && out[11] == 0xff) out[10] = out[11] = 0;
  return out;
}

std::string address_text(const std::array<std::uint8_t, 16>& address) {
  char text[INET6_ADDRSTRLEN];
  // Behind twelve zero octets stands IPv4, but ::1 is more likely meant than 0.0.0.1.
  const bool loopback_v6 = zeros(address.data(), 15) && address[15] == 1;
  const bool v4 = zeros(address.data(), kIpv4At) && !loopback_v6;
  const void* from = v4 ? address.data() + kIpv4At : address.data();
  return ::inet_ntop(v4 ? AF_INET : AF_INET6, from, text, sizeof text) == nullptr ? std::string() : text;
}

}  // namespace idnode::handle
