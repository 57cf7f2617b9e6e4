#include "resolver/logic/permission.h"

#include <string>
#include <unordered_set>

#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "resolver/logic/responsible.h"
#include "resolver/logic/value_edit.h"

namespace idnode {
namespace {

bool names(std::span<const Reference> references, const Claimed& who) {
  for (const Reference& r : references) {
    if (handle::identity_matches(r, who.identity, who.index)) return true;
  }
  return false;
}

// References compare prefix folded, suffix exact (BEHAVIOUR.md §1.1 rule 7).
std::string visit_key(const Reference& reference) {
  return std::to_string(reference.index) + ':' + storage_form(reference.handle, true);
}

// One walk, breadth first, from the references of a record or list.
class MembershipWalk {
 public:
  MembershipWalk(Context& context, const Claimed& who) : context_(context), who_(who) {}

  May run(std::vector<Reference> level) {
    for (std::size_t depth = 0;; ++depth) {
      if (names(level, who_)) return May::kYes;
      if (depth == kMostGroupLevels) break;
      std::vector<Reference> below;
      for (const Reference& group : level) expand(group, below);
      if (below.empty()) break;
      level = std::move(below);
    }
    if (cold_) return May::kNeed;
    return failed_ ? May::kFailed : May::kNo;
  }

 private:
  void expand(const Reference& group, std::vector<Reference>& below) {
    if (group.index == 0 || visited_.size() >= kMostGroupReferences) return;
    if (group.handle.size() > context_.settings().limits.name_bytes) return;  // no record has such a name
    if (!visited_.insert(visit_key(group)).second) return;
    const Lookup found = own_record(context_, group.handle);
    cold_ |= found.found == Found::kCold;
    failed_ |= found.found == Found::kFailed;
    if (!found.exists()) return;
    ValueWalk walk(found.values());
    for (ValueView v; walk.next(v);) {
      if (v.index != group.index || !has_type(v.type, "HS_VLIST")) continue;
      Result<std::vector<Reference>> members = handle::decode_vlist(v.data);
      if (!members) continue;
      for (Reference& member : *members) {
        if (members_ == kMostGroupMembers) return;
        ++members_;
        below.push_back(std::move(member));
      }
    }
  }

  Context& context_;
  const Claimed& who_;
  std::unordered_set<std::string> visited_;
  std::size_t members_ = 0;
  bool cold_ = false;
  bool failed_ = false;
};

}  // namespace

Lookup home_of(Context& context, std::string_view name) {
  std::string home = prefix_handle_of(name);
  std::string_view ancestor;
  if (is_derived_prefix_handle(name)) ancestor = parent_prefix_handle(name);
  for (;;) {
    const Lookup entry = context.record_by_key(homed_key(home));
    if (entry.exists() || entry.found == Found::kCold || entry.found == Found::kFailed || ancestor.empty())
      return entry;
    home = "0.NA/";
    home.append(ancestor);
    ancestor = parent_prefix_handle(ancestor);
  }
}

Lookup own_record(Context& context, std::string_view name) {
  const Lookup record = context.record(name);
  if (hashes_here(context, name) && is_hosted(context, name)) {
    // The routes are as old as the exchange: the entry itself is read too (in the same round), so that a
    // change that rests on the record is decided again when its prefix is unhomed meanwhile.
    const Lookup home = home_of(context, name);
    if (!record.exists() || home.exists()) return record;
    return home.found == Found::kCold || home.found == Found::kFailed ? home : Lookup{};
  }
  if (!record.exists()) return record;
  if (!is_prefix_handle(name)) return {};
  const Lookup home = context.record_by_key(homed_key(name));
  if (home.found == Found::kCold || home.found == Found::kFailed) return home;
  return home.exists() ? record : Lookup{};
}

void append_admins(ValueList record, std::uint16_t permissions, std::vector<Reference>& references) {
  ValueWalk walk(record);
  for (ValueView v; walk.next(v);) {
    if (!has_type(v.type, "HS_ADMIN")) continue;
    Result<handle::Admin> admin = handle::decode_admin(v.data);
    if (admin && (admin->permissions & permissions) == permissions) {
      references.push_back(std::move(admin->identity));
    }
  }
}

May holds(Context& context, const Claimed& who, std::uint16_t permissions, std::string_view name,
          ValueList record) {
  if (permissions == 0) return May::kYes;
  const NodeSettings& node = context.settings().node;
  if (node.default_administrator && !name.empty() && !has_admin_value(record)) {
    const Lookup prefix = own_record(context, prefix_handle_of(name));
    if (prefix.found == Found::kCold) return May::kNeed;
    if (prefix.found == Found::kFailed) return May::kFailed;
    record = prefix.exists() ? prefix.values() : ValueList{};
  }
  std::vector<Reference> admins = node.administrators;
  append_admins(record, permissions, admins);
  return MembershipWalk(context, who).run(std::move(admins));
}

May is_listed(Context& context, const Claimed& who, std::span<const Reference> list) {
  return MembershipWalk(context, who).run({list.begin(), list.end()});
}

}  // namespace idnode
