#include "resolver/app/key_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace idnode {
namespace {

constexpr std::size_t kMostKeyOctets = 65'536;

std::unexpected<OpenError> system_error(const std::string& path, const char* what, const char* advice) {
  const Errc code = errno == EEXIST ? Errc::kExists : errno == ENOENT ? Errc::kAbsent : Errc::kIo;
  return open_error(code, path + ": " + what + " (" + std::strerror(errno) + "); " + advice);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t n = ::write(fd, octets.data(), octets.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return fsync(fd) == 0;
}

// What names a new file must be on the disk too.
bool sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.get() >= 0 && fsync(fd.get()) == 0;
}

Opened<void> write_with(const std::string& path, std::string_view octets, unsigned mode, int flags) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, mode));
  if (fd.get() < 0)
    return system_error(path, "cannot be made", "move what is there, or check the permissions");
  if (fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), octets) || !sync_folder_of(path)) {
    return system_error(path, "cannot be written", "check the disk and its free space");
  }
  return {};
}

}  // namespace

std::string node_key_path(const std::string& data_folder) { return data_folder + "/node.pem"; }

Opened<crypto::PrivateKey> read_node_key(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    return system_error(
        path, "the node's key cannot be read",
        errno == ENOENT ? "restore it from a backup; after an interrupted 'idnode init' remove the folder "
                          "and run it again"
                        : "check its permissions");
  }
  struct stat status{};
  if (fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return open_error(Errc::kInvalid, path + ": the node's key is not a file; restore it from a backup");
  }
  if ((status.st_mode & 077) != 0) {
    return open_error(Errc::kRefused, path + ": the node's key can be read by group or others; chmod 600 " +
                                          path + " (and make a new one if it has been read)");
  }
  std::string text(kMostKeyOctets, '\0');
  const ssize_t n = ::read(fd.get(), text.data(), text.size());
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  auto key = crypto::PrivateKey::from_pem(text);
  if (!key) {
    return open_error(Errc::kMalformed, path + ": holds no private key in PKCS#8 PEM (" +
                                            std::string(name(key.error())) + "); restore it from a backup");
  }
  return std::move(*key);
}

Opened<void> write_new_file(const std::string& path, std::string_view octets, unsigned mode, bool replace) {
  return replace ? replace_file(path, octets, mode) : write_with(path, octets, mode, O_EXCL);
}

Opened<void> replace_file(const std::string& path, std::string_view octets, unsigned mode) {
  const std::string temporary = path + ".new";
  if (const auto written = write_with(temporary, octets, mode, O_TRUNC); !written) return written;
  if (std::rename(temporary.c_str(), path.c_str()) != 0 || !sync_folder_of(path)) {
    return system_error(path, "cannot be replaced", "check the disk and the permissions of its folder");
  }
  return {};
}

}  // namespace idnode
