// Names of the Handle System: folding, splitting, prefix handles (protocol/handle/WIRE.md §22,
// resolver/BEHAVIOUR.md §1.1).
//
// A name is octets: `prefix/suffix`, split at the FIRST slash. Only ASCII letters fold; nothing is
// normalised. Every function is pure; views that are returned point into the argument.
#pragma once

#include <string>
#include <string_view>

namespace idnode {

// a-z to A-Z, octet by octet; other octets stay.
std::string fold(std::string_view name);
bool equal_folded(std::string_view a, std::string_view b);
bool starts_with_folded(std::string_view name, std::string_view start);

struct Split {
  std::string_view prefix;
  std::string_view suffix;
};
// The two parts. A name without a slash has the prefix part "0.NA" and itself as suffix part.
Split split(std::string_view name);
bool has_slash(std::string_view name);

// The prefix handle that is responsible for `name`: "0.NA/" + folded prefix part ("0.NA/0.NA" for a name
// under 0.NA, or one without a slash).
std::string prefix_handle_of(std::string_view name);
// "88.118" -> "0.NA/88.118": how resolution, home, unhome and list read a name without a slash. Other names
// as they are.
std::string expand_bare_prefix(std::string_view name);
// Begins with "0.NA/", in any case.
bool is_prefix_handle(std::string_view name);
// "0.NA/0.NA/x": the marker that makes a node responsible for the prefix handles derived from x.
bool is_marker(std::string_view name);
// A prefix handle with a dot after "0.NA/"; neither the root prefix handle nor a marker.
bool is_derived_prefix_handle(std::string_view name);
// "0.NA/88.118.5" -> "0.NA/88.118" -> "0.NA/88": cut at the last dot. Empty when there is no parent.
std::string_view parent_prefix_handle(std::string_view prefix_handle);

// The form under which a name is stored and compared: folded whole, or, with `case_sensitive`, prefix folded
// and suffix exact. Names that begin with "0." always fold whole.
std::string storage_form(std::string_view name, bool case_sensitive);
void append_storage_form(std::string_view name, bool case_sensitive, std::string& out);

// Identities and references compare prefix folded, suffix exact, whatever the node's case setting; names that
// begin with "0.", and names without a slash, compare folded whole (WIRE.md §22 rule 3).
bool same_reference_handle(std::string_view a, std::string_view b);

// Strict RFC 3629: no surrogates, no overlong forms, nothing above 10FFFF.
bool valid_utf8(std::string_view octets);

// Types: equality ignoring ASCII case; "has type" also takes sub-types after a dot (BEHAVIOUR.md §1.2).
bool same_type(std::string_view a, std::string_view b);
bool has_type(std::string_view type, std::string_view wanted);
// One entry of a resolution's type filter (WIRE.md §11 note 3): a final dot also takes sub-types.
bool filter_matches_type(std::string_view filter, std::string_view type);

}  // namespace idnode
