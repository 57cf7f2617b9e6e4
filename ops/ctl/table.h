// Tables for people: columns as wide as their content, counted in characters as a terminal shows them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/value.h"

namespace idnode::ctl {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Lines with their ends; the last column is not padded.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Terminal columns of UTF-8 text: CJK and full-width characters take two.
std::size_t display_width(std::string_view text);
// One line for a value's data: typed data decoded, text with escapes, binary as its size and first octets.
std::string data_line(const ValueView& value);
std::string values_table(ValueList values);

}  // namespace idnode::ctl
