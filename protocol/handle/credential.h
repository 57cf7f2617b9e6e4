// What may follow the body: a session MAC or a signature (WIRE.md §14).
//
//   length int4 (0 or absent: none) | version octet | reserved octet | options int2 | signer handle bytes |
//   signer index int4 | type text | signed info length int4 | algorithm bytes | signature bytes
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode::handle {

// Views point into the message.
struct Credential {
  bool present = false;
  std::uint8_t version = 0;
  std::uint8_t reserved = 0;
  std::uint16_t options = 0;
  std::string_view signer;    // handle, empty in practice
  std::uint32_t counter = 0;  // signer index: the session counter, 0 outside sessions
  std::string_view type;      // HS_SIGNED, HS_MAC, HS_DSAPUBKEY
  std::string_view algorithm;
  std::string_view signature;  // or MAC
  bool operator==(const Credential&) const = default;
};

// `in` is everything after the body. Fewer than four octets: no credential. kMalformed when it does not fit.
Result<Credential> decode_credential(std::string_view in);
// Appends the length and the credential; an absent one is four zero octets.
void encode(const Credential& credential, std::string& out);

}  // namespace idnode::handle
