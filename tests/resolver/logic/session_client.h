// A client's side of a session, on octets: Diffie-Hellman, MACs, encryption (protocol/handle/WIRE.md §17,
// §18).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/handle/request.h"
#include "protocol/handle/response.h"

namespace idnode::session_client {

// The group that the reference client proposes (RFC 2409, second Oakley group), generator 2.
std::string oakley_prime();

struct Session {
  std::uint32_t id = 0;
  std::string key;
  std::uint32_t counter = 0;  // of the last MAC made
};

// The client's half of a set-up in mode 4.
struct Offer {
  std::string public_key;  // DH_PUB_KEY
  std::string exponent;
};
Offer make_offer(std::string_view prime, std::string_view generator);
// What a successful answer to it agreed on; none when it does not add up.
std::optional<Session> accept(const Offer& offer, const handle::Response& answer);

// A whole frame without credential (ending in four zero octets, or in nothing for opcode 2001), made into one
// of the session: its id and a MAC.
enum class Mac { kGood, kBad, kNone, kOtherKey, kSigned };
std::string in_session(std::string_view frame, const Session& session, std::uint32_t counter,
                       Mac mac = Mac::kGood);
// The same frame, encrypted.
std::string encrypted(std::string_view frame, const Session& session);
// A frame as received, in the clear; empty when it can not be decrypted. The envelope keeps its flag.
std::string decrypted(std::string_view frame, std::string_view key);
// Whether the answer carries the session's MAC.
bool has_mac(const handle::Response& answer, const Session& session);

}  // namespace idnode::session_client
