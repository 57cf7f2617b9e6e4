// What stands in the data of a session set-up answer, and the session key as it is sent (WIRE.md §17.2,
// §17.3).
//
// The octets are those of Response::key_data and, for key transport, of what decrypting them gives. Making
// and using keys is protocol/crypto/exchange.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/crypto/exchange.h"
#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

enum class SessionMode : std::uint16_t { kClientKey = 1, kServerKey = 2, kHandleKey = 3, kDiffieHellman = 4 };
inline constexpr std::uint32_t kAnonymousIndex = 0xffff'ffff;  // no identity in a set-up request

// Mode 4: the server's half. `public_key` is a DH_PUB_KEY and points into the data.
struct SessionReply {
  crypto::SessionAlgorithm algorithm = crypto::SessionAlgorithm::kAes;
  std::string_view public_key;
  bool operator==(const SessionReply&) const = default;
};
// By the version of the response: from 2.4 algorithm int4 | key; 2.2 and 2.3 the key alone, for DES. Below
// that, and for an algorithm nobody defines: kUnsupported.
Result<SessionReply> decode_session_reply(Version version, std::string_view data);
// Result: kUnsupported as above, and for another algorithm than DES where it is not written.
Result<std::string> encode_session_reply(Version version, const SessionReply& reply);

// Modes 1 and 3, and the key exchange of mode 2: what is encrypted to a public key.
struct SentSessionKey {
  crypto::SessionAlgorithm algorithm = crypto::SessionAlgorithm::kAes;
  std::string_view octets;  // 8 DES, 24 DESede, 16 or 32 AES, 16 SM4
  bool operator==(const SentSessionKey&) const = default;
};
// From 2.2 algorithm int4 | key octets; before that the octets of a DES key. kUnsupported: another algorithm;
// kMalformed: a key of a length that it does not have.
Result<SentSessionKey> decode_sent_session_key(Version version, std::string_view plain);
Result<std::string> encode_sent_session_key(Version version, const SentSessionKey& key);

}  // namespace idnode::handle
