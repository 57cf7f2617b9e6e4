// Small disks that a test may fill up and cut the power of, in a mount namespace of its own: whatever becomes
// of the test, its mounts and loop devices go away with its last process.
#pragma once

#include <cstdint>
#include <string>

namespace idnode {

// Puts this process into a mount namespace of its own; call it before any thread is started. Empty when that
// worked, otherwise why it did not. Without root it takes a user namespace, where only tmpfs can be mounted.
std::string enter_own_mounts();
// Why no ext4 can be mounted from a file here; empty when it can. After enter_own_mounts().
std::string ext4_missing();

enum class DiskKind { kTmpfs, kExt4 };
const char* name(DiskKind kind);

// Mounted while it lives. Whatever goes wrong throws std::runtime_error.
class Disk {
 public:
  Disk(DiskKind kind, std::uint64_t megabytes);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  const std::string& path() const { return path_; }
  // Everything that was written is on the disk.
  void sync();
  // ext4: from now on nothing reaches the disk any more, and what was not synced is gone.
  void cut_power();
  // ext4: takes the disk away and brings it back with what is on it. Nobody may use it.
  void remount();
  // Takes it away for good; throws when a loop device stays behind. The last call.
  void take_away();

  std::uint64_t free_bytes() const;
  std::uint64_t used_bytes() const;
  // Fills the disk until no more than so many octets are left; adds to earlier ballast.
  void fill(std::uint64_t leave);
  void drop_ballast();

 private:
  void mount();
  void unmount();
  std::string ballast() const { return path_ + "/ballast"; }

  DiskKind kind_;
  std::uint64_t bytes_;
  std::string path_;
  int image_ = -1;  // the file behind an ext4; it has no name
};

// Allocated octets of all files below `folder`.
std::uint64_t allocated_bytes(const std::string& folder);

}  // namespace idnode
