#include "protocol/rest/decode.h"

#include <ctime>
#include <limits>

#include "protocol/bytes.h"
#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "protocol/rest/members.h"

namespace idnode::rest {
namespace {

namespace json = boost::json;

// "2026-11-24T08:00:00Z" to seconds since 1970.
Read<std::uint32_t> time_of(std::string_view spelled, std::string_view what) {
  std::tm parts{};
  std::string terminated(spelled);
  const char* end = strptime(terminated.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end != nullptr && *end == '.') {
    ++end;
    while (*end >= '0' && *end <= '9') ++end;
  }
  if (end == nullptr || std::string_view(end) != "Z")
    return std::unexpected(std::string(what) + ": a time like 2026-11-24T08:00:00Z is needed");
  std::time_t seconds = timegm(&parts);
  if (seconds < 0 || seconds > std::numeric_limits<std::uint32_t>::max())
    return std::unexpected(std::string(what) + ": out of range");
  return static_cast<std::uint32_t>(seconds);
}

Fault read_ttl(const json::value* value, Value& out, const std::string& what) {
  if (value == nullptr) return {};
  if (value->is_string() && std::string_view(value->get_string()).find('T') != std::string_view::npos) {
    auto seconds = time_of(value->get_string(), what);
    if (!seconds) return seconds.error();
    out.ttl_type = kTtlAbsolute;
    out.ttl = *seconds;
    return {};
  }
  auto seconds = number(value, what, 0x7fffffff);
  if (!seconds) return seconds.error();
  out.ttl = static_cast<std::uint32_t>(*seconds);
  return {};
}

Fault read_permissions(const json::value* value, Value& out, const std::string& what) {
  if (value == nullptr) return {};
  if (!value->is_string()) return what + ": a text like \"1110\" is needed";
  auto mask = bits(value->get_string(), 4, what);
  if (!mask) return mask.error();
  out.permissions = static_cast<std::uint8_t>(*mask);
  return {};
}

Read<Value> value_of(const json::value& value, const std::string& what) {
  if (!value.is_object()) return std::unexpected(what + ": an object is needed");
  const json::object& object = value.get_object();
  Value out;
  auto index = number(find(object, "index"), what + ".index", 0x7fffffff);
  if (!index) return std::unexpected(index.error());
  out.index = static_cast<std::uint32_t>(*index);
  auto type = text(find(object, "type"), what + ".type");
  if (!type) return std::unexpected(type.error());
  out.type = std::move(*type);
  const json::value* data = find(object, "data");
  if (data == nullptr) return std::unexpected(what + ".data is missing");
  auto octets = data_of(*data, what + ".data");
  if (!octets) return std::unexpected(octets.error());
  out.data = std::move(*octets);
  if (Fault fault = read_ttl(find(object, "ttl"), out, what + ".ttl"); !fault.empty())
    return std::unexpected(fault);
  if (Fault fault = read_permissions(find(object, "permissions"), out, what + ".permissions");
      !fault.empty()) {
    return std::unexpected(fault);
  }
  if (const json::value* references = find(object, "references");
      references != nullptr && references->is_array()) {
    for (const json::value& one : references->get_array()) {
      auto member = reference(one, what + ".references");
      if (!member) return std::unexpected(member.error());
      out.references.push_back(std::move(*member));
    }
  }
  return out;
}

}  // namespace

Result<std::string> from_base64(std::string_view text) {
  auto digit = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  if (text.size() % 4 != 0) return std::unexpected(Errc::kMalformed);
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t block = 0;
    bool last = i + 4 == text.size();
    for (std::size_t k = 0; k < 4; ++k) {
      bool pad = last && k >= 4 - padding;
      int v = pad ? 0 : digit(text[i + k]);
      if (v < 0) return std::unexpected(Errc::kMalformed);
      block = (block << 6) | static_cast<std::uint32_t>(v);
    }
    for (std::size_t k = 0; k < (last ? 3 - padding : 3); ++k)
      out.push_back(static_cast<char>((block >> (16 - 8 * k)) & 0xff));
  }
  return out;
}

std::expected<Record, std::string> decode_record(std::string_view text_in) {
  json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code error;
  json::value root = json::parse({text_in.data(), text_in.size()}, error, {}, options);
  if (error) return std::unexpected("this is not JSON: " + error.message());
  Record out;
  const json::value* list = &root;
  if (root.is_object()) {
    const json::object& object = root.get_object();
    if (const json::value* handle = find(object, "handle")) {
      auto name = text(handle, "handle");
      if (!name) return std::unexpected(name.error());
      out.handle = std::move(*name);
    }
    list = find(object, "values");
    if (list == nullptr) {
      if (find(object, "index") == nullptr) return std::unexpected("values: an array is needed");
      auto one = value_of(root, "value");
      if (!one) return std::unexpected(one.error());
      out.values.push_back(std::move(*one));
      return out;
    }
  }
  if (!list->is_array()) return std::unexpected("values: an array is needed");
  for (std::size_t i = 0; i < list->get_array().size(); ++i) {
    auto one = value_of(list->get_array()[i], "values[" + std::to_string(i) + "]");
    if (!one) return std::unexpected(one.error());
    out.values.push_back(std::move(*one));
  }
  return out;
}

std::expected<std::string, std::string> data_from_text(std::string_view type, std::string_view spelled) {
  std::string out;
  if (same_type(type, "HS_ADMIN")) {
    std::size_t first = spelled.find(':');
    std::size_t second = first == std::string_view::npos ? first : spelled.find(':', first + 1);
    if (second == std::string_view::npos)
      return std::unexpected("HS_ADMIN: INDEX:PERMISSIONS:HANDLE is needed, like 300:*:88.118/ADMIN");
    auto identity = handle::parse_reference(std::string(spelled.substr(0, first + 1)) +
                                            std::string(spelled.substr(second + 1)));
    auto mask = bits(spelled.substr(first + 1, second - first - 1), 12, "HS_ADMIN permissions");
    if (!mask) return std::unexpected(mask.error());
    if (!identity)
      return std::unexpected("HS_ADMIN: INDEX:PERMISSIONS:HANDLE is needed, like 300:*:88.118/ADMIN");
    handle::encode(handle::Admin{static_cast<std::uint16_t>(*mask), std::move(*identity), false}, out);
    return out;
  }
  if (same_type(type, "HS_VLIST")) {
    std::vector<Reference> members;
    while (!spelled.empty()) {
      std::size_t end = std::min(spelled.find(';'), spelled.size());
      auto member = handle::parse_reference(spelled.substr(0, end));
      if (!member) return std::unexpected("HS_VLIST: INDEX:HANDLE;INDEX:HANDLE is needed");
      members.push_back(std::move(*member));
      spelled.remove_prefix(std::min(end + 1, spelled.size()));
    }
    handle::encode_vlist(members, out);
    return out;
  }
  return std::string(spelled);
}

}  // namespace idnode::rest
