// The records that a bench node is filled with: five public values; a resolution of one whose identifier has
// 17 octets is answered with 300 octets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace idnode::load {

inline constexpr std::uint32_t kValuesOfRecord = 5;

// Five encoded values, without a count.
std::string values_of(std::string_view name);

}  // namespace idnode::load
