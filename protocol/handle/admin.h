// Data of HS_ADMIN and HS_VLIST values (WIRE.md §20.1, §20.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "protocol/value.h"

namespace idnode::handle {

enum AdminPermission : std::uint16_t {
  kAddHandle = 0x0001,
  kDeleteHandle = 0x0002,
  kAddDerivedPrefix = 0x0004,
  kDeleteDerivedPrefix = 0x0008,
  kModifyValue = 0x0010,
  kRemoveValue = 0x0020,
  kAddValue = 0x0040,
  kModifyAdmin = 0x0080,
  kRemoveAdmin = 0x0100,
  kAddAdmin = 0x0200,
  kReadValue = 0x0400,
  kListHandles = 0x0800,
  kAllPermissions = 0x0fff,
};

struct Admin {
  std::uint16_t permissions = 0;
  Reference identity;          // index 0: any index of that handle
  bool legacy_length = false;  // two further zero octets, written again when re-encoded
  bool operator==(const Admin&) const = default;
};
Result<Admin> decode_admin(std::string_view data);
void encode(const Admin& admin, std::string& out);

Result<std::vector<Reference>> decode_vlist(std::string_view data);
void encode_vlist(const std::vector<Reference>& members, std::string& out);

// Whether a requester's identity is meant by a listed one (BEHAVIOUR.md §1.1 rule 7): prefix folded, suffix
// exact; a listed index 0 takes any index, a requester's index 0 only 0.
bool identity_matches(const Reference& listed, std::string_view handle, std::uint32_t index);

// "300:88.118/ADMIN" <-> Reference. kMalformed without digits and a colon in front.
Result<Reference> parse_reference(std::string_view text);
std::string to_text(const Reference& reference);

}  // namespace idnode::handle
