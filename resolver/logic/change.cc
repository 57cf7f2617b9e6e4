#include "resolver/logic/change.h"

#include <string>

#include "protocol/handle/admin.h"
#include "protocol/handle/envelope.h"
#include "protocol/identifier.h"
#include "resolver/logic/settle.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

using handle::ResponseCode;

Refuse store_failed() { return {ResponseCode::kError, "a record can not be read"}; }

}  // namespace

Answer done() {
  Answer answer;
  answer.authoritative = true;
  return answer;
}

std::optional<Outcome> rest_on_home(Context& context, std::string_view name) {
  const Lookup entry = home_of(context, name);
  if (entry.exists()) return std::nullopt;
  if (entry.found == Found::kCold) return Need{};
  if (entry.found == Found::kFailed) return store_failed();
  return Refuse{ResponseCode::kNotResponsible, "not responsible for the identifier"};
}

std::optional<Outcome> look_up(Context& context, std::string_view name, Lookup& lookup) {
  lookup = context.record(name);
  if (lookup.found == Found::kCold) return Need{};
  if (lookup.found == Found::kFailed) return store_failed();
  return std::nullopt;
}

May may_create(Context& context, const Claimed& who, std::string_view name) {
  const bool derived = is_derived_prefix_handle(name);
  const Lookup authority =
      own_record(context, derived ? std::string(parent_prefix_handle(name)) : prefix_handle_of(name));
  if (authority.found == Found::kCold) return May::kNeed;
  if (authority.found == Found::kFailed) return May::kFailed;
  return holds(context, who, derived ? handle::kAddDerivedPrefix : handle::kAddHandle, {},
               authority.exists() ? authority.values() : ValueList{});
}

std::optional<Outcome> validate(const Context& context, std::string_view name, const Edit& edit) {
  const Settings& settings = context.settings();
  if (edit.count > settings.limits.values) {
    return Refuse{ResponseCode::kInvalidValue, "the record would have too many values"};
  }
  if (answer_octets(name, edit.values) > handle::kMaxSentMessage) {
    return Refuse{ResponseCode::kInvalidValue, "the record would be larger than any answer"};
  }
  return std::nullopt;
}

std::optional<Outcome> require_admin(const Context& context, const Edit& edit) {
  if (!context.settings().compat.require_admin_value || has_admin_value({edit.count, edit.values})) {
    return std::nullopt;
  }
  return Refuse{ResponseCode::kInvalidValue, "the record would have no HS_ADMIN value"};
}

Refuse refuse_edit(Context& context, const Edit& edit) {
  std::string& text = context.buffer();
  text.append(handle::text_of(edit.code)).append(": index ").append(std::to_string(edit.index));
  return {edit.code, text};
}

Outcome commit_edit(Context& context, std::string_view action, std::string_view name, const Lookup& before,
                    const Edit& edit, Answer answer) {
  if (!edit.changed) return answer;
  const bool exists = before.exists();
  Commit commit;
  commit.mutation.action = action;
  commit.mutation.writes.push_back(
      {record_key(name, context.settings().node.case_sensitive),
       make_record(exists ? before.record.name : name, exists ? before.record.created : 0, edit.count,
                   edit.values)});
  commit.answer = answer;
  return commit;
}

}  // namespace idnode
