#include "storage/keys.h"

#include "protocol/identifier.h"

namespace idnode {
namespace {

std::string key_of(Table table) { return std::string(1, static_cast<char>(table)); }

// Everything that begins with `start`, whose last octet is not 0xFF.
KeyRange beginning_with(std::string start) {
  std::string end = start;
  end.back() = static_cast<char>(end.back() + 1);
  return {std::move(start), std::move(end)};
}

}  // namespace

std::string record_key(std::string_view name, bool case_sensitive) {
  std::string key = key_of(Table::kRecords);
  append_storage_form(name, case_sensitive, key);
  return key;
}

std::string homed_key(std::string_view prefix_handle) {
  std::string key = key_of(Table::kHomed);
  append_storage_form(prefix_handle, false, key);
  return key;
}

std::string counter_key(std::string_view name) { return key_of(Table::kCounters).append(name); }

std::string meta_key(std::string_view name) { return key_of(Table::kMeta).append(name); }

KeyRange table_range(Table table) { return beginning_with(key_of(table)); }

KeyRange records_under(std::string_view prefix) {
  return beginning_with(key_of(Table::kRecords) + fold(prefix) + "/");
}

KeyRange derived_records(std::string_view prefix) {
  return beginning_with(key_of(Table::kRecords) + "0.NA/" + fold(prefix) + ".");
}

}  // namespace idnode
