// The identifiers of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/options.h"

namespace idnode::load {

// What is wrong with a pattern; nothing when it makes different names of different numbers.
std::optional<std::string> pattern_error(const std::string& pattern);

class Names {
 public:
  // Reads the file of --ids; throws Stop when it cannot, or holds none.
  explicit Names(const NameOptions& options);
  std::uint64_t count() const { return count_; }
  std::size_t longest() const;  // octets of the longest name
  std::string operator[](std::uint64_t i) const;

 private:
  std::string pattern_;
  std::uint64_t first_;
  std::uint64_t count_;
  std::vector<std::string> listed_;
};

}  // namespace idnode::load
