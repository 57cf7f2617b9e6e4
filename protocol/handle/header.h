// The first 24 octets of a message (WIRE.md §7).
//
//   opcode int4 | response code int4 | flags int4 | site serial int2 | recursion octet | reserved octet |
//   expiration int4 | body length int4
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode::handle {

inline constexpr std::size_t kHeaderSize = 24;
inline constexpr std::uint16_t kUnknownSerial = 0xffff;

struct Header {
  std::uint32_t opcode = 0;
  std::uint32_t response_code = 0;
  std::uint32_t flags = 0;
  std::uint16_t site_serial = kUnknownSerial;
  std::uint8_t recursion_count = 0;
  std::uint32_t expiration = 0;  // seconds since 1970
  std::uint32_t body_length = 0;
  bool operator==(const Header&) const = default;
};

// kTruncated below 24 octets; kMalformed when the body is longer than what follows the header in `message`.
Result<Header> decode_header(std::string_view message);
void encode(const Header& header, std::string& out);

}  // namespace idnode::handle
