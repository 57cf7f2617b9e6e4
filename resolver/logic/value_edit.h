// What a change does to the values of a record: pure functions of two encoded lists (BEHAVIOUR.md §9).
//
// They say what comes out, which permissions that takes and what refuses it; who may is asked elsewhere.
// Lists are those of a decoder or the store (protocol/value.h): checked, at most Limits::values long.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/handle/codes.h"
#include "protocol/handle/request.h"
#include "protocol/value.h"

namespace idnode {

struct Edit {
  // What refuses the change before any permission is looked at; kSuccess: nothing does.
  handle::ResponseCode code = handle::ResponseCode::kSuccess;
  std::uint32_t index = 0;   // of the value that refuses it, for the text
  std::uint16_t needed = 0;  // handle::AdminPermission bits, all in one HS_ADMIN; 0: nobody has to be asked
  bool replaced = false;     // the OVRW flag of the answer: an index that existed was named
  bool changed =
      false;  // a value was added, removed or differs in more than its timestamp; order alone is no change
  bool anonymous = false;   // modify only: every value may be written by anybody and none is HS_ADMIN
  std::uint32_t count = 0;  // the list afterwards
  std::string values;
};

// 202 for an index that is not in 1 .. 2^31-1, or a type or reference that is not UTF-8; then 201 for an
// index that is there twice; kSuccess.
Edit check_values(ValueList values);

// A new record: the client's order, all timestamps `seconds`.
Edit edit_create(ValueList values, std::uint32_t seconds);
// §9.3: the new list replaces the old one; values that are the same keep their timestamps and need nothing.
Edit edit_overwrite(ValueList old, ValueList values, std::uint32_t seconds);
// §9.5: the union, sorted by index.
Edit edit_add(ValueList old, ValueList values, bool overwrite, std::uint32_t seconds);
// §9.6: replaces whole values in place; of an index named twice the last one wins. `adds_missing`:
// compat.modify_overwrite_adds and the flag; an index that is missing is then added, as edit_add does.
Edit edit_modify(ValueList old, ValueList values, bool adds_missing, std::uint32_t seconds);
// §9.7. `keep_read_only`: compat.enforce_admin_write_on_remove (401).
Edit edit_remove(ValueList old, handle::IndexList indexes, bool keep_read_only);

// Whether the list has a value of type HS_ADMIN, or below it.
bool has_admin_value(ValueList values);
// Octets of the message that would answer a resolution of everything, unsigned and without a digest.
std::size_t answer_octets(std::string_view name, std::string_view values);

}  // namespace idnode
