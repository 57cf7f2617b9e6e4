// Keys of the store: one table octet, then the name in storage form (protocol/identifier.h).
#pragma once

#include <string>
#include <string_view>

namespace idnode {

enum class Table : char {
  kRecords = 'r',  // one identifier record
  kHomed =
      'h',  // one homed prefix handle ("0.NA/88.118", markers "0.NA/0.NA/88.118"); the image has no values
  kCounters = 'c',  // one signed 64-bit counter (quotas)
  kMeta = 'm',      // format stamp, applied sequence
};

std::string record_key(std::string_view name, bool case_sensitive);
// Homed names always fold whole.
std::string homed_key(std::string_view prefix_handle);
std::string counter_key(std::string_view name);
std::string meta_key(std::string_view name);

// The half-open range of all keys of `table`.
struct KeyRange {
  std::string from;
  std::string to;
};
KeyRange table_range(Table table);
// All records whose name begins with `prefix` + "/" (a prefix part such as "88.118.5", or "0.NA").
KeyRange records_under(std::string_view prefix);
// All records of prefix handles derived from `prefix`: names that begin with "0.NA/" + prefix + ".".
KeyRange derived_records(std::string_view prefix);

}  // namespace idnode
