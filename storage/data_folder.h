// The data folder of one node:
//
//   FORMAT   format version, one decimal number and a line feed
//   CASE     "folded" or "exact": how suffixes are compared, stamped when the folder is made
//   LOCK     held by the process that uses the folder
//   log/     the commit log (storage/log/FORMAT.md)
//   store/   RocksDB
//   store.log, store.log.old   RocksDB's messages
#pragma once

#include <string>

#include "storage/open_error.h"

namespace idnode {

inline constexpr unsigned kDataFormat = 1;

class DataFolder {
 public:
  // Makes the folder (its parent must be there) and its stamps, and locks it. kExists when it is a data
  // folder already, or holds anything else.
  static Opened<DataFolder> create(const std::string& path, bool case_sensitive);
  // Locks an existing one. kAbsent: not initialised. kNewerFormat. kBusy: another process has it.
  // kInvalid: made with the other case setting.
  static Opened<DataFolder> open(const std::string& path, bool case_sensitive);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  // Unlocks.
  ~DataFolder();

  const std::string& path() const { return path_; }
  std::string log() const { return path_ + "/log"; }
  std::string store() const { return path_ + "/store"; }
  std::string store_journal() const { return path_ + "/store.log"; }

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  static Opened<DataFolder> lock(const std::string& path);

  std::string path_;
  int lock_;
};

}  // namespace idnode
