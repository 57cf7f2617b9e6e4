#include "storage/log/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace idnode {
namespace {

std::unexpected<Errc> system_error() {
  switch (errno) {
    case ENOSPC:
    case EDQUOT: return std::unexpected(Errc::kNoSpace);
    case ENOENT: return std::unexpected(Errc::kAbsent);
    case EEXIST: return std::unexpected(Errc::kExists);
    case EMFILE:
    case ENFILE: return std::unexpected(Errc::kBusy);
    default: return std::unexpected(Errc::kIo);
  }
}

Result<void> done(int rc) {
  if (rc == 0) return {};
  return system_error();
}

class RealFile final : public LogFile {
 public:
  explicit RealFile(int fd) : fd_(fd) {}
  ~RealFile() override { ::close(fd_); }

  Result<void> write(std::uint64_t offset, std::string_view octets) override {
    while (!octets.empty()) {
      const ssize_t n = ::pwrite(fd_, octets.data(), octets.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error();
      offset += static_cast<std::uint64_t>(n);
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t size) const override {
    std::string octets(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t n = ::pread(fd_, octets.data() + have, size - have, static_cast<off_t>(offset + have));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error();
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    octets.resize(have);
    return octets;
  }

  Result<std::uint64_t> size() const override {
    struct stat status = {};
    if (::fstat(fd_, &status) != 0) return system_error();
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> truncate(std::uint64_t size) override {
    return done(::ftruncate(fd_, static_cast<off_t>(size)));
  }

  Result<void> sync() override { return done(::fdatasync(fd_)); }

 private:
  int fd_;
};

Result<std::unique_ptr<LogFile>> open_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0640);
  if (fd < 0) return system_error();
  return std::make_unique<RealFile>(fd);
}

class RealFiles final : public LogFiles {
 public:
  Result<std::unique_ptr<LogFile>> create(const std::string& path) override {
    return open_file(path, O_CREAT | O_EXCL);
  }
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override { return open_file(path, 0); }
  Result<void> remove(const std::string& path) override { return done(::unlink(path.c_str())); }

  Result<void> make_folder(const std::string& path) override {
    if (::mkdir(path.c_str(), 0750) == 0 || errno == EEXIST) return {};
    return system_error();
  }

  Result<void> sync_folder(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error();
    const Result<void> synced = done(::fsync(fd));
    ::close(fd);
    return synced;
  }

  Result<std::vector<std::string>> list(const std::string& path) const override {
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) return system_error();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int failure = errno;
    ::closedir(folder);
    errno = failure;
    if (failure != 0) return system_error();
    std::ranges::sort(names);
    return names;
  }

  Result<std::uint64_t> free_bytes(const std::string& path) const override {
    struct statvfs disk = {};
    if (::statvfs(path.c_str(), &disk) != 0) return system_error();
    return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  }
};

}  // namespace

LogFiles& real_files() {
  static RealFiles files;
  return files;
}

}  // namespace idnode
