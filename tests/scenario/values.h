// Values as scenario lines write them: `INDEX TYPE PERMISSIONS [ttl=N] DATA`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/value.h"
#include "tests/scenario/world.h"

namespace idnode::scenario {

using Keys = std::map<std::string, Key>;

// Throws std::runtime_error with a sentence.
std::vector<Value> parse_values(const std::vector<std::string>& lines, const Keys& keys);
// For messages about differences.
std::string describe(const Value& value);

}  // namespace idnode::scenario
