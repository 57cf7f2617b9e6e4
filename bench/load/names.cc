#include "bench/load/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace idnode::load {
namespace {

std::string numbered(const std::string& pattern, std::uint64_t n) {
  return fmt::format(fmt::runtime(pattern), n);
}

}  // namespace

std::optional<std::string> pattern_error(const std::string& pattern) {
  try {
    if (numbered(pattern, 0) != numbered(pattern, 1)) return std::nullopt;
    return "has no place for a number, like {:08}";
  } catch (const fmt::format_error& e) {
    return std::string("cannot be read: ") + e.what();
  }
}

Names::Names(const NameOptions& options)
    : pattern_(options.pattern), first_(options.first), count_(options.keys) {
  if (options.ids.empty()) return;
  std::ifstream in(options.ids);
  if (!in) throw Stop{kUsage, options.ids + ": cannot be read"};
  std::string line;
  while ((options.keys == 0 || listed_.size() < options.keys) && std::getline(in, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) listed_.push_back(line);
  }
  if (listed_.empty()) throw Stop{kUsage, options.ids + ": holds no identifier"};
  count_ = listed_.size();
}

std::size_t Names::longest() const {
  // No greater number is written with fewer characters.
  if (listed_.empty()) return (*this)[count_ - 1].size();
  std::size_t longest = 0;
  for (const std::string& name : listed_) longest = std::max(longest, name.size());
  return longest;
}

std::string Names::operator[](std::uint64_t i) const {
  return listed_.empty() ? numbered(pattern_, first_ + i) : listed_[i];
}

}  // namespace idnode::load
