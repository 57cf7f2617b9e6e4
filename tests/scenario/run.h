// Runs one scenario file.
#pragma once

#include <set>
#include <string>

namespace idnode::scenario {

struct Tally {
  int files = 0;
  int commands = 0;
  int failed = 0;
  bool silent = false;  // only counts
  // "OPCODE CODE FILE:LINE seen|expected" separated by tabs: what came back for which line, and whether the
  // scenario said that it should. The opcode is that of the answer; without an answer, of the request, and
  // the code is "none".
  std::set<std::string> reached;
};

// `resident`: on a node with the memory tier. Prints file:line and what differs; a script that cannot be run
// counts as a failure.
void run_file(const std::string& path, const std::string& folder, bool resident, Tally& tally);

}  // namespace idnode::scenario
