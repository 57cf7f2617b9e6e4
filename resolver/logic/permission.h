// Whether an identity holds permissions: look-ups only, nothing about proofs (BEHAVIOUR.md §8.8).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/value.h"
#include "resolver/logic/authorize.h"
#include "resolver/logic/context.h"

namespace idnode {

// Bounds of one walk through groups. The last one bounds the work where the first two hold.
inline constexpr std::size_t kMostGroupLevels = 20;
inline constexpr std::size_t kMostGroupReferences = 1'000;
inline constexpr std::size_t kMostGroupMembers = 50'000;

enum class May : std::uint8_t {
  kYes,
  kNo,
  kNeed,    // records are cold; all that could be told has been asked for
  kFailed,  // the store failed where the answer might have been
};

// Server administrators; then whoever is named, directly or through groups, by one HS_ADMIN value of `record`
// that has all of `permissions`. No permissions: anybody. `name`: whose values they are, for the rule of the
// default administrator; empty: the rule is off.
May holds(Context& context, const Claimed& who, std::uint16_t permissions, std::string_view name,
          ValueList record);

// Named by `list`, directly or through groups.
May is_listed(Context& context, const Claimed& who, std::span<const Reference> list);

// The entry of the table of homed names that makes this node answer for `name`: that of its prefix, or, for a
// derived prefix handle, the nearest marker above it. It becomes one of the mutation's reads.
Lookup home_of(Context& context, std::string_view name);

// A record that this node may speak for: it is responsible for the name, or keeps a pinned copy of a prefix
// record whose prefix is homed here. kNo for other records, even when they are in the store (left behind by
// an unhome). Keys, groups and administrators come from nowhere else; what other nodes hold is not resolved
// here, and whoever asks treats it as not there.
Lookup own_record(Context& context, std::string_view name);

// Appends the references of every HS_ADMIN value that has all of `permissions`; skips what does not decode.
void append_admins(ValueList record, std::uint16_t permissions, std::vector<Reference>& references);

}  // namespace idnode
