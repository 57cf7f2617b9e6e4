// Opcodes 105 and 302 (BEHAVIOUR.md §10.1, §10.2): who may list what. The walk itself is the driver's.
#include <optional>

#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "resolver/logic/authorize.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/responsible.h"
#include "storage/keys.h"

namespace idnode {
namespace {

constexpr std::string_view kPrefixStart = "0.NA/";

std::string_view listed_name(const handle::Request& request, Context& context) {
  std::string& out = context.buffer();
  if (!has_slash(request.name)) out.assign(kPrefixStart);
  append_storage_form(request.name, false, out);
  return out;
}

// The form "0.NA/0.NA/p" may also be listed where p itself or the root prefix is homed.
bool may_be_listed(const Context& context, std::string_view name) {
  if (context.routes().is_homed(name)) return true;
  return is_marker(name) && (context.routes().is_homed(name.substr(kPrefixStart.size())) ||
                             context.routes().is_homed("0.NA/0.NA"));
}

}  // namespace

Outcome list_handles(const handle::Request& request, Context& context) {
  using handle::ResponseCode;
  if (!context.settings().compat.allow_list)
    return Refuse{ResponseCode::kNotSupported, "listing is switched off"};
  const std::string_view name = listed_name(request, context);
  if (!may_be_listed(context, name))
    return Refuse{ResponseCode::kNotResponsible, "the prefix is not hosted here"};
  if (!has_credentials(context)) return Challenge{};
  const Lookup prefix = context.record(name);
  if (prefix.found == Found::kCold) return Need{};
  if (prefix.found == Found::kFailed)
    return Refuse{ResponseCode::kError, "the prefix record could not be read"};
  if (std::optional<Outcome> refusal =
          authorize(request, context, handle::kListHandles, name, prefix.values()))
    return std::move(*refusal);
  const std::string_view listed = name.substr(kPrefixStart.size());
  Stream stream;
  stream.range =
      is_marker(name) ? derived_records(listed.substr(kPrefixStart.size())) : records_under(listed);
  stream.stored_keys = context.settings().compat.list_stored_keys;
  return stream;
}

Outcome list_homed(const handle::Request& request, Context& context) {
  if (!has_credentials(context)) return Challenge{};
  if (std::optional<Outcome> refusal =
          authorize_listed(request, context, context.settings().node.administrators))
    return std::move(*refusal);
  return Stream{table_range(Table::kHomed), true};
}

}  // namespace idnode
