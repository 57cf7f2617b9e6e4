#include "protocol/identifier.h"

#include <cstdint>
#include <span>

namespace idnode {
namespace {

constexpr std::string_view kPrefixOfPrefixes = "0.NA";
constexpr std::string_view kPrefixHandleStart = "0.NA/";
constexpr std::string_view kMarkerStart = "0.NA/0.NA/";

constexpr char fold(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

void append_folded(std::string_view name, std::string& out) {
  const std::size_t before = out.size();
  out.append(name);
  for (char& c : std::span(out).subspan(before)) c = fold(c);
}

}  // namespace

std::string fold(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  append_folded(name, out);
  return out;
}

bool equal_folded(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_with_folded(a, b);
}

bool starts_with_folded(std::string_view name, std::string_view start) {
  if (name.size() < start.size()) return false;
  for (std::size_t i = 0; i < start.size(); ++i) {
    if (fold(name[i]) != fold(start[i])) return false;
  }
  return true;
}

Split split(std::string_view name) {
  std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {kPrefixOfPrefixes, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

bool has_slash(std::string_view name) { return name.find('/') != std::string_view::npos; }

std::string prefix_handle_of(std::string_view name) {
  std::string out(kPrefixHandleStart);
  append_folded(split(name).prefix, out);
  return out;
}

std::string expand_bare_prefix(std::string_view name) {
  if (has_slash(name)) return std::string(name);
  std::string out(kPrefixHandleStart);
  append_folded(name, out);
  return out;
}

bool is_prefix_handle(std::string_view name) { return starts_with_folded(name, kPrefixHandleStart); }

bool is_marker(std::string_view name) { return starts_with_folded(name, kMarkerStart); }

bool is_derived_prefix_handle(std::string_view name) {
  if (!is_prefix_handle(name) || is_marker(name)) return false;
  std::string_view prefix = name.substr(kPrefixHandleStart.size());
  return !equal_folded(prefix, kPrefixOfPrefixes) && prefix.find('.') != std::string_view::npos;
}

std::string_view parent_prefix_handle(std::string_view prefix_handle) {
  if (!is_derived_prefix_handle(prefix_handle)) return {};
  return prefix_handle.substr(0, prefix_handle.rfind('.'));
}

void append_storage_form(std::string_view name, bool case_sensitive, std::string& out) {
  if (!case_sensitive || name.starts_with("0.")) {
    append_folded(name, out);
    return;
  }
  std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) slash = name.size();
  append_folded(name.substr(0, slash), out);
  out.append(name.substr(slash));
}

std::string storage_form(std::string_view name, bool case_sensitive) {
  std::string out;
  out.reserve(name.size());
  append_storage_form(name, case_sensitive, out);
  return out;
}

bool same_reference_handle(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const std::size_t slash = a.find('/');
  if (slash == std::string_view::npos || a.starts_with("0.")) return equal_folded(a, b);
  return equal_folded(a.substr(0, slash), b.substr(0, slash)) && a.substr(slash) == b.substr(slash);
}

bool valid_utf8(std::string_view octets) {
  std::size_t i = 0;
  while (i < octets.size()) {
    auto lead = static_cast<std::uint8_t>(octets[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    std::size_t more = lead >= 0xc2 && lead <= 0xdf   ? 1
                       : lead >= 0xe0 && lead <= 0xef ? 2
                       : lead >= 0xf0 && lead <= 0xf4 ? 3
                                                      : 0;
    if (more == 0 || octets.size() - i <= more) return false;
    std::uint32_t point = lead & (0x3fU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      auto next = static_cast<std::uint8_t>(octets[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = (point << 6) | (next & 0x3fU);
    }
    static constexpr std::uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[more] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += more + 1;
  }
  return true;
}

bool same_type(std::string_view a, std::string_view b) { return equal_folded(a, b); }

bool has_type(std::string_view type, std::string_view wanted) {
  if (!starts_with_folded(type, wanted)) return false;
  return type.size() == wanted.size() || type[wanted.size()] == '.';
}

bool filter_matches_type(std::string_view filter, std::string_view type) {
  if (filter.empty() || filter == ".") return filter == "." ? type.starts_with('.') : false;
  if (!filter.ends_with('.')) return equal_folded(filter, type);
  return starts_with_folded(type, filter) || equal_folded(type, filter.substr(0, filter.size() - 1));
}

}  // namespace idnode
