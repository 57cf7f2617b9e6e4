// Opening: the log is checked, its torn end cut, and the store brought up to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/log/log.h"
#include "storage/open_error.h"
#include "storage/store.h"

namespace idnode {

struct OpenedLog {
  std::unique_ptr<Log> log;
  std::uint64_t groups = 0;  // replayed into the store
  std::uint64_t mutations = 0;
  std::vector<std::string> notes;  // one line each, for the operator: what was cut
};

// Makes `folder` when it is not there (its parent must be). After it `store` holds everything the log does.
// On failure the log is as it was and nobody may write: the text names file and offset (FORMAT.md, "At
// open").
Opened<OpenedLog> open_committed(const std::string& folder, Store& store, const LogOptions& options = {});

struct Chain {
  std::uint64_t first = 0;  // sequences; 0 for an empty log
  std::uint64_t last = 0;
  std::uint64_t groups = 0;
  std::string hash;   // of the last group
  bool torn = false;  // followed by the start of a group that nobody was answered
};

// Reads the whole log and checks every hash, sequence and mutation. For tools and tests; the node may be
// running (a group that is just being written counts as torn).
Opened<Chain> verify_chain(const std::string& folder, LogFiles& files = real_files());

}  // namespace idnode
