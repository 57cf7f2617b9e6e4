// Handle JSON REST form of values and records, read (resolver/BEHAVIOUR.md §12.8).
//
// Errors are sentences for whoever wrote the JSON ("values[2].index: a positive number is needed"), not
// codes.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "protocol/value.h"

namespace idnode::rest {

struct Record {
  std::string handle;  // empty when the object has none
  std::vector<Value> values;
};

// `{"handle":..., "values":[...]}`, an array of values, or one value object. Depth is bounded to 32, extra
// members are ignored.
std::expected<Record, std::string> decode_record(std::string_view text);

// The text forms that idctl takes on the command line.
// HS_ADMIN: "300:111111111111:88.118/ADMIN" (permissions most significant bit first) or "300:*:88.118/ADMIN".
// HS_VLIST: "300:88.118/ADMIN;301:88.118/OTHER". Every other type: the text itself.
std::expected<std::string, std::string> data_from_text(std::string_view type, std::string_view text);

Result<std::string> from_base64(std::string_view text);

}  // namespace idnode::rest
