// The commit log of one node: hash-chained groups in segment files (storage/log/FORMAT.md). Made by
// open_committed() (storage/log/replay.h). One thread at a time, the commit thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/result.h"
#include "storage/log/file.h"
#include "storage/log/group.h"
#include "storage/log/segment.h"
#include "storage/log/watermark.h"

namespace idnode {

struct LogOptions {
  LogFiles* files = &real_files();  // must outlive the log
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::string watermark =
      "";  // its file (FORMAT.md, "The watermark"); "": none is kept, for tests and benchmarks
  bool watermark_may_be_missing = false;  // a folder from before there was one: it is made
};

// The end of the last group.
struct LogPosition {
  std::uint64_t sequence = 0;  // of its last mutation; 0: an empty log
  std::uint64_t time_ms = 0;
  std::string hash = std::string(kHashSize, '\0');
};

class Log {
 public:
  // `segment` is the newest one, whole, `size` octets; none for an empty log. `watermark` may be none.
  Log(std::string folder, const LogOptions& options, LogPosition position, std::unique_ptr<LogFile> segment,
      std::uint64_t size, std::unique_ptr<Watermark> watermark);

  // Appends a finished group that begins at position() and makes it durable. kNoSpace, kBusy (no
  // descriptor): nothing of it is there, the next call may do better. kIo: unknown whether it is there; this
  // log takes no more. kReadOnly: an earlier call failed with kIo.
  // `store_durable`: what Store::durable() says before it, for the watermark.
  Result<void> append(const GroupBuilder& group, std::uint64_t store_durable = 0);
  // Makes the watermark say where the log ends and up to where the store is durable, and syncs it.
  Result<void> settle(std::uint64_t store_durable);

  const LogPosition& position() const { return position_; }
  bool failed() const { return failed_; }
  Result<std::uint64_t> free_bytes() const { return files_.free_bytes(folder_); }

 private:
  Result<void> begin_segment();
  Result<void> give_up();
  Result<void> mark_end(std::uint64_t store_durable);

  std::string folder_;
  LogFiles& files_;
  std::uint64_t segment_bytes_;
  LogPosition position_;
  std::unique_ptr<LogFile> segment_;
  std::uint64_t size_;
  std::unique_ptr<Watermark> watermark_;
  std::uint64_t store_durable_ = 0;
  bool failed_ = false;
};

}  // namespace idnode
