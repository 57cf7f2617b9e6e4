// One value of a configuration file, free of the library that read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace idnode {

struct ConfigValue {
  enum class Kind { kBoolean, kInteger, kText, kList, kOther };
  Kind kind = Kind::kOther;
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;                // of kText; of kOther what it is ("a table")
  std::vector<ConfigValue> items;  // of kList
  std::size_t line = 0;            // counted from 1; 0: not from a file
};

// What a person would call the kind: "a text", "a whole number", "a list".
std::string_view kind_text(const ConfigValue& value);
// The value as TOML would have it, on one line.
std::string to_toml(const ConfigValue& value);
std::string quote_toml(std::string_view text);

// One `key = value` of a table. A file has no other nesting.
struct ConfigEntry {
  std::string table;
  std::string key;
  ConfigValue value;
};

struct ConfigError {
  std::size_t line = 0;  // 0: the file as a whole
  std::string text;
};

// What a file says, in its order. A syntax error is the only error then; a key outside a table and a table
// inside a table are errors as well. Thread: any.
struct ConfigText {
  std::vector<ConfigEntry> entries;
  std::vector<std::pair<std::string, std::size_t>> tables;  // name, line
  std::vector<ConfigError> errors;
};
ConfigText parse_config_text(std::string_view text);

}  // namespace idnode
