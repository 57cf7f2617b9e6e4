// Names, types and UTF-8: two strings, parted by the first octet that is 0xff.
#include <algorithm>

#include "protocol/identifier.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all = fuzz::view(data, size);
  const std::size_t at = std::min(all.find('\xff'), all.size());
  const std::string_view a = all.substr(0, at);
  const std::string_view b = all.substr(std::min(at + 1, all.size()));
  for (const bool case_sensitive : {false, true}) {
    const std::string stored = storage_form(a, case_sensitive);
    fuzz::must(stored.size() == a.size() && storage_form(stored, case_sensitive) == stored);
    fuzz::must(valid_utf8(stored) == valid_utf8(a));
  }
  fuzz::must(equal_folded(a, b) == (fold(a) == fold(b)));
  fuzz::must(same_reference_handle(a, b) == (storage_form(a, true) == storage_form(b, true)));
  fuzz::must(same_reference_handle(a, b) == same_reference_handle(b, a));
  fuzz::must(prefix_handle_of(a).starts_with("0.NA/") && is_prefix_handle(prefix_handle_of(a)));
  std::string_view parent = a;
  for (std::size_t length = a.size(); !(parent = parent_prefix_handle(parent)).empty();
       length = parent.size())
    fuzz::must(parent.size() < length && is_prefix_handle(parent));
  if (same_type(a, b)) fuzz::must(has_type(a, b) && (a.empty() || a == "." || filter_matches_type(b, a)));
  (void)filter_matches_type(a, b);
  return 0;
}
