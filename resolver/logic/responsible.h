// Who answers for a name (BEHAVIOUR.md §6).
#pragma once

#include <optional>
#include <string_view>

#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"

namespace idnode {

// R(handle) with the prefix-referral check. nullopt: responsible, no referral. Else 301, 303, 2 or Need.
// `name` as the operation sees it (a bare prefix already expanded where the operation does that).
std::optional<Outcome> responsible(const handle::Request& request, Context& context, std::string_view name);

// The two halves, for delete and list: whether the name hashes to this server of the site (rule 1), and
// whether a home entry or a marker covers it (rules 2 and 3).
bool hashes_here(const Context& context, std::string_view name);
bool is_hosted(Context& context, std::string_view name);

// The nearest ancestor of a derived prefix handle whose record refers to a service for prefixes below it
// (rule 6.2.3); null when none does.
const PrefixEntry* referral_of(Context& context, std::string_view name);

// "88.118.8/a" -> "0.NA/88.118.8", and a whole name folded; in buffers of the context.
std::string_view folded_prefix_handle(Context& context, std::string_view name);
std::string_view folded_name(Context& context, std::string_view name);

}  // namespace idnode
