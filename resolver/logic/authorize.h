// Who may: the order of BEHAVIOUR.md §8.7 as one call. Logic only: Need and Challenge come back as outcomes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/handle/request.h"
#include "protocol/value.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

// Whether the request carries anything that could authenticate it: a challenge answer, an authenticated
// session. False: the operation answers Challenge where its order of checks says so.
bool has_credentials(const Context& context);
// The same, but not for what comes in an authenticated session without a MAC: anybody may have sent that, and
// what needs no authorization is done for anybody (BEHAVIOUR.md §8.11 rule 11).
bool carries_proof(Context& context);

// nullopt: the requester has proven to be somebody who holds all of `permissions` (handle::AdminPermission,
// or-ed) in one HS_ADMIN value of `record`. `name`: whose values they are; with default_administrator a
// record without any HS_ADMIN value is administered by those of its prefix record. Else what to return:
// Challenge without credentials, Need, Refuse 400, 403, 404, 406.
std::optional<Outcome> authorize(const handle::Request& request, Context& context, std::uint16_t permissions,
                                 std::string_view name, ValueList record);

// The same for a configured list of identities and groups (BEHAVIOUR.md §8.9).
std::optional<Outcome> authorize_listed(const handle::Request& request, Context& context,
                                        std::span<const Reference> listed);

// The identity that the request claims, proven or not, for the log: `identity` (a handle) is empty when it
// claims none.
struct Claimed {
  std::string_view identity;
  std::uint32_t index = 0;
};
Claimed claimed_identity(const Context& context);

}  // namespace idnode
