// Set-up, end and key exchange of sessions: opcodes 400, 401, 402 (BEHAVIOUR.md §8.11, WIRE.md §17). The key
// is made and the table changed by the driver.
#include <algorithm>
#include <optional>
#include <variant>

#include "protocol/handle/session.h"
#include "protocol/identifier.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/permission.h"
#include "resolver/logic/session_key.h"
#include "resolver/logic/settle.h"

namespace idnode {
namespace {

using handle::ResponseCode;
using handle::SessionMode;

constexpr std::uint64_t kShortestSeconds = 60;
// Clients in the field send milliseconds; nobody means eleven days in seconds (§8.11 rule 6).
constexpr std::uint64_t kMostSeconds = 1'000'000;

Refuse no_set_up(std::string_view text) { return {ResponseCode::kSessionFailed, text}; }

// The client's wish, a signed number, within the node's bounds.
std::uint64_t idle_ms(std::uint32_t asked, const Limits& limits) {
  if (asked == 0 || asked > INT32_MAX) return limits.session_seconds * 1'000;
  const std::uint64_t seconds = asked > kMostSeconds ? asked / 1'000 : asked;
  return std::clamp(seconds, kShortestSeconds, limits.session_seconds) * 1'000;
}

// Mode 3: the key that the session key is encrypted to, as stored. Only keys held here.
std::optional<Outcome> look_up_key(Context& context, const handle::SessionSetupBody& body, std::string& key) {
  const Lookup owner = own_record(context, body.exchange_handle);
  if (owner.found == Found::kCold) return Need{};
  if (owner.found == Found::kFailed) return no_set_up("the record of the key can not be read");
  if (owner.exists()) {
    ValueWalk walk(owner.values());
    for (ValueView value; walk.next(value);) {
      if (value.index != body.exchange_index || !same_type(value.type, "HS_PUBKEY")) continue;
      key.assign(value.data);
      return std::nullopt;
    }
  }
  return no_set_up("there is no such key here");
}

}  // namespace

Outcome set_up_session(const handle::Request& request, Context& context) {
  const auto& body = std::get<handle::SessionSetupBody>(request.body);
  const auto& [major, minor] = kLeastSessionVersion;
  if (context.services().sessions == nullptr) return no_set_up("this node keeps no sessions");
  if (!request.answer_version().at_least(major, minor))
    return no_set_up("sessions need version 2.7 or later");
  SetSession offer;
  offer.mode = static_cast<SessionMode>(body.mode);
  if (offer.mode == SessionMode::kDiffieHellman) {
    offer.key.assign(body.public_key);
  } else if (offer.mode == SessionMode::kHandleKey) {
    if (auto refusal = look_up_key(context, body, offer.key)) return std::move(*refusal);
  } else {
    return no_set_up("this node offers Diffie-Hellman and keys in handles only");
  }
  if (body.index != handle::kAnonymousIndex && !request.name.empty())
    offer.identity = {std::string(request.name), body.index};
  offer.idle_ms = idle_ms(body.timeout_seconds, context.settings().limits);
  // The set-up has no field for it: a client that wants its answer encrypted, before there is a key, means
  // the session.
  offer.encrypt_all = request.has(handle::flag::kEncrypt);
  return offer;
}

Outcome end_session(const handle::Request&, Context& context) {
  if (context.session.live == nullptr)
    return Refuse{ResponseCode::kSessionTimeout, "there is no such session"};
  const std::optional<MacCheck> mac = context.session_mac();
  if (!mac) return Need{};
  switch (*mac) {
    case MacCheck::kGood: return EndSession{};
    case MacCheck::kRepeated: return repeated_message();
    case MacCheck::kGone: return Refuse{ResponseCode::kSessionTimeout, "the session has ended"};
    default: return Refuse{ResponseCode::kInvalidSessionKey, "only who holds its key may end a session"};
  }
}

Outcome exchange_key(const handle::Request&, Context&) {
  return no_set_up("keys are exchanged in sessions of mode 2 only, and this node has none");
}

}  // namespace idnode
