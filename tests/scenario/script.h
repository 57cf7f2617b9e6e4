// The text of a scenario: commands with words, and the indented lines that belong to them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace idnode::scenario {

struct Command {
  std::string file;  // without its folder
  int line = 0;
  std::vector<std::string> words;
  std::vector<std::string> block;  // indented lines below, stripped

  const std::string& word(std::size_t i) const;
  bool has(std::string_view word) const;                           // among the words after the first
  std::optional<std::string> option(std::string_view name) const;  // the rest of a word "name=..."
};

std::vector<Command> read_script(const std::string& path);
std::vector<std::string> split_list(std::string_view text, char separator = ',');

}  // namespace idnode::scenario
