// The order of BEHAVIOUR.md §8.7 around any question of the form "may this identity?".
//
// Permission is decided before the proof is looked at, from records this node holds: whoever is not permitted
// costs no proof, and 400 takes precedence over 403. A wrong proof never gets further than this.
#pragma once

#include <optional>
#include <utility>

#include "resolver/logic/authorize.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"
#include "resolver/logic/permission.h"

namespace idnode {

enum class Proven : std::uint8_t {
  kYes,
  kNo,        // wrong, or no key of that name: 403
  kType,      // not a way to prove anything here: 404
  kNeed,      // the key's record is cold, or the proof or the MAC has not been looked at
  kFailed,    // the store failed: 406
  kNoMac,     // in an authenticated session: 404
  kWrongMac,  // 502
  kOddMac,    // a credential that can not be checked: 406
  kRepeated,  // 505
  kGone,      // the session ended meanwhile: 500
};

// Whether the credentials of the request hold. `index` becomes that of the key that verified.
Proven prove(Context& context, std::uint32_t& index);
// What a proof that does not hold is answered; nullopt for kYes.
std::optional<Outcome> refuse_unproven(Proven proven);

Refuse not_permitted();
Refuse repeated_message();
Refuse unable_to_authenticate();

// `may(who)`: May for an identity. nullopt: permitted and proven.
template <class Permit>
std::optional<Outcome> settle(Context& context, Permit may) {
  if (!has_credentials(context)) return Challenge{};
  Claimed who = claimed_identity(context);
  May permitted = may(std::as_const(who));
  if (permitted == May::kNeed) return Need{};
  if (permitted == May::kFailed) return unable_to_authenticate();
  if (permitted == May::kNo && who.index != 0) return not_permitted();

  const Proven proven = prove(context, who.index);
  if (permitted == May::kYes) return refuse_unproven(proven);
  // An identity without an index becomes that of the key it has proven to hold.
  if (proven == Proven::kNeed) return Need{};
  if (proven != Proven::kYes || who.index == 0) return not_permitted();
  permitted = may(std::as_const(who));
  if (permitted == May::kNeed) return Need{};
  if (permitted == May::kFailed) return unable_to_authenticate();
  return permitted == May::kYes ? std::nullopt : std::optional<Outcome>(not_permitted());
}

}  // namespace idnode
