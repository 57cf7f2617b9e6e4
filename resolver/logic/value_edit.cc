#include "resolver/logic/value_edit.h"

#include <algorithm>
#include <vector>

#include "protocol/handle/admin.h"
#include "protocol/identifier.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr std::uint32_t kLargestIndex = 0x7fffffff;

// Position of a value in its list by index, for lists of up to thousands of values.
class Finder {
 public:
  explicit Finder(ValueList list) {
    values_.reserve(list.count);
    ValueWalk walk(list);
    for (ValueView v; walk.next(v);) {
      order_.emplace_back(v.index, values_.size());
      values_.push_back(v);
    }
    std::ranges::sort(order_);
  }
  const ValueView* find(std::uint32_t index) const {
    const auto at = std::ranges::lower_bound(order_, std::pair{index, std::size_t{0}});
    return at != order_.end() && at->first == index ? &values_[at->second] : nullptr;
  }
  std::size_t position(const ValueView* found) const {
    return static_cast<std::size_t>(found - values_.data());
  }
  const std::vector<ValueView>& all() const { return values_; }

 private:
  std::vector<ValueView> values_;
  std::vector<std::pair<std::uint32_t, std::size_t>> order_;
};

bool is_admin(const ValueView& v) { return has_type(v.type, "HS_ADMIN"); }

std::uint16_t to_add(const ValueView& v) { return is_admin(v) ? handle::kAddAdmin : handle::kAddValue; }
std::uint16_t to_remove(const ValueView& v) {
  return is_admin(v) ? handle::kRemoveAdmin : handle::kRemoveValue;
}

// The table of §9.6.
std::uint16_t to_modify(const ValueView& old, const ValueView& now) {
  if (is_admin(old)) {
    return is_admin(now) ? handle::kModifyAdmin : handle::kRemoveAdmin | handle::kModifyValue;
  }
  if (is_admin(now)) return handle::kModifyValue | handle::kAddAdmin;
  return old.public_write() ? 0 : handle::kModifyValue;
}

bool has_valid_text(const ValueView& v) {
  if (!valid_utf8(v.type)) return false;
  Reader references(v.references);
  for (std::uint32_t i = 0; i < v.reference_count; ++i) {
    if (!valid_utf8(references.bytes())) return false;
    references.u32();
  }
  return references.ok();
}

void append(Edit& edit, const ValueView& v) {
  edit.values.append(v.encoded);
  ++edit.count;
}
void append_stamped(Edit& edit, const ValueView& v, std::uint32_t seconds) {
  const std::size_t offset = edit.values.size();
  append(edit, v);
  stamp_value(edit.values, offset, seconds);
}

Edit refused(ResponseCode code, std::uint32_t index) {
  Edit edit;
  edit.code = code;
  edit.index = index;
  return edit;
}

// The new value over the old one, as create and add with OVRW see it: the same content changes nothing.
void overwrite(Edit& edit, const ValueView& old, const ValueView& v, std::uint32_t seconds) {
  if (same_but_timestamp(old, v)) {
    append(edit, old);
    return;
  }
  edit.needed |= to_modify(old, v);
  edit.changed = true;
  append_stamped(edit, v, seconds);
}

// Puts the list of `edit` in the order of its indexes.
void sort_by_index(Edit& edit) {
  std::vector<ValueView> values;
  ValueWalk walk({edit.count, edit.values});
  for (ValueView v; walk.next(v);) values.push_back(v);
  if (std::ranges::is_sorted(values, {}, &ValueView::index)) return;
  std::ranges::sort(values, {}, &ValueView::index);
  std::string sorted;
  sorted.reserve(edit.values.size());
  for (const ValueView& v : values) sorted.append(v.encoded);
  edit.values = std::move(sorted);
}

}  // namespace

Edit check_values(ValueList values) {
  std::vector<std::uint32_t> indexes;
  indexes.reserve(values.count);
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) {
    if (v.index == 0 || v.index > kLargestIndex || !has_valid_text(v)) {
      return refused(ResponseCode::kInvalidValue, v.index);
    }
    indexes.push_back(v.index);
  }
  std::ranges::sort(indexes);
  const auto twice = std::ranges::adjacent_find(indexes);
  if (twice != indexes.end()) return refused(ResponseCode::kValueExists, *twice);
  return {};
}

Edit edit_create(ValueList values, std::uint32_t seconds) {
  Edit edit;
  edit.changed = true;
  edit.values.reserve(values.encoded.size());
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) append_stamped(edit, v, seconds);
  return edit;
}

Edit edit_overwrite(ValueList old, ValueList values, std::uint32_t seconds) {
  const Finder before(old);
  const Finder after(values);
  Edit edit;
  edit.replaced = true;
  for (const ValueView& v : after.all()) {
    if (const ValueView* same = before.find(v.index)) {
      overwrite(edit, *same, v, seconds);
    } else {
      edit.needed |= to_add(v);
      edit.changed = true;
      append_stamped(edit, v, seconds);
    }
  }
  for (const ValueView& v : before.all()) {
    if (after.find(v.index) != nullptr) continue;
    edit.needed |= to_remove(v);
    edit.changed = true;
  }
  return edit;
}

Edit edit_add(ValueList old, ValueList values, bool overwrites, std::uint32_t seconds) {
  const Finder before(old);
  const Finder added(values);
  Edit edit;
  for (const ValueView& v : added.all()) {
    const ValueView* exists = before.find(v.index);
    if (exists != nullptr && !overwrites) return refused(ResponseCode::kValueExists, v.index);
    edit.replaced |= exists != nullptr;
  }
  for (const ValueView& v : before.all()) {
    if (added.find(v.index) == nullptr) append(edit, v);
  }
  for (const ValueView& v : added.all()) {
    if (const ValueView* exists = before.find(v.index)) {
      overwrite(edit, *exists, v, seconds);
    } else {
      edit.needed |= to_add(v);
      edit.changed = true;
      append_stamped(edit, v, seconds);
    }
  }
  sort_by_index(edit);
  return edit;
}

Edit edit_modify(ValueList old, ValueList values, bool adds_missing, std::uint32_t seconds) {
  const Finder before(old);
  std::vector<ValueView> result = before.all();
  std::vector<bool> fresh(result.size(), false);
  Edit edit;
  edit.changed = values.count != 0;
  edit.anonymous = true;
  bool valid = true;
  std::uint32_t invalid = 0;
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) {
    const bool usable = v.index != 0 && v.index <= kLargestIndex && has_valid_text(v);
    if (!usable && valid) invalid = v.index;
    valid &= usable;
    const ValueView* exists = before.find(v.index);
    if (exists == nullptr && !adds_missing) return refused(ResponseCode::kValuesNotFound, v.index);
    if (exists == nullptr) {
      edit.needed |= to_add(v);
      edit.anonymous = false;
      const auto twice = std::find_if(result.begin() + static_cast<std::ptrdiff_t>(before.all().size()),
                                      result.end(), [&](const ValueView& r) { return r.index == v.index; });
      if (twice != result.end()) {
        *twice = v;
      } else {
        result.push_back(v);
        fresh.push_back(true);
      }
      continue;
    }
    if (!exists->admin_write()) return refused(ResponseCode::kInsufficientPermissions, v.index);
    edit.needed |= to_modify(*exists, v);
    edit.anonymous &= exists->public_write() && !is_admin(*exists) && !is_admin(v);
    result[before.position(exists)] = v;
    fresh[before.position(exists)] = true;
  }
  if (!valid) return refused(ResponseCode::kInvalidValue, invalid);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (fresh[i]) {
      append_stamped(edit, result[i], seconds);
    } else {
      append(edit, result[i]);
    }
  }
  if (edit.count != before.all().size()) sort_by_index(edit);
  return edit;
}

Edit edit_remove(ValueList old, handle::IndexList indexes, bool keep_read_only) {
  const Finder before(old);
  std::vector<bool> gone(before.all().size(), false);
  Edit edit;
  for (std::uint32_t i = 0; i < indexes.count; ++i) {
    const ValueView* exists = before.find(indexes[i]);
    if (exists == nullptr) return refused(ResponseCode::kValuesNotFound, indexes[i]);
    gone[before.position(exists)] = true;
    edit.needed |= to_remove(*exists);
    if (keep_read_only && !exists->admin_write() && edit.code == ResponseCode::kSuccess) {
      edit.code = ResponseCode::kInsufficientPermissions;
      edit.index = exists->index;
    }
  }
  if (edit.code != ResponseCode::kSuccess) return edit;
  if (indexes.count == 0) edit.needed = handle::kRemoveValue;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) append(edit, before.all()[i]);
  }
  edit.changed = indexes.count != 0;
  return edit;
}

bool has_admin_value(ValueList values) {
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) {
    if (is_admin(v)) return true;
  }
  return false;
}

std::size_t answer_octets(std::string_view name, std::string_view values) {
  // header, length and octets of the name, count, values, length of the absent credential
  return handle::kHeaderSize + 4 + name.size() + 4 + values.size() + 4;
}

}  // namespace idnode
