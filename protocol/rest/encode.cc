#include "protocol/rest/encode.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/identifier.h"

namespace idnode::rest {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_with(std::string_view in, const char* alphabet, bool pad) {
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < in.size(); i += 3) {
    std::size_t n = std::min<std::size_t>(3, in.size() - i);
    std::uint32_t block = 0;
    for (std::size_t k = 0; k < 3; ++k)
      block = (block << 8) | (k < n ? static_cast<std::uint8_t>(in[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      if (k <= n) {
        out.push_back(alphabet[(block >> (18 - 6 * k)) & 63]);
      } else if (pad) {
        out.push_back('=');
      }
    }
  }
  return out;
}

// Unsigned number as JSON Web Keys want it: base64url without padding, no leading zero octets.
std::string key_number(std::string_view number) {
  while (number.size() > 1 && number[0] == '\0') number.remove_prefix(1);
  std::string out = base64_with(number, kBase64, false);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

void member(std::string_view name, std::string& out) {
  append_string(name, out);
  out.push_back(':');
}

void text_member(std::string_view name, std::string_view text, std::string& out) {
  member(name, out);
  append_string(text, out);
}

void number_member(std::string_view name, std::uint64_t number, std::string& out) {
  member(name, out);
  out += std::to_string(number);
}

bool looks_like_text(std::string_view data) {
  for (char c : data) {
    auto v = static_cast<std::uint8_t>(c);
    if ((v < 0x20 && c != '\t' && c != '\n' && c != '\r') || v == 0x7f) return false;
  }
  return valid_utf8(data);
}

void append_reference(const Reference& reference, std::string& out) {
  out.push_back('{');
  text_member("handle", reference.handle, out);
  out.push_back(',');
  number_member("index", reference.index, out);
  out.push_back('}');
}

void append_formatted(std::string_view format, std::string_view json, std::string& out) {
  out += "{";
  text_member("format", format, out);
  out += ",";
  member("value", out);
  out += json;
  out += "}";
}

bool append_admin(std::string_view data, std::string& out) {
  auto admin = handle::decode_admin(data);
  if (!admin) return false;
  std::string json = "{";
  text_member("handle", admin->identity.handle, json);
  json += ",";
  number_member("index", admin->identity.index, json);
  json += ",";
  std::string bits;
  for (int bit = 11; bit >= 0; --bit) bits.push_back((admin->permissions >> bit) & 1 ? '1' : '0');
  text_member("permissions", bits, json);
  if (admin->legacy_length) json += ",\"legacyByteLength\":true";
  json += "}";
  append_formatted("admin", json, out);
  return true;
}

bool append_vlist(std::string_view data, std::string& out) {
  auto members = handle::decode_vlist(data);
  if (!members) return false;
  std::string json = "[";
  for (const Reference& m : *members) {
    if (json.size() > 1) json += ",";
    append_reference(m, json);
  }
  json += "]";
  append_formatted("vlist", json, out);
  return true;
}

// {"kty":...} of a Handle-encoded public key; empty when it is of another kind.
std::string key_json(std::string_view data) {
  Reader r(data);
  std::string_view kind = r.bytes();
  r.u16();
  std::string json = "{";
  if (kind == "RSA_PUB_KEY") {
    std::string_view e = r.bytes();
    std::string_view n = r.bytes();
    text_member("kty", "RSA", json);
    json += ",";
    text_member("n", key_number(n), json);
    json += ",";
    text_member("e", key_number(e), json);
  } else if (kind == "DSA_PUB_KEY") {
    std::string_view q = r.bytes();
    std::string_view p = r.bytes();
    std::string_view g = r.bytes();
    std::string_view y = r.bytes();
    text_member("kty", "DSA", json);
    const std::pair<const char*, std::string_view> numbers[] = {{"y", y}, {"p", p}, {"q", q}, {"g", g}};
    for (const auto& [label, number] : numbers) {
      json += ",";
      text_member(label, key_number(number), json);
    }
  } else {
    return {};
  }
  json += "}";
  return r.ok() ? json : std::string();
}

bool append_key(std::string_view data, std::string& out) {
  std::string json = key_json(data);
  if (json.empty()) return false;
  append_formatted("key", json, out);
  return true;
}

void append_interface(const handle::Interface& interface, std::string& out) {
  static constexpr const char* kProtocols[] = {"UDP", "TCP", "HTTP", "HTTPS"};
  out += "{\"query\":";
  out += (interface.type & 2) != 0 ? "true" : "false";
  out += ",\"admin\":";
  out += (interface.type & 1) != 0 ? "true" : "false";
  out += ",";
  text_member("protocol",
              interface.protocol < 4 ? kProtocols[interface.protocol] : std::to_string(interface.protocol),
              out);
  out += ",";
  number_member("port", interface.port, out);
  out += "}";
}

void append_server(const handle::SiteServer& server, std::string& out) {
  out += "{";
  number_member("serverId", server.id, out);
  out += ",";
  text_member("address", handle::address_text(server.address), out);
  out += ",";
  member("publicKey", out);
  if (!append_key(server.public_key, out)) {
    std::string json;
    append_string(base64(server.public_key), json);
    append_formatted("base64", json, out);
  }
  out += ",\"interfaces\":[";
  bool first = true;
  for (const handle::Interface& interface : server.interfaces) {
    if (!first) out += ",";
    first = false;
    append_interface(interface, out);
  }
  out += "]}";
}

bool append_site(std::string_view data, std::string& out) {
  auto site = handle::decode_site(data);
  if (!site) return false;
  std::string json = "{";
  number_member("version", site->format, json);
  json += ",";
  text_member("protocolVersion",
              std::to_string(site->version.major) + "." + std::to_string(site->version.minor), json);
  json += ",";
  number_member("serialNumber", site->serial, json);
  json += site->primary ? ",\"primarySite\":true" : ",\"primarySite\":false";
  json += site->multi_primary ? ",\"multiPrimary\":true" : ",\"multiPrimary\":false";
  if (site->hash_option != 2) {
    json += ",";
    number_member("hashOption", site->hash_option, json);
  }
  if (!site->hash_filter.empty()) {
    json += ",";
    text_member("hashFilter", site->hash_filter, json);
  }
  json += ",\"attributes\":[";
  bool first = true;
  for (const auto& [name, value] : site->attributes) {
    json += first ? "{" : ",{";
    first = false;
    text_member("name", name, json);
    json += ",";
    text_member("value", value, json);
    json += "}";
  }
  json += "],\"servers\":[";
  first = true;
  for (const handle::SiteServer& server : site->servers) {
    if (!first) json += ",";
    first = false;
    append_server(server, json);
  }
  json += "]}";
  append_formatted("site", json, out);
  return true;
}

void append_data(std::string_view type, std::string_view data, std::string& out) {
  struct Typed {
    std::string_view type;
    bool sub_types;
    bool (*append)(std::string_view, std::string&);
  };
  static constexpr std::array<Typed, 5> kTyped = {{{"HS_ADMIN", false, append_admin},
                                                   {"HS_VLIST", false, append_vlist},
                                                   {"HS_SITE", true, append_site},
                                                   {"HS_NA_DELEGATE", false, append_site},
                                                   {"HS_PUBKEY", false, append_key}}};
  for (const Typed& typed : kTyped) {
    bool meant = typed.sub_types ? has_type(type, typed.type) : same_type(type, typed.type);
    if (meant && typed.append(data, out)) return;
  }
  std::string json;
  bool text = looks_like_text(data);
  append_string(text ? std::string(data) : base64(data), json);
  append_formatted(text ? "string" : "base64", json, out);
}

}  // namespace

std::string base64(std::string_view octets) { return base64_with(octets, kBase64, true); }

std::string iso_time(std::uint32_t seconds) {
  std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text;
}

void append_string(std::string_view text, std::string& out) {
  out.push_back('"');
  bool valid = valid_utf8(text);
  for (char c : text) {
    auto v = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (v < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", v);
      out += escaped;
    } else if (v >= 0x80 && !valid) {
      out += "\xef\xbf\xbd";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_value(const ValueView& value, std::string& out) {
  out += "{";
  number_member("index", value.index, out);
  out += ",";
  text_member("type", value.type, out);
  out += ",";
  member("data", out);
  append_data(value.type, value.data, out);
  if (value.permissions != kDefaultPermissions) {
    std::string bits;
    for (int bit = 3; bit >= 0; --bit) bits.push_back((value.permissions >> bit) & 1 ? '1' : '0');
    out += ",";
    text_member("permissions", bits, out);
  }
  out += ",";
  if (value.ttl_type == kTtlAbsolute) {
    text_member("ttl", iso_time(value.ttl), out);
  } else {
    number_member("ttl", value.ttl, out);
  }
  if (value.timestamp != 0) {
    out += ",";
    text_member("timestamp", iso_time(value.timestamp), out);
  }
  if (value.reference_count > 0) {
    out += ",\"references\":[";
    Reader r(value.references);
    for (std::uint32_t i = 0; i < value.reference_count; ++i) {
      if (i > 0) out += ",";
      std::string handle(r.bytes());
      append_reference({std::move(handle), r.u32()}, out);
    }
    out += "]";
  }
  out += "}";
}

void append_values(ValueList values, std::string& out) {
  out += "[";
  ValueWalk walk(values);
  ValueView value;
  for (bool first = true; walk.next(value); first = false) {
    if (!first) out += ",";
    append_value(value, out);
  }
  out += "]";
}

std::string answer(std::uint32_t code, std::string_view handle, ValueList values) {
  std::string out = "{";
  number_member("responseCode", code, out);
  out += ",";
  text_member("handle", handle, out);
  out += ",";
  member("values", out);
  append_values(values, out);
  out += "}";
  return out;
}

std::string error(std::uint32_t code, std::string_view message, std::string_view handle) {
  std::string out = "{";
  number_member("responseCode", code, out);
  if (!message.empty()) {
    out += ",";
    text_member("message", message, out);
  }
  if (!handle.empty()) {
    out += ",";
    text_member("handle", handle, out);
  }
  out += "}";
  return out;
}

std::string record(std::string_view handle, ValueList values) {
  std::string out = "{";
  text_member("handle", handle, out);
  out += ",";
  member("values", out);
  append_values(values, out);
  out += "}";
  return out;
}

}  // namespace idnode::rest
