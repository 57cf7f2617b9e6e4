// Runs one scenario file.
#pragma once

#include <string>

namespace idnode::scenario {

struct Tally {
  int files = 0;
  int commands = 0;
  int failed = 0;
  bool silent = false;  // only counts
};

// Prints file:line and what differs; a script that cannot be run counts as a failure.
void run_file(const std::string& path, const std::string& folder, Tally& tally);

}  // namespace idnode::scenario
