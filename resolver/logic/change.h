// What the operations that change a record share (BEHAVIOUR.md §9.1). Each decides everything on what it has
// read and comes back with a mutation as data; what it read goes with it (Context::append_reads).
#pragma once

#include <optional>
#include <string_view>

#include "protocol/handle/request.h"
#include "resolver/logic/context.h"
#include "resolver/logic/outcome.h"
#include "resolver/logic/permission.h"
#include "resolver/logic/value_edit.h"

namespace idnode {

// The entry of the store that makes this node responsible for `name`: the home of its prefix, or a marker
// above a derived prefix handle. The routes have answered already; reading the entry puts its version among
// what the change was decided on, so that an unhome in between refuses it. nullopt: it is there. Else 301, 2
// or Need.
std::optional<Outcome> rest_on_home(Context& context, std::string_view name);

// The record of `name`. nullopt: `lookup` is decided (kYes or kNo). Else Need or 2.
std::optional<Outcome> look_up(Context& context, std::string_view name, Lookup& lookup);

// Create's permission: ADD_HANDLE on the prefix record, or ADD_DERIVED_PREFIX on the parent's (§8.10). Their
// HS_ADMIN values alone count: the rule of the default administrator is about the record itself.
May may_create(Context& context, const Claimed& who, std::string_view name);

// The validator of §9.1 rule 3: 202 for a record that no message could answer, or with too many values.
std::optional<Outcome> validate(const Context& context, std::string_view name, const Edit& edit);
// Create and remove, where compat.require_admin_value says so: 202 for a record without HS_ADMIN.
std::optional<Outcome> require_admin(const Context& context, const Edit& edit);

// What refuses an edit, with the index in the text.
Refuse refuse_edit(Context& context, const Edit& edit);

// The outcome of an edit that is permitted and valid: a Commit, or only its answer when nothing differs.
// `before`: the record it replaces; not there for a new one.
Outcome commit_edit(Context& context, std::string_view action, std::string_view name, const Lookup& before,
                    const Edit& edit, Answer answer);

// An answer without a body, from authoritative data.
Answer done();

}  // namespace idnode
