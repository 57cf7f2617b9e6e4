// Shared by the fuzz targets.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace idnode::fuzz {

// A property of the code under test that does not hold is a finding.
inline void must(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace idnode::fuzz
