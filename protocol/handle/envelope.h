// The 20 octets in front of every message and every datagram (WIRE.md §2), and protocol versions (§6).
//
//   major octet | minor octet | flags and suggested major octet | suggested minor octet | session id int4 |
//   request id int4 | sequence int4 | message length int4
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode::handle {

inline constexpr std::size_t kEnvelopeSize = 20;
inline constexpr std::uint32_t kMaxMessage = 262'144;
inline constexpr std::uint32_t kMaxSentMessage = 262'124;

struct Version {
  std::uint8_t major = 2;
  std::uint8_t minor = 11;
  // Major first, then minor; a message of major 5 is "2.0", so every comparison with 2.x is false.
  constexpr bool at_least(std::uint8_t other_major, std::uint8_t other_minor) const {
    if (major == 5 && other_major == 2) return false;
    return major != other_major ? major > other_major : minor >= other_minor;
  }
  bool operator==(const Version&) const = default;
};
inline constexpr Version kOurVersion{2, 11};
// The version a response is written in: what the client suggests, replaced by 2.11 when it is at least that
// (§6.2).
Version response_version(Version suggested);

struct Envelope {
  Version version = kOurVersion;
  Version suggested = kOurVersion;  // as decoded: rules 1 and 2 of §2 applied
  bool compressed = false;
  bool encrypted = false;
  bool truncated = false;
  std::uint32_t session_id = 0;
  std::uint32_t request_id = 0;
  std::uint32_t sequence = 0;
  std::uint32_t length = 0;  // of the message, without any envelope
  bool operator==(const Envelope&) const = default;
};

// `in` holds at least 20 octets, else kTruncated. A length above kMaxMessage is decoded too: the caller
// decides.
Result<Envelope> decode_envelope(std::string_view in);
// Appends 20 octets.
void encode(const Envelope& envelope, std::string& out);

}  // namespace idnode::handle
