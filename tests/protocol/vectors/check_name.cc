// case, type_match, utf8.
#include "protocol/identifier.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

void check_case(const Vector& v, Verdict& verdict) {
  const std::string a = text(v.fields, "a");
  const std::string b = text(v.fields, "b");
  verdict.equal("folded whole", storage_form(a, false), text(v.fields, "a_upper_all"));
  verdict.equal("the octets of it", storage_form(a, false), v.octets);
  verdict.equal("prefix folded", storage_form(a, true), text(v.fields, "a_upper_prefix"));
  verdict.equal("prefix", split(a).prefix, text(v.fields, "a_prefix_part"));
  verdict.equal("suffix", split(a).suffix, text(v.fields, "a_suffix_part"));
  verdict.equal("prefix handle", prefix_handle_of(a), text(v.fields, "a_zero_na_handle"));
  verdict.holds("derived prefix handle",
                is_derived_prefix_handle(a) == flag(v.fields, "a_is_derived_prefix_handle"));
  verdict.holds("equal, folded", equal_folded(a, b) == flag(v.fields, "equal_case_insensitive"));
  verdict.holds("equal as stored, folded", (storage_form(a, false) == storage_form(b, false)) ==
                                               flag(v.fields, "equal_case_insensitive"));
  const bool equal_prefix_folded = flag(v.fields, "equal_prefix_case_insensitive");
  verdict.holds("equal as stored, prefix folded",
                (storage_form(a, true) == storage_form(b, true)) == equal_prefix_folded);
  verdict.holds("the same reference", same_reference_handle(a, b) == equal_prefix_folded);
  verdict.holds("the same reference, turned", same_reference_handle(b, a) == equal_prefix_folded);
}

void check_type_match(const Vector& v, Verdict& verdict) {
  const std::string type = text(v.fields, "value_type");
  const std::string query = text(v.fields, "query_type");
  verdict.equal("the octets", type, v.octets);
  verdict.holds("filter", filter_matches_type(query, type) == flag(v.fields, "request_filter_matches"));
  verdict.holds("has type", has_type(type, query) == flag(v.fields, "has_type"));
}

void check_utf8(const Vector& v, Verdict& verdict) {
  verdict.holds("strict", valid_utf8(v.octets) == flag(v.fields, "strict_utf8"));
}

}  // namespace

std::span<const Row> name_rows() {
  static constexpr Row kRows[] = {
      {"case", check_case},
      {"type_match", check_type_match},
      {"utf8", check_utf8},
  };
  return kRows;
}

}  // namespace idnode::vectors
