// Reading of single members and of the `data` of a value (resolver/BEHAVIOUR.md §12.8); used by decode.cc
// only.
//
// `what` names the place in the JSON text for the person who wrote it.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "protocol/value.h"

namespace idnode::rest {

// A sentence about what is wrong.
using Fault = std::string;
template <class T>
using Read = std::expected<T, Fault>;

// Null when absent or null.
const boost::json::value* find(const boost::json::object& object, std::string_view name);
// Integers may also come as decimal text.
Read<std::uint64_t> number(const boost::json::value* value, std::string_view what, std::uint64_t most);
Read<std::string> text(const boost::json::value* value, std::string_view what);
// "*" or bits, right-aligned, most significant first.
Read<std::uint32_t> bits(std::string_view spelled, int width, std::string_view what);
Read<Reference> reference(const boost::json::value& value, std::string_view what);
// A text, or {"format", "value"}: the octets.
Read<std::string> data_of(const boost::json::value& value, std::string_view what);

}  // namespace idnode::rest
