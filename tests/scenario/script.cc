#include "tests/scenario/script.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace idnode::scenario {

const std::string& Command::word(std::size_t i) const {
  if (i >= words.size()) throw std::runtime_error("line " + std::to_string(line) + ": a word is missing");
  return words[i];
}

bool Command::has(std::string_view wanted) const {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == wanted) return true;
  }
  return false;
}

std::optional<std::string> Command::option(std::string_view name) const {
  for (const std::string& word : words) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
      return word.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::vector<Command> read_script(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": cannot be read");
  std::vector<Command> commands;
  std::string folder = path.substr(0, path.rfind('/') + 1);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    if (start > 0) {
      if (commands.empty())
        throw std::runtime_error(path + ":" + std::to_string(number) +
                                 ": an indented line without a command");
      commands.back().block.push_back(line.substr(start));
      continue;
    }
    Command command{.file = path.substr(folder.size()), .line = number, .words = {}, .block = {}};
    std::istringstream words(line);
    for (std::string word; words >> word && word[0] != '#';) command.words.push_back(word);
    if (command.words[0] == "include") {
      for (Command& included : read_script(folder + command.word(1))) commands.push_back(std::move(included));
      continue;
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::size_t end = std::min(text.find(separator), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace idnode::scenario
