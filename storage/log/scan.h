// Walks the groups of a log in order, checking how each follows on the one before. Reads only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/log/log.h"
#include "storage/open_error.h"

namespace idnode {

class LogScan {
 public:
  LogScan(LogFiles& files, std::string folder);

  // Lists the segments and stands before the one that holds `from` (or will), at latest `needed`, which must
  // not come before the oldest. Of the segments before, the ends are compared with the headers that follow on
  // them. Once, before next().
  Opened<void> begin(std::uint64_t needed, std::uint64_t from);
  Opened<void> begin(std::uint64_t needed) { return begin(needed, needed); }
  // Stands before the oldest segment.
  Opened<void> begin_oldest();
  // False at the end. The view lives until the next call.
  Opened<bool> next(GroupView& group);

  // The end of the last group met.
  const LogPosition& position() const { return position_; }

  // After the end: what was being written when the machine stopped.
  struct Torn {
    std::string path;
    std::uint64_t keep = 0;  // octets; 0: the segment is to be removed
    std::uint64_t size = 0;
  };
  const std::optional<Torn>& torn() const { return torn_; }
  // After the end: the newest whole segment ("" when there is none), its octets that count, and where in them
  // the last write began (its last group, or its header).
  const std::string& path() const { return path_; }
  std::string_view octets() const { return std::string_view(octets_).substr(0, size_); }
  std::uint64_t last_write() const { return last_write_; }

 private:
  Opened<void> list();
  Opened<void> stand_before(std::size_t segment);
  Opened<void> check_joint(std::size_t segment);
  Opened<void> load(std::size_t segment);
  Opened<bool> met(const GroupView& group);
  Opened<bool> met_torn();
  std::unexpected<OpenError> damaged(std::uint64_t offset, std::string_view problem) const;
  std::string path_of(std::size_t segment) const;

  LogFiles& files_;
  std::string folder_;
  std::vector<std::uint64_t> firsts_;
  std::size_t segment_ = 0;  // the next to load
  LogPosition position_;
  bool positioned_ = false;  // position_ is known: what comes must follow on it
  std::optional<Torn> torn_;
  std::string path_;
  std::string octets_;
  std::uint64_t size_ = 0;
  std::uint64_t last_write_ = 0;
  std::optional<GroupWalk> walk_;
};

}  // namespace idnode
