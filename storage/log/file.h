// Every operation of the log on the disk goes through here: the real files, and in tests ones that fail,
// forget or fill up.
//
// Errors: kNoSpace for ENOSPC and EDQUOT, kAbsent, kExists, kBusy when descriptors ran out, kIo for
// everything else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace idnode {

// One open file. One thread at a time.
class LogFile {
 public:
  virtual ~LogFile() = default;
  // Writes all of `octets` at `offset`. After an error any part of them may be there.
  virtual Result<void> write(std::uint64_t offset, std::string_view octets) = 0;
  // Reads up to `size` octets; fewer only at the end of the file.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t size) const = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  // What was written is on the disk (fdatasync). After an error nothing is known about it, for ever.
  virtual Result<void> sync() = 0;
};

class LogFiles {
 public:
  virtual ~LogFiles() = default;
  virtual Result<std::unique_ptr<LogFile>> create(const std::string& path) = 0;  // kExists when there
  virtual Result<std::unique_ptr<LogFile>> open(const std::string& path) = 0;    // to read and write
  virtual Result<void> remove(const std::string& path) = 0;
  // No error when it is there; parents must be.
  virtual Result<void> make_folder(const std::string& path) = 0;
  // Names and removals in `path` are on the disk.
  virtual Result<void> sync_folder(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) const = 0;  // names, sorted
  // Octets that may still be written to the disk of `path`.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) const = 0;
};

// The operating system's. Lives for ever, any thread.
LogFiles& real_files();

}  // namespace idnode
