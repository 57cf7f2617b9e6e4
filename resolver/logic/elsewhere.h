// Names that others answer for: recursion, referral, or "not responsible" (BEHAVIOUR.md §7.5, §17.2, §17.5).
#pragma once

#include <string_view>

#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

// `refusal`: what responsible() said (301, 303 or 2); returned when nobody is asked. `name`: expanded.
// Opcodes 1 and 201.
Outcome elsewhere(const handle::Request& request, Context& context, std::string_view name, Outcome refusal);

}  // namespace idnode
