#include "protocol/rest/members.h"

#include <charconv>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/identifier.h"
#include "protocol/rest/decode.h"

namespace idnode::rest {

namespace json = boost::json;

const json::value* find(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Read<std::uint64_t> number(const json::value* value, std::string_view what, std::uint64_t most) {
  std::uint64_t out = 0;
  bool good = false;
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
    out = static_cast<std::uint64_t>(value->get_int64());
    good = true;
  } else if (value != nullptr && value->is_uint64()) {
    out = value->get_uint64();
    good = true;
  } else if (value != nullptr && value->is_string()) {
    const json::string& text = value->get_string();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    good = !text.empty() && error == std::errc() && end == text.data() + text.size();
  }
  if (!good || out > most)
    return std::unexpected(std::string(what) + ": a number from 0 to " + std::to_string(most) + " is needed");
  return out;
}

Read<std::string> text(const json::value* value, std::string_view what) {
  if (value == nullptr || !value->is_string())
    return std::unexpected(std::string(what) + ": a text is needed");
  return std::string(value->get_string());
}

Read<std::uint32_t> bits(std::string_view spelled, int width, std::string_view what) {
  if (spelled == "*") return (1U << width) - 1;
  std::uint32_t out = 0;
  for (char c : spelled) {
    if (c != '0' && c != '1')
      return std::unexpected(std::string(what) + ": only 0 and 1 (or \"*\") may stand here");
    out = (out << 1) | static_cast<std::uint32_t>(c - '0');
  }
  if (spelled.empty() || spelled.size() > static_cast<std::size_t>(width)) {
    return std::unexpected(std::string(what) + ": 1 to " + std::to_string(width) + " digits are needed");
  }
  return out;
}

Read<Reference> reference(const json::value& value, std::string_view what) {
  if (!value.is_object())
    return std::unexpected(std::string(what) + ": an object with handle and index is needed");
  auto handle = text(find(value.get_object(), "handle"), std::string(what) + ".handle");
  if (!handle) return std::unexpected(handle.error());
  auto index = number(find(value.get_object(), "index"), std::string(what) + ".index", 0xffffffff);
  if (!index) return std::unexpected(index.error());
  return Reference{std::move(*handle), static_cast<std::uint32_t>(*index)};
}

namespace {

Read<std::uint16_t> admin_permissions(const json::value* value, std::string_view what) {
  if (value == nullptr) return std::uint16_t{0};
  if (value->is_bool()) return static_cast<std::uint16_t>(value->get_bool() ? handle::kAllPermissions : 0);
  if (value->is_string()) {
    auto mask = bits(value->get_string(), 12, what);
    if (!mask) return std::unexpected(mask.error());
    return static_cast<std::uint16_t>(*mask);
  }
  if (value->is_array() && value->get_array().size() == 12) {
    std::uint16_t mask = 0;
    for (std::size_t bit = 0; bit < 12; ++bit) {
      const json::value& one = value->get_array()[bit];
      if (one.is_bool() ? one.get_bool() : one.is_int64() && one.get_int64() != 0)
        mask = static_cast<std::uint16_t>(mask | (1U << bit));
    }
    return mask;
  }
  auto mask = number(value, what, handle::kAllPermissions);
  if (!mask) return std::unexpected(mask.error());
  return static_cast<std::uint16_t>(*mask);
}

Read<std::string> admin_data(const json::value& value, std::string_view what) {
  auto identity = reference(value, what);
  if (!identity) return std::unexpected(identity.error());
  auto mask = admin_permissions(find(value.get_object(), "permissions"), std::string(what) + ".permissions");
  if (!mask) return std::unexpected(mask.error());
  const json::value* legacy = find(value.get_object(), "legacyByteLength");
  handle::Admin admin{*mask, std::move(*identity),
                      legacy != nullptr && legacy->is_bool() && legacy->get_bool()};
  std::string out;
  handle::encode(admin, out);
  return out;
}

Read<std::string> vlist_data(const json::value& value, std::string_view what) {
  if (!value.is_array()) return std::unexpected(std::string(what) + ": an array is needed");
  std::vector<Reference> members;
  for (const json::value& one : value.get_array()) {
    auto member = reference(one, what);
    if (!member) return std::unexpected(member.error());
    members.push_back(std::move(*member));
  }
  std::string out;
  handle::encode_vlist(members, out);
  return out;
}

// Base64url of an unsigned number to the Handle System's shortest two's-complement form.
Read<std::string> key_number(const json::object& object, const char* name, std::string_view what) {
  auto spelled = text(find(object, name), std::string(what) + "." + name);
  if (!spelled) return spelled;
  for (char& c : *spelled) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (spelled->size() % 4 != 0) spelled->push_back('=');
  auto octets = from_base64(*spelled);
  if (!octets || octets->empty())
    return std::unexpected(std::string(what) + "." + name + ": base64url is needed");
  if ((static_cast<std::uint8_t>((*octets)[0]) & 0x80) != 0) octets->insert(octets->begin(), '\0');
  return std::move(*octets);
}

Read<std::string> key_data(const json::value& value, std::string_view what) {
  if (!value.is_object()) return std::unexpected(std::string(what) + ": a key object is needed");
  const json::object& object = value.get_object();
  auto kind = text(find(object, "kty"), std::string(what) + ".kty");
  if (!kind) return kind;
  std::vector<const char*> order;
  if (*kind == "RSA") {
    order = {"e", "n"};
  } else if (*kind == "DSA") {
    order = {"q", "p", "g", "y"};
  } else {
    return std::unexpected(std::string(what) + ".kty: RSA or DSA is needed");
  }
  std::string out;
  Writer w(out);
  w.bytes(*kind + "_PUB_KEY");
  w.u16(0);
  for (const char* name : order) {
    auto octets = key_number(object, name, what);
    if (!octets) return octets;
    w.bytes(*octets);
  }
  if (*kind == "RSA") w.u32(0);  // the reference writes four zero octets and counts them (WIRE.md §21.2)
  return out;
}

bool truth(const json::object& object, const char* name) {
  const json::value* value = find(object, name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

Read<handle::Interface> site_interface(const json::value& value, std::string_view what) {
  if (!value.is_object()) return std::unexpected(std::string(what) + ": an object is needed");
  const json::object& object = value.get_object();
  static constexpr std::string_view kProtocols[] = {"UDP", "TCP", "HTTP", "HTTPS"};
  auto protocol = text(find(object, "protocol"), std::string(what) + ".protocol");
  if (!protocol) return std::unexpected(protocol.error());
  handle::Interface out;
  out.type = static_cast<std::uint8_t>((truth(object, "admin") ? 1 : 0) | (truth(object, "query") ? 2 : 0));
  bool known = false;
  for (std::uint8_t i = 0; i < 4; ++i) {
    if (equal_folded(*protocol, kProtocols[i])) {
      out.protocol = i;
      known = true;
    }
  }
  if (!known) return std::unexpected(std::string(what) + ".protocol: UDP, TCP, HTTP or HTTPS is needed");
  auto port = number(find(object, "port"), std::string(what) + ".port", 65535);
  if (!port) return std::unexpected(port.error());
  out.port = static_cast<std::uint32_t>(*port);
  return out;
}

Read<handle::SiteServer> site_server(const json::value& value, std::string_view what) {
  if (!value.is_object()) return std::unexpected(std::string(what) + ": an object is needed");
  const json::object& object = value.get_object();
  handle::SiteServer out;
  auto id = number(find(object, "serverId"), std::string(what) + ".serverId", 0xffffffff);
  if (!id) return std::unexpected(id.error());
  out.id = static_cast<std::uint32_t>(*id);
  auto spelled = text(find(object, "address"), std::string(what) + ".address");
  if (!spelled) return std::unexpected(spelled.error());
  auto address = handle::parse_address(*spelled);
  if (!address) return std::unexpected(std::string(what) + ".address: an IPv4 or IPv6 address is needed");
  out.address = *address;
  if (const json::value* key = find(object, "publicKey")) {
    auto octets = data_of(*key, std::string(what) + ".publicKey");
    if (!octets) return std::unexpected(octets.error());
    out.public_key = std::move(*octets);
  }
  const json::value* interfaces = find(object, "interfaces");
  if (interfaces == nullptr || !interfaces->is_array())
    return std::unexpected(std::string(what) + ".interfaces: an array is needed");
  for (const json::value& one : interfaces->get_array()) {
    auto interface = site_interface(one, std::string(what) + ".interfaces");
    if (!interface) return std::unexpected(interface.error());
    out.interfaces.push_back(*interface);
  }
  return out;
}

Fault read_protocol_version(const json::object& object, handle::Site& site, std::string_view what) {
  const json::value* value = find(object, "protocolVersion");
  if (value == nullptr) return {};
  unsigned major = 0;
  unsigned minor = 0;
  if (!value->is_string() || std::sscanf(value->get_string().c_str(), "%u.%u", &major, &minor) != 2 ||
      major > 255 || minor > 255) {
    return std::string(what) + ".protocolVersion: two numbers like 2.11 are needed";
  }
  site.version = {static_cast<std::uint8_t>(major), static_cast<std::uint8_t>(minor)};
  return {};
}

Read<std::string> site_data(const json::value& value, std::string_view what) {
  if (!value.is_object()) return std::unexpected(std::string(what) + ": a site object is needed");
  const json::object& object = value.get_object();
  handle::Site site;
  if (Fault fault = read_protocol_version(object, site, what); !fault.empty()) return std::unexpected(fault);
  auto serial = number(find(object, "serialNumber"), std::string(what) + ".serialNumber", 65535);
  if (!serial) return std::unexpected(serial.error());
  site.serial = static_cast<std::uint16_t>(*serial);
  site.primary = truth(object, "primarySite");
  site.multi_primary = truth(object, "multiPrimary");
  if (const json::value* option = find(object, "hashOption")) {
    auto hash = number(option, std::string(what) + ".hashOption", 2);
    if (!hash) return std::unexpected(hash.error());
    site.hash_option = static_cast<std::uint8_t>(*hash);
  }
  if (const json::value* attributes = find(object, "attributes");
      attributes != nullptr && attributes->is_array()) {
    for (const json::value& one : attributes->get_array()) {
      if (!one.is_object()) return std::unexpected(std::string(what) + ".attributes: objects are needed");
      auto name = text(find(one.get_object(), "name"), std::string(what) + ".attributes.name");
      auto content = text(find(one.get_object(), "value"), std::string(what) + ".attributes.value");
      if (!name || !content)
        return std::unexpected(std::string(what) + ".attributes: name and value are needed");
      site.attributes.emplace_back(std::move(*name), std::move(*content));
    }
  }
  const json::value* servers = find(object, "servers");
  if (servers == nullptr) servers = find(object, "serverList");
  if (servers == nullptr || !servers->is_array())
    return std::unexpected(std::string(what) + ".servers: an array is needed");
  for (const json::value& one : servers->get_array()) {
    auto server = site_server(one, std::string(what) + ".servers");
    if (!server) return std::unexpected(server.error());
    site.servers.push_back(std::move(*server));
  }
  std::string out;
  handle::encode(site, out);
  return out;
}

Read<std::string> string_data(const json::value& value, std::string_view what) { return text(&value, what); }
Read<std::string> base64_data(const json::value& value, std::string_view what) {
  auto spelled = text(&value, what);
  if (!spelled) return spelled;
  auto octets = from_base64(*spelled);
  if (!octets) return std::unexpected(std::string(what) + ": this is not base64");
  return std::move(*octets);
}
Read<std::string> hex_data(const json::value& value, std::string_view what) {
  auto spelled = text(&value, what);
  if (!spelled) return spelled;
  auto octets = from_hex(*spelled);
  if (!octets) return std::unexpected(std::string(what) + ": this is not hexadecimal");
  return std::move(*octets);
}

}  // namespace

Read<std::string> data_of(const json::value& value, std::string_view what) {
  struct Format {
    std::string_view name;
    Read<std::string> (*read)(const json::value&, std::string_view);
  };
  static constexpr Format kFormats[] = {{"string", string_data}, {"base64", base64_data}, {"hex", hex_data},
                                        {"admin", admin_data},   {"vlist", vlist_data},   {"site", site_data},
                                        {"key", key_data}};
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_object())
    return std::unexpected(std::string(what) + ": a text or an object with format and value is needed");
  auto name = text(find(value.get_object(), "format"), std::string(what) + ".format");
  if (!name) return name;
  const json::value* content = find(value.get_object(), "value");
  if (content == nullptr) return std::unexpected(std::string(what) + ".value is missing");
  for (const Format& format : kFormats) {
    if (equal_folded(*name, format.name)) return format.read(*content, std::string(what) + ".value");
  }
  return std::unexpected(std::string(what) + ".format: " + *name + " is not known");
}

}  // namespace idnode::rest
