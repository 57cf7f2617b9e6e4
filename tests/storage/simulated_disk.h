// A disk in memory for log and store (tests/storage/simulated_file_system.h): knows what is synced, loses the
// rest when the power fails, and fails on demand. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "storage/log/file.h"

namespace idnode {

// An operation that changes the disk.
enum class DiskOperation { kCreate, kWrite, kTruncate, kSync, kRemove, kRename, kSyncFolder };

class SimulatedDisk final : public LogFiles {
 public:
  struct Fault {
    Errc error = Errc::kIo;
    std::size_t written = 0;  // octets of a write that get there before it fails
  };
  // Called before each changing operation with its running number from 1; a fault stops it.
  using Plan = std::function<std::optional<Fault>(std::uint64_t number, DiskOperation operation)>;

  void plan(Plan plan);
  // The same, told the path too.
  using PathPlan = std::function<std::optional<Fault>(std::uint64_t number, DiskOperation operation,
                                                      const std::string& path)>;
  void plan_paths(PathPlan plan);
  void heal() { plan({}); }
  std::uint64_t operations() const;
  // Octets that all files together may take; more is kNoSpace after a part was written.
  void capacity(std::uint64_t octets);

  // The power fails: what was not synced is gone, but for a part of each file's last writes that `keep` says
  // (given how many octets of growth were not synced). Open files fail from now on until they are opened
  // again.
  void cut_power(const std::function<std::size_t(std::size_t)>& keep);
  // The same, but each file, sector and name that was not synced has a fate of its own, drawn from `seed`:
  // any part of a growth is kept, a sector of 512 octets written over is the old or the new one, a cut may
  // not have happened, and half the time no name that its folder did not sync is there (or gone).
  void cut_power(std::uint64_t seed);
  // Syncs of files whose path contains `part` say that they went well and do nothing.
  void ignore_syncs(std::string part);
  // A process dies: what it wrote stays. Open files fail from now on.
  void kill_process();

  // The octets of all files, as a process sees them.
  std::map<std::string, std::string> files() const;
  void put(const std::string& path, const std::string& octets);  // synced

  Result<std::unique_ptr<LogFile>> create(const std::string& path) override;
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to);  // over what is there
  Result<void> make_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) const override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;

 private:
  friend class SimulatedFile;
  struct Inode {
    std::string now;
    std::string synced;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  std::optional<Fault> fault(DiskOperation operation, const std::string& path);
  bool ignored(const std::string& path) const;
  std::uint64_t used() const;

  mutable std::mutex mutex_;
  Names names_;
  Names synced_names_;
  PathPlan plan_;
  std::string ignored_;
  std::uint64_t operations_ = 0;
  std::uint64_t capacity_ = ~std::uint64_t{0};
  std::uint64_t life_ = 0;  // files of an earlier life are dead
};

}  // namespace idnode
