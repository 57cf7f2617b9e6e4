#include "resolver/logic/select.h"

#include "protocol/identifier.h"

namespace idnode {

bool selects(const handle::ResolveBody& wanted, const ValueView& value) {
  if (wanted.indexes.count == 0 && wanted.types.count == 0) return true;
  if (wanted.indexes.contains(value.index)) return true;
  handle::TextWalk walk(wanted.types);
  for (std::string_view type; walk.next(type);) {
    if (filter_matches_type(type, value.type)) return true;
  }
  return false;
}

Selection survey(const handle::ResolveBody& wanted, ValueList record) {
  Selection found;
  ValueWalk walk(record);
  for (ValueView value; walk.next(value);) {
    if (!selects(wanted, value)) continue;
    ++found.all;
    if (value.public_read()) {
      ++found.open;
    } else if (value.admin_read()) {
      ++found.guarded;
    } else {
      ++found.closed;
      found.closed_index = found.closed_index || wanted.indexes.contains(value.index);
    }
  }
  found.whole = found.all == record.count;
  return found;
}

std::uint32_t collect(const handle::ResolveBody& wanted, ValueList record, Take take, std::string& out) {
  std::uint32_t count = 0;
  ValueWalk walk(record);
  for (ValueView value; walk.next(value);) {
    const bool admitted = value.public_read() || (take == Take::kReadable && value.admin_read());
    if (!admitted || !selects(wanted, value)) continue;
    out.append(value.encoded);
    ++count;
  }
  return count;
}

}  // namespace idnode
