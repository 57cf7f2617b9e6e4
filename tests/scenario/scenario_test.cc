// scenario_test [--reached] [FILE...]: runs the files, or every .scn of the folder; prints one summary line.
// Each is run twice, on the store alone and with the memory tier in front of it.
// --reached prints instead, a line each, what came back for which line (Tally::reached; for coverage.py).
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/scenario/run.h"

namespace {
const std::string kFolder = IDNODE_SOURCE_DIR "/tests/scenario";
constexpr int kWrongExpectations = 4;  // in control.txt
}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool reached = !files.empty() && files.front() == "--reached";
  if (reached) files.erase(files.begin());
  if (files.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
      if (entry.path().extension() == ".scn") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  idnode::scenario::Tally tally;
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("idnode-scenario-" + std::to_string(getpid()));
  for (const std::string& file : files)
    idnode::scenario::run_file(file, folder / std::to_string(tally.files), false, tally);
  if (reached) {
    for (const std::string& each : tally.reached) std::printf("%s\n", each.c_str());
    return tally.failed == 0 ? 0 : 1;
  }
  idnode::scenario::Tally resident;
  for (const std::string& file : files)
    idnode::scenario::run_file(file, folder / ("resident" + std::to_string(resident.files)), true, resident);
  idnode::scenario::Tally control{.silent = true, .reached = {}};
  idnode::scenario::run_file(kFolder + "/control.txt", folder / "control", false, control);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  bool found = control.failed == kWrongExpectations;
  std::printf("scenarios: files=%d commands=%d failed=%d failed_with_tier=%d control=%s\n", tally.files,
              tally.commands, tally.failed, resident.failed, found ? "found" : "missed");
  return tally.failed == 0 && resident.failed == 0 && tally.files > 0 && found ? 0 : 1;
}
