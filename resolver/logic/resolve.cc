// Resolution, opcode 1 (BEHAVIOUR.md §7). The order of the checks is that of §7.1.
#include <algorithm>
#include <optional>
#include <string_view>

#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "resolver/logic/authorize.h"
#include "resolver/logic/elsewhere.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/responsible.h"
#include "resolver/logic/select.h"
#include "resolver/logic/status.h"

namespace idnode {
namespace {

using handle::ResponseCode;

// What one resolution works on.
struct Asked {
  const handle::Request& request;
  const handle::ResolveBody& body;
  Context& context;
  std::string_view name;      // expanded
  bool authoritative = true;  // false: a pinned copy
};

Outcome not_found(const Asked& asked, ResponseCode code, std::string_view text) {
  return Refuse{code, text, asked.authoritative};
}

Outcome success(const Asked& asked, ValueList values, bool restricted) {
  Answer answer;
  answer.authoritative = asked.authoritative;
  answer.name = asked.request.name;
  answer.has_values = true;
  answer.values = values;
  answer.restricted = restricted;
  return answer;
}

Outcome public_values(const Asked& asked, ValueList record, const Selection& found) {
  if (found.open == 0)
    return not_found(asked, ResponseCode::kValuesNotFound, "no such value can be read by everybody");
  if (found.whole && found.open == found.all) return success(asked, record, false);
  std::string& out = asked.context.buffer();
  const std::uint32_t count = collect(asked.body, record, Take::kPublic, out);
  return success(asked, {count, out}, false);
}

Outcome readable_values(const Asked& asked, ValueList record, const Selection& found) {
  std::string& out = asked.context.buffer();
  const std::uint32_t count = collect(asked.body, record, Take::kReadable, out);
  if (count == 0) return not_found(asked, ResponseCode::kValuesNotFound, "no such value can be read");
  return success(asked, {count, out}, found.guarded != 0);
}

// PO set (§7.3): no challenge, whatever was asked for. A connection that has logged in reads what its
// identity may read, if its clients never clear PO (§16.2 rule 3).
Outcome read_public(const Asked& asked, ValueList record, const Selection& found) {
  Context& context = asked.context;
  if (found.guarded != 0 && context.session.kind == SessionState::Kind::kConnection &&
      context.session.authenticated && context.settings().idis.ignore_po_when_authenticated) {
    std::optional<Outcome> refusal =
        authorize(asked.request, context, handle::kReadValue, asked.name, record);
    if (!refusal) return readable_values(asked, record, found);
    if (std::holds_alternative<Need>(*refusal)) return std::move(*refusal);
  }
  return public_values(asked, record, found);
}

// PO clear (§7.3).
Outcome read_all(const Asked& asked, ValueList record, const Selection& found) {
  Context& context = asked.context;
  if (context.session.kind == SessionState::Kind::kNone && found.guarded == 0) {
    if (found.closed_index)
      return Refuse{ResponseCode::kInsufficientPermissions, "nobody may read the value", asked.authoritative};
    return public_values(asked, record, found);
  }
  if (std::optional<Outcome> refusal =
          authorize(asked.request, context, handle::kReadValue, asked.name, record))
    return std::move(*refusal);
  return readable_values(asked, record, found);
}

Outcome read(const Asked& asked, ValueList record) {
  const Selection found = survey(asked.body, record);
  if (asked.request.has(handle::flag::kPublicOnly)) return read_public(asked, record, found);
  if (found.all == 0) return not_found(asked, ResponseCode::kValuesNotFound, "the record has no such value");
  return read_all(asked, record, found);
}

// Whoever may be given more than what everybody may read needs the record itself. Without PO that is anybody,
// unless there is nothing else in it.
Lookup look_up(const Asked& asked, std::string_view name) {
  Context& context = asked.context;
  const SessionState& session = context.session;
  const bool anonymous = session.kind == SessionState::Kind::kNone;
  if (!asked.request.has(handle::flag::kPublicOnly))
    return anonymous ? context.readable_record(name, Wanted::kWholeRecord) : context.record(name);
  const bool more = session.kind == SessionState::Kind::kConnection && session.authenticated &&
                    context.settings().idis.ignore_po_when_authenticated;
  return more ? context.record(name) : context.readable_record(name, Wanted::kPublicValues);
}

// Base record of an item code (§7.7): the part before the first delimiter behind the prefix. Namespaces with
// templates of their own are not evaluated: a node acts as if there were none.
Lookup base_record(const Asked& asked) {
  const std::string& delimiter = asked.context.settings().compat.template_delimiter;
  if (delimiter.empty()) return {};
  const std::size_t at = asked.name.find(delimiter, split(asked.name).prefix.size());
  if (at == std::string_view::npos || at == 0) return {};
  return look_up(asked, asked.name.substr(0, at));
}

Outcome read_record(const Asked& asked) {
  Lookup found = look_up(asked, asked.name);
  if (found.found == Found::kNo) found = base_record(asked);
  switch (found.found) {
    case Found::kYes: break;
    case Found::kNo: return not_found(asked, ResponseCode::kHandleNotFound, "there is no such identifier");
    case Found::kCold: return Need{};
    case Found::kFailed: return Refuse{ResponseCode::kError, "the record could not be read"};
  }
  const bool everything = asked.body.indexes.count == 0 && asked.body.types.count == 0;
  if (found.all_public && everything) return success(asked, found.values(), false);
  return read(asked, found.values());
}

// A copy of our own prefix record that `init` keeps, so that its readers need not travel (§17.1).
bool is_pinned(Context& context, std::string_view name) {
  if (!is_prefix_handle(name)) return false;
  const std::string_view prefix = split(name).suffix;
  if (std::ranges::none_of(context.settings().node.prefixes,
                           [&](const std::string& own) { return equal_folded(own, prefix); }))
    return false;
  const PrefixEntry* entry = context.routes().find(folded_name(context, name));
  return entry != nullptr && entry->version != 0;
}

// The SDK keeps its pooled connections warm with questions about "0" (§16.2 rule 7).
constexpr std::string_view kHeartbeat = "0";

}  // namespace

Outcome resolve(const handle::Request& request, Context& context) {
  const auto& body = std::get<handle::ResolveBody>(request.body);
  if (request.name == kHeartbeat)
    return Refuse{ResponseCode::kNotResponsible, "the node is alive and does not know this name"};
  if (equal_folded(request.name, kStatusName)) return read_status(request, context);

  std::string_view name = request.name;
  if (!has_slash(name)) {
    std::string& expanded = context.buffer();
    expanded.assign("0.NA/");
    append_storage_form(name, false, expanded);
    name = expanded;
  }
  std::optional<Outcome> refusal = responsible(request, context, name);
  if (!refusal) return read_record({request, body, context, name});
  if (const auto* refused = std::get_if<Refuse>(&*refusal);
      refused != nullptr && refused->code == ResponseCode::kNotResponsible && hashes_here(context, name) &&
      is_pinned(context, name))
    return read_record({request, body, context, name, false});
  return elsewhere(request, context, name, std::move(*refusal));
}

}  // namespace idnode
