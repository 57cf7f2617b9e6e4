// The watermark: up to where the log is known to be on the disk, kept beside it (storage/log/FORMAT.md, "The
// watermark"). A log or a store that ends before it has lost something, however whole it looks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/log/file.h"
#include "storage/log/segment.h"
#include "storage/open_error.h"

namespace idnode {

// A lower bound, whatever happens to the machine: each part was on the disk before it was written here.
struct Mark {
  std::uint64_t sequence = 0;                       // the last of a synced group; 0: none
  std::string hash = std::string(kHashSize, '\0');  // of that group
  std::uint64_t store = 0;                          // the store was durable by itself up to here
};

// The open file. One thread at a time.
class Watermark {
 public:
  // Makes the file (kExists when it is there) and its name durable; `folder` is the one it is in.
  static Result<std::unique_ptr<Watermark>> create(LogFiles& files, const std::string& folder,
                                                   const std::string& path, const Mark& mark);
  // kAbsent; kCorrupt: no slot is whole; kNewerFormat. The texts say what to do.
  static Opened<std::unique_ptr<Watermark>> open(LogFiles& files, const std::string& path);

  const Mark& mark() const { return mark_; }
  // One write of at most 128 octets over the older slot, not synced: what is on the disk may be an older
  // mark. After an error the mark is what it was, and the next write goes to the same slot.
  Result<void> write(const Mark& mark);
  Result<void> sync() { return file_->sync(); }

 private:
  Watermark(std::unique_ptr<LogFile> file, Mark mark, std::uint64_t serial);

  std::unique_ptr<LogFile> file_;
  Mark mark_;
  std::uint64_t serial_;  // of mark_: the next goes to the other slot
  std::string slot_;
};

}  // namespace idnode
