#include "ops/ctl/table.h"

#include <fmt/core.h>

#include <algorithm>

#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/identifier.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

constexpr std::size_t kLongest = 100;

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x20000 && c <= 0x3fffd);
}

// The next character of valid UTF-8; moves `at`.
char32_t next(std::string_view text, std::size_t& at) {
  auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  char32_t c = lead & (0x3f >> more);
  for (; more > 0 && at < text.size(); --more) c = (c << 6) | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return c;
}

std::string site_line(const handle::Site& site) {
  static constexpr const char* kProtocols[] = {"udp", "tcp", "http", "https"};
  std::string out = fmt::format("serial {}{}", site.serial, site.primary ? " primary" : "");
  for (const handle::SiteServer& server : site.servers) {
    out += fmt::format("; {}", handle::address_text(server.address));
    for (const handle::Interface& i : server.interfaces) {
      out += fmt::format(" {}:{}", i.protocol < 4 ? kProtocols[i.protocol] : "?", i.port);
    }
  }
  return out;
}

bool printable(std::string_view data) {
  return valid_utf8(data) && std::all_of(data.begin(), data.end(), [](char c) {
           auto v = static_cast<unsigned char>(c);
           return v >= 0x20 || c == '\n' || c == '\t' || c == '\r';
         });
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += is_wide(next(text, at)) ? 2 : 1;
  return width;
}

std::string data_line(const ValueView& value) {
  if (has_type(value.type, "HS_ADMIN")) {
    if (auto admin = handle::decode_admin(value.data)) {
      std::string rights = admin->permissions == handle::kAllPermissions
                               ? "all rights"
                               : fmt::format("rights {:012b}", admin->permissions);
      return fmt::format("{}, {}", handle::to_text(admin->identity), rights);
    }
  }
  if (has_type(value.type, "HS_SITE")) {
    if (auto site = handle::decode_site(value.data)) return site_line(*site);
  }
  if (!printable(value.data))
    return fmt::format("({} octets) {}…", value.data.size(), to_hex(value.data.substr(0, 16)));
  std::string out;
  std::size_t width = 0;
  for (std::size_t at = 0; at < value.data.size();) {
    std::size_t start = at;
    char32_t c = next(value.data, at);
    if (width >= kLongest) return out + fmt::format("… ({} octets)", value.data.size());
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += value.data.substr(start, at - start);
    }
    width += is_wide(c) ? 2 : 1;
  }
  return out;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    out += "\n";
  }
  return out;
}

std::string values_table(ValueList values) {
  Table table({"index", "type", "ttl", "perms", "data"});
  ValueWalk walk(values);
  for (ValueView value; walk.next(value);) {
    std::string perms;
    for (int bit = 3; bit >= 0; --bit) perms.push_back((value.permissions >> bit) & 1 ? '1' : '0');
    std::string ttl = value.ttl_type == kTtlAbsolute ? rest::iso_time(value.ttl) : std::to_string(value.ttl);
    table.add({std::to_string(value.index), std::string(value.type), ttl, perms, data_line(value)});
  }
  return table.text();
}

}  // namespace idnode::ctl
