#include "tests/system/disks.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/system/node_process.h"

namespace idnode {
namespace {

// EXT4_IOC_SHUTDOWN with the flag that says: do not even write the journal.
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutJournal = 2;
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;
constexpr std::chrono::milliseconds kReleaseWait{10'000};

std::string trouble(const std::string& what) { return what + ": " + std::strerror(errno); }

class OpenFile {
 public:
  OpenFile(const std::string& path, int flags, mode_t mode = 0600)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool good() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_text(const char* path, const std::string& text) {
  OpenFile file(path, O_WRONLY);
  return file.good() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// A free loop device is only free until somebody else has taken it.
std::string attach(int image, std::uint64_t bytes, int& device) {
  OpenFile control("/dev/loop-control", O_RDWR);
  if (!control.good()) fail(trouble("/dev/loop-control"));
  for (int tries = 0; tries < 100; ++tries) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) fail(trouble("no free loop device"));
    const std::string path = "/dev/loop" + std::to_string(number);
    device = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (device < 0) fail(trouble(path));
    loop_config config = {};
    config.fd = static_cast<std::uint32_t>(image);
    config.info.lo_sizelimit = bytes;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // detached when the last user is gone
    if (::ioctl(device, LOOP_CONFIGURE, &config) == 0) return path;
    ::close(device);
    if (errno != EBUSY) fail(trouble(path));
    pause(std::chrono::milliseconds(5));
  }
  fail("every free loop device was taken by others");
}

bool has_loop(int image) {
  struct stat file = {};
  if (::fstat(image, &file) != 0) fail(trouble("image"));
  for (int number = 0;; ++number) {
    const std::string path = "/dev/loop" + std::to_string(number);
    OpenFile device(path, O_RDONLY);
    if (!device.good() && errno == ENOENT) return false;
    loop_info64 info = {};
    if (device.good() && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == file.st_ino)
      return true;
  }
}

}  // namespace

std::string enter_own_mounts() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return trouble("no mount namespace of its own");
  if (user != 0 && (!write_text("/proc/self/setgroups", "deny") ||
                    !write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") ||
                    !write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1")))
    return trouble("no user namespace of its own");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return trouble("mounts cannot be made private");
  return {};
}

std::string ext4_missing() {
  if (OpenFile control("/dev/loop-control", O_RDWR); !control.good()) return trouble("/dev/loop-control");
  try {
    Disk probe(DiskKind::kExt4, 16);
    probe.remount();
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

const char* name(DiskKind kind) { return kind == DiskKind::kTmpfs ? "tmpfs" : "ext4"; }

Disk::Disk(DiskKind kind, std::uint64_t megabytes) : kind_(kind), bytes_(megabytes * kMegabyte) {
  const auto temporary = std::filesystem::temp_directory_path();
  if (kind_ == DiskKind::kExt4) {
    std::string image = (temporary / "idnode-image-XXXXXX").string();
    image_ = ::mkostemp(image.data(), O_CLOEXEC);
    if (image_ < 0) fail(trouble(image));
    const bool made = ::ftruncate(image_, static_cast<off_t>(bytes_)) == 0 &&
                      std::system(("PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F -m 0 " + image).c_str()) == 0;
    ::unlink(image.c_str());
    if (!made) {
      ::close(image_);
      fail("mkfs.ext4 does not work");
    }
  }
  path_ = (temporary / "idnode-disk-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) fail(trouble(path_));
  try {
    mount();
  } catch (...) {
    if (image_ >= 0) ::close(image_);
    ::rmdir(path_.c_str());
    throw;
  }
}

Disk::~Disk() {
  ::umount2(path_.c_str(), MNT_DETACH);
  ::rmdir(path_.c_str());
  if (image_ >= 0) ::close(image_);
}

void Disk::mount() {
  if (kind_ == DiskKind::kTmpfs) {
    const std::string options = "mode=0755,size=" + std::to_string(bytes_);
    if (::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) != 0) fail(trouble("tmpfs"));
    return;
  }
  int device = -1;
  const std::string name = attach(image_, bytes_, device);
  const int mounted = ::mount(name.c_str(), path_.c_str(), "ext4", 0, nullptr);
  const std::string why = trouble("mount of an ext4");
  ::close(device);
  if (mounted != 0) fail(why);
}

void Disk::unmount() {
  wait_until([&] { return ::umount2(path_.c_str(), 0) == 0 || errno != EBUSY; }, kReleaseWait, "umount");
  if (std::filesystem::exists(path_ + "/lost+found")) fail("the disk is still there");
}

void Disk::sync() {
  OpenFile root(path_, O_RDONLY | O_DIRECTORY);
  if (!root.good() || ::syncfs(root.get()) != 0) fail(trouble("syncfs"));
}

void Disk::cut_power() {
  OpenFile root(path_, O_RDONLY | O_DIRECTORY);
  std::uint32_t how = kWithoutJournal;
  if (!root.good() || ::ioctl(root.get(), kShutdown, &how) != 0) fail(trouble("the shutdown of the disk"));
}

void Disk::remount() {
  unmount();
  mount();
}

void Disk::take_away() {
  unmount();
  if (image_ >= 0) wait_until([&] { return !has_loop(image_); }, kReleaseWait, "the loop device to be free");
}

std::uint64_t Disk::free_bytes() const {
  struct statvfs disk = {};
  if (::statvfs(path_.c_str(), &disk) != 0) fail(trouble(path_));
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::uint64_t Disk::used_bytes() const {
  struct statvfs disk = {};
  if (::statvfs(path_.c_str(), &disk) != 0) fail(trouble(path_));
  return std::uint64_t{disk.f_blocks - disk.f_bfree} * disk.f_frsize;
}

void Disk::fill(std::uint64_t leave) {
  static const std::string block(4'096, 'b');
  OpenFile file(ballast(), O_WRONLY | O_CREAT | O_APPEND);
  if (!file.good()) fail(trouble(ballast()));
  // The file system reserves what is written at once, so what is left is asked again and again.
  while (free_bytes() > leave) {
    if (::write(file.get(), block.data(), block.size()) <= 0) {
      if (errno == ENOSPC) return;
      fail(trouble(ballast()));
    }
  }
}

void Disk::drop_ballast() {
  if (::unlink(ballast().c_str()) != 0) fail(trouble(ballast()));
}

std::uint64_t allocated_bytes(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat status = {};
    if (::lstat(entry.path().c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace idnode
