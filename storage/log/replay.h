// Opening: the log is checked, its torn end cut, and the store brought up to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/data_folder.h"
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
// On failure log and store are as they were and nobody may write: the text names file and offset (FORMAT.md,
// "At open"); only a failing disk may leave a part of the replay behind.
Opened<OpenedLog> open_committed(const std::string& folder, Store& store, const LogOptions& options = {});
// The same for a node's data folder, with its watermark. A folder of an earlier format is brought up to this.
Opened<OpenedLog> open_committed(DataFolder& folder, Store& store, LogOptions options = {});

// Whether the store is behind what `mark` knows. One at sequence 0 is not: somebody moved the old one away,
// and it is made again from the log.
Opened<void> check_store(const std::string& watermark, std::uint64_t applied, const Mark& mark);

// Before a clean stop, after the committer: the store is flushed and the watermark says so. An error costs
// nothing but the replay of the next start.
Result<void> close_committed(Log& log, Store& store);

struct Chain {
  std::uint64_t first = 0;  // sequences; 0 for an empty log
  std::uint64_t last = 0;
  std::uint64_t groups = 0;
  std::string hash;   // of the last group
  Mark mark;          // when a watermark was asked for
  bool torn = false;  // followed by the start of a group that nobody was answered
};

// Reads the whole log and checks every hash, sequence and mutation. For tools and tests; the node may be
// running (a group that is just being written counts as torn). With the path of a watermark the log is
// compared with that too.
Opened<Chain> verify_chain(const std::string& folder, LogFiles& files = real_files(),
                           const std::string& watermark = "");

}  // namespace idnode
