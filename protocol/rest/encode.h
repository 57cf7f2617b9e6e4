// Handle JSON REST form of values and answers (resolver/BEHAVIOUR.md §12.4, §12.8), as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/value.h"

namespace idnode::rest {

// Appends one value object. Typed data (HS_ADMIN, HS_VLIST, HS_SITE and its sub-types, HS_PUBKEY) is spelled
// out when it decodes; text that is valid UTF-8 without control characters is a string; everything else is
// base64.
void append_value(const ValueView& value, std::string& out);
// Appends `[...]`.
void append_values(ValueList values, std::string& out);
// {"responseCode":1,"handle":"...","values":[...]} on one line, without a line end.
std::string answer(std::uint32_t code, std::string_view handle, ValueList values);
// {"responseCode":100,"message":"...","handle":"..."}; empty members are left out.
std::string error(std::uint32_t code, std::string_view message, std::string_view handle);
// One line of NDJSON: {"handle":"...","values":[...]}, without a line end.
std::string record(std::string_view handle, ValueList values);

// Appends `text` as a JSON string with its quotes. Octets that are not UTF-8 become U+FFFD.
void append_string(std::string_view text, std::string& out);
// "2026-11-24T08:00:00Z"
std::string iso_time(std::uint32_t seconds);

std::string base64(std::string_view octets);

}  // namespace idnode::rest
