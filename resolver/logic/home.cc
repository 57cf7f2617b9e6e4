// Home and unhome (opcodes 300, 301; BEHAVIOUR.md §10.3).
#include <string>

#include "protocol/identifier.h"
#include "resolver/logic/change.h"
#include "resolver/logic/operations.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr std::string_view kPrefixHandles = "0.NA/";

// "0.NA/88.118", "0.NA/0.NA", or a marker "0.NA/0.NA/88.118": a prefix has no slash and is not empty.
bool can_be_homed(std::string_view name) {
  if (!is_prefix_handle(name)) return false;
  std::string_view prefix = name.substr(kPrefixHandles.size());
  if (is_prefix_handle(prefix)) prefix.remove_prefix(kPrefixHandles.size());
  return !prefix.empty() && !has_slash(prefix);
}

Outcome set_home(const handle::Request& request, Context& context, bool homed) {
  std::string& name = context.buffer();
  name = expand_bare_prefix(request.name);
  if (!can_be_homed(name)) return Refuse{ResponseCode::kInvalidHandle, "not the name of a prefix"};
  if (auto out = authorize_listed(request, context, context.settings().node.administrators)) {
    return std::move(*out);
  }
  const std::string key = homed_key(name);
  const Lookup entry = context.record_by_key(key);
  if (entry.found == Found::kCold) return Need{};
  if (entry.found == Found::kFailed) return Refuse{ResponseCode::kError, "the entry can not be read"};
  if (entry.exists() == homed) return done();
  Commit commit;
  commit.mutation.action = homed ? "home" : "unhome";
  commit.mutation.writes.push_back(
      {key, homed ? make_record(fold(name), 0, 0, {}) : make_tombstone(fold(name))});
  commit.answer = done();
  return commit;
}

}  // namespace

Outcome home_prefix(const handle::Request& request, Context& context) {
  return set_home(request, context, true);
}

Outcome unhome_prefix(const handle::Request& request, Context& context) {
  return set_home(request, context, false);
}

}  // namespace idnode
