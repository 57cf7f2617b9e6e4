// Add, modify and remove values (opcodes 102, 104, 103; BEHAVIOUR.md §9.5-9.7).
#include "protocol/handle/admin.h"
#include "resolver/logic/change.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/responsible.h"
#include "resolver/logic/settle.h"

namespace idnode {
namespace {

using handle::ResponseCode;

// The record that is to change; 100 when there is none.
std::optional<Outcome> look_up_existing(Context& context, std::string_view name, Lookup& before) {
  if (auto out = look_up(context, name, before)) return out;
  if (before.exists()) return std::nullopt;
  return Refuse{ResponseCode::kHandleNotFound, "no such identifier", true};
}

// From an edit that the record's state allows to its outcome: permission and proof, then the validator.
Outcome settle_edit(const handle::Request& request, Context& context, std::string_view action,
                    const Lookup& before, const Edit& edit) {
  if (auto out = authorize(request, context, edit.needed, request.name, before.values())) {
    return std::move(*out);
  }
  if (auto out = validate(context, request.name, edit)) return std::move(*out);
  if (request.op() == handle::OpCode::kRemoveValues) {
    if (auto out = require_admin(context, edit)) return std::move(*out);
  }
  Answer answer = done();
  if (edit.replaced) answer.flags = handle::flag::kOverwrite;
  return commit_edit(context, action, request.name, before, edit, answer);
}

}  // namespace

Outcome add_values(const handle::Request& request, Context& context) {
  const ValueList values = std::get<handle::ValuesBody>(request.body).values;
  if (auto out = responsible(request, context, request.name)) return std::move(*out);
  if (values.count == 0) return Refuse{ResponseCode::kInvalidValue, "no values to add"};
  if (const Edit checked = check_values(values); checked.code != ResponseCode::kSuccess) {
    return refuse_edit(context, checked);
  }
  if (!has_credentials(context)) return Challenge{};
  Lookup before;
  if (auto out = look_up_existing(context, request.name, before)) return std::move(*out);
  if (auto out = rest_on_home(context, request.name)) return std::move(*out);
  const Edit edit =
      edit_add(before.values(), values, request.has(handle::flag::kOverwrite), context.now.seconds());
  if (edit.code != ResponseCode::kSuccess) return refuse_edit(context, edit);
  return settle_edit(request, context, "add", before, edit);
}

Outcome modify_values(const handle::Request& request, Context& context) {
  const ValueList values = std::get<handle::ValuesBody>(request.body).values;
  if (auto out = responsible(request, context, request.name)) return std::move(*out);
  Lookup before;
  if (auto out = look_up_existing(context, request.name, before)) return std::move(*out);
  const bool adds = context.settings().compat.modify_overwrite_adds && request.has(handle::flag::kOverwrite);
  const Edit edit = edit_modify(before.values(), values, adds, context.now.seconds());
  if (edit.code != ResponseCode::kSuccess) return refuse_edit(context, edit);
  // A proof that is there has to hold, whoever may write the value.
  const bool anonymous = edit.anonymous && !carries_proof(context);
  if (!anonymous && !has_credentials(context)) return Challenge{};
  if (auto out = rest_on_home(context, request.name)) return std::move(*out);
  if (!anonymous) return settle_edit(request, context, "modify", before, edit);
  if (auto out = validate(context, request.name, edit)) return std::move(*out);
  return commit_edit(context, "modify", request.name, before, edit, done());
}

Outcome remove_values(const handle::Request& request, Context& context) {
  const handle::IndexList indexes = std::get<handle::IndexesBody>(request.body).indexes;
  if (auto out = responsible(request, context, request.name)) return std::move(*out);
  if (!has_credentials(context)) return Challenge{};
  Lookup before;
  if (auto out = look_up_existing(context, request.name, before)) return std::move(*out);
  if (auto out = rest_on_home(context, request.name)) return std::move(*out);
  const Edit edit =
      edit_remove(before.values(), indexes, context.settings().compat.enforce_admin_write_on_remove);
  if (edit.code != ResponseCode::kSuccess) return refuse_edit(context, edit);
  return settle_edit(request, context, "remove", before, edit);
}

}  // namespace idnode
