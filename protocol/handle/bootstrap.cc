#include "protocol/handle/bootstrap.h"

#include <limits>

#include "protocol/bytes.h"

namespace idnode::handle {
namespace {

constexpr std::size_t kSmallestEntry = 8;  // no prefix, no site octets
constexpr std::size_t kSmallestText = 4;

Errc why(const Reader& r) { return r.ok() ? Errc::kMalformed : r.error(); }

}  // namespace

Result<std::vector<Value>> decode_root_information(std::string_view file) {
  Reader r(file);
  r.u32();
  const ValueList values = read_values(r, std::numeric_limits<std::uint32_t>::max());
  if (!r.ok() || !r.at_end()) return std::unexpected(why(r));
  return to_values(values);
}

void encode_root_information(const std::vector<Value>& values, std::string& out) {
  Writer w(out);
  const std::size_t length = w.reserve_u32();
  const std::size_t start = w.size();
  w.u32(static_cast<std::uint32_t>(values.size()));
  encode_all(values, out);
  w.patch_u32(length, static_cast<std::uint32_t>(w.size() - start));
}

Result<std::vector<LocalSite>> decode_local_sites(std::string_view file) {
  Reader r(file);
  r.u32();
  std::vector<LocalSite> sites;
  const std::uint32_t count = r.count(kSmallestEntry);
  for (std::uint32_t i = 0; i < count && r.ok(); ++i) {
    LocalSite& entry = sites.emplace_back();
    const std::uint32_t prefixes = r.count(kSmallestText);
    for (std::uint32_t k = 0; k < prefixes && r.ok(); ++k) entry.prefixes.emplace_back(r.bytes());
    Result<Site> site = decode_site(r.bytes());
    if (!r.ok()) break;
    if (!site) return std::unexpected(site.error());
    entry.site = std::move(*site);
  }
  if (!r.ok() || !r.at_end()) return std::unexpected(why(r));
  return sites;
}

void encode_local_sites(const std::vector<LocalSite>& sites, std::string& out) {
  Writer w(out);
  const std::size_t start = w.size();
  const std::size_t length = w.reserve_u32();
  w.u32(static_cast<std::uint32_t>(sites.size()));
  for (const LocalSite& each : sites) {
    w.u32(static_cast<std::uint32_t>(each.prefixes.size()));
    for (const std::string& prefix : each.prefixes) w.bytes(prefix);
    const std::size_t site_length = w.reserve_u32();
    const std::size_t site = w.size();
    encode(each.site, out);
    w.patch_u32(site_length, static_cast<std::uint32_t>(w.size() - site));
  }
  w.patch_u32(length, static_cast<std::uint32_t>(w.size() - start));
}

}  // namespace idnode::handle
