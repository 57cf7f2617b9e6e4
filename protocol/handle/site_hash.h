// Which server of a site a name belongs to (protocol/handle/WIRE.md §23).
#pragma once

#include <cstdint>
#include <string_view>

namespace idnode::handle {

// The part of a name that is hashed; the numbers are those of an HS_SITE record.
enum class HashOption : std::uint8_t { kPrefix = 0, kSuffix = 1, kWhole = 2 };

// The absolute value of the last four octets of the MD5 of the part, folded to ASCII upper case whatever the
// case setting of any server: 0 .. 2^31. Octets need not be UTF-8.
std::uint32_t site_hash(std::string_view name, HashOption option);

// Position (not server id) in the server list; 0 when the list has at most one entry.
std::size_t server_of_site(std::string_view name, HashOption option, std::size_t servers);

}  // namespace idnode::handle
