// The data folder of one node:
//
//   FORMAT   format version, one decimal number and a line feed
//   WATERMARK   up to where the log was synced (storage/log/FORMAT.md); from format 2 on
//   CASE     "folded" or "exact": how suffixes are compared, stamped when the folder is made
//   LOCK     held by the process that uses the folder
//   log/     the commit log (storage/log/FORMAT.md)
//   store/   RocksDB
//   store.log, store.log.old   RocksDB's messages
#pragma once

#include <string>

#include "storage/open_error.h"

namespace idnode {

inline constexpr unsigned kDataFormat = 2;
inline constexpr unsigned kWatermarkFormat = 2;  // the first with a watermark

class DataFolder {
 public:
  // Makes the folder (its parent must be there) and its stamps, and locks it. kExists when it is a data
  // folder already, or holds anything else.
  static Opened<DataFolder> create(const std::string& path, bool case_sensitive);
  // Locks an existing one. kAbsent: not initialised. kNewerFormat. kBusy: another process has it.
  // kInvalid: made with the other case setting. One of an earlier format keeps it until raise_format().
  static Opened<DataFolder> open(const std::string& path, bool case_sensitive);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  // Unlocks.
  ~DataFolder();

  const std::string& path() const { return path_; }
  unsigned format() const { return format_; }
  // Stamps this version's format, after everything that it asks for is there. Nothing to do: no write.
  Opened<void> raise_format();
  std::string watermark() const { return path_ + "/WATERMARK"; }
  std::string log() const { return path_ + "/log"; }
  std::string store() const { return path_ + "/store"; }
  std::string store_journal() const { return path_ + "/store.log"; }

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  static Opened<DataFolder> lock(const std::string& path);

  std::string path_;
  int lock_;
  unsigned format_ = kDataFormat;
};

}  // namespace idnode
