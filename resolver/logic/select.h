// Which values of a record a resolution asks for, and which of them it gets (BEHAVIOUR.md §7.2, §7.3).
#pragma once

#include <cstdint>
#include <string>

#include "protocol/handle/request.h"
#include "protocol/value.h"

namespace idnode {

// Index list and type list are a union; both empty: every value.
bool selects(const handle::ResolveBody& wanted, const ValueView& value);

// What stands among the selected values.
struct Selection {
  std::uint32_t all = 0;      // selected
  std::uint32_t open = 0;     // publicly readable
  std::uint32_t guarded = 0;  // readable by administrators only
  std::uint32_t closed = 0;   // readable by nobody
  bool closed_index = false;  // one of those was asked for by its index
  bool whole = false;         // every value of the record is selected
};
Selection survey(const handle::ResolveBody& wanted, ValueList record);

enum class Take { kPublic, kReadable };  // kReadable: public ones and those that administrators may read
// Appends the selected values that `take` admits to `out`; their number.
std::uint32_t collect(const handle::ResolveBody& wanted, ValueList record, Take take, std::string& out);

}  // namespace idnode
