#include "tests/scenario/values.h"

#include <sstream>
#include <stdexcept>

#include "protocol/handle/site.h"
#include "protocol/identifier.h"
#include "protocol/rest/decode.h"
#include "protocol/rest/encode.h"

namespace idnode::scenario {
namespace {

std::string site_data(const std::string& spelled) {
  std::size_t colon = spelled.rfind(':');
  handle::Site site;
  auto address = handle::parse_address(spelled.substr(0, colon));
  if (!address) throw std::runtime_error("no address: " + spelled);
  auto port = static_cast<std::uint32_t>(std::stoul(spelled.substr(colon + 1)));
  site.servers.push_back(
      {.id = 1, .address = *address, .public_key = {}, .interfaces = {{3, 1, port}, {2, 0, port}}});
  std::string out;
  handle::encode(site, out);
  return out;
}

std::string data_of(const std::string& type, const std::string& text, const Keys& keys) {
  if (text.starts_with("@")) {
    auto key = keys.find(text.substr(1));
    if (key == keys.end()) throw std::runtime_error("no key " + text);
    return key->second.stored();
  }
  if (text.starts_with("site:")) return site_data(text.substr(5));
  if (text.starts_with("fill:")) return std::string(std::stoul(text.substr(5)), 'x');
  if (text.starts_with("hex:")) return from_hex(text.substr(4)).value();
  auto data = rest::data_from_text(has_type(type, "HS_ADMIN") ? "HS_ADMIN" : type, text);
  if (!data) throw std::runtime_error(data.error());
  return *data;
}

}  // namespace

std::vector<Value> parse_values(const std::vector<std::string>& lines, const Keys& keys) {
  std::vector<Value> out;
  for (const std::string& line : lines) {
    std::istringstream in(line);
    Value value;
    std::string permissions;
    in >> value.index >> value.type >> permissions;
    if (!in || permissions.size() != 4) throw std::runtime_error("not a value: " + line);
    value.permissions = 0;
    for (char c : permissions)
      value.permissions = static_cast<std::uint8_t>(value.permissions * 2 + (c == '1'));
    std::string data;
    std::getline(in >> std::ws, data);
    if (data.starts_with("ttl=")) {
      std::size_t end = std::min(data.find(' '), data.size());
      value.ttl = static_cast<std::uint32_t>(std::stoul(data.substr(4, end - 4)));
      data.erase(0, std::min(end + 1, data.size()));
    }
    value.data = data_of(value.type, data, keys);
    out.push_back(std::move(value));
  }
  return out;
}

std::string describe(const Value& value) {
  std::string octets;
  Value copy = value;
  copy.timestamp = 0;
  encode(copy, octets);
  Reader reader(octets);
  std::string out;
  rest::append_value(read_value(reader), out);
  return out;
}

}  // namespace idnode::scenario
