#include "protocol/handle/admin.h"

#include <charconv>

#include "protocol/bytes.h"
#include "protocol/identifier.h"

namespace idnode::handle {
namespace {

constexpr std::size_t kSmallestReference = 8;

Reference read_reference(Reader& r) {
  Reference reference;
  reference.handle = r.bytes();
  reference.index = r.u32();
  return reference;
}

}  // namespace

Result<Admin> decode_admin(std::string_view data) {
  Reader r(data);
  Admin a;
  a.permissions = r.u16() & kAllPermissions;
  a.identity = read_reference(r);
  if (!r.ok()) return std::unexpected(r.error());
  a.legacy_length = r.left() == 2;
  if (!r.at_end() && !a.legacy_length) return std::unexpected(Errc::kMalformed);
  return a;
}

void encode(const Admin& admin, std::string& out) {
  Writer w(out);
  w.u16(admin.permissions & kAllPermissions);
  w.bytes(admin.identity.handle);
  w.u32(admin.identity.index);
  if (admin.legacy_length) w.u16(0);
}

Result<std::vector<Reference>> decode_vlist(std::string_view data) {
  Reader r(data);
  std::vector<Reference> members;
  const std::uint32_t count = r.count(kSmallestReference);
  members.reserve(count);
  for (std::uint32_t i = 0; i < count && r.ok(); ++i) members.push_back(read_reference(r));
  if (!r.ok()) return std::unexpected(r.error());
  if (!r.at_end()) return std::unexpected(Errc::kMalformed);
  return members;
}

void encode_vlist(const std::vector<Reference>& members, std::string& out) {
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(members.size()));
  for (const Reference& each : members) {
    w.bytes(each.handle);
    w.u32(each.index);
  }
}

bool identity_matches(const Reference& listed, std::string_view handle, std::uint32_t index) {
  return (listed.index == 0 || listed.index == index) && same_reference_handle(listed.handle, handle);
}

Result<Reference> parse_reference(std::string_view text) {
  Reference reference;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, reference.index);
  if (error != std::errc{} || stop == end || *stop != ':') return std::unexpected(Errc::kMalformed);
  reference.handle.assign(stop + 1, end);
  return reference;
}

std::string to_text(const Reference& reference) {
  return std::to_string(reference.index) + ':' + reference.handle;
}

}  // namespace idnode::handle
