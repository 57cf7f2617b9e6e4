// The one table of settings. The parser, show-config, the sample file, the manual page and the rule which
// settings a reload may change all come from it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/app/config_value.h"
#include "resolver/logic/settings.h"

namespace idnode {

enum class Change {
  kRestart,  // read once, at start: a reload that would change it is refused
  kLive,     // a reload changes it
};

struct Field {
  std::string table;
  std::string name;
  std::string type;   // for people: "whole number", "list of addresses"
  std::string range;  // for people: "0 to 1024"; empty when the type says it all
  Change change = Change::kRestart;
  std::string help;

  // Puts a value of the file into `settings`; says what is wrong with it, each with its line.
  std::function<void(const ConfigValue&, Settings&, std::vector<ConfigError>&)> read;
  // The setting as TOML.
  std::function<std::string(const Settings&)> show;

  std::string fallback;  // the default, as TOML
  std::string example;   // for the sample file, where there is no usable default; else empty
};

// In the order of the sample file. Built once; any thread.
const std::vector<Field>& fields();
// nullptr when there is no such field.
const Field* find_field(std::string_view table, std::string_view name);
// One line about a table, for the sample file and the manual; empty when there is no such table.
std::string_view table_help(std::string_view table);

}  // namespace idnode
