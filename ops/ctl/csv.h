// Comma-separated values (RFC 4180): quoted fields with doubled quotes, line ends inside quotes, LF or CRLF.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace idnode::ctl {

// The next record; none at the end. A quote that is never closed ends with the input.
std::optional<std::vector<std::string>> read_csv_record(std::istream& in);
// Appends one field, quoted when it has to be.
void append_csv_field(std::string_view field, std::string& out);

}  // namespace idnode::ctl
