// Loaded into the node with LD_PRELOAD by tests: the operating system's syncs as a bad disk would do them.
//
//   SYNC_SHIM=ignore   they do nothing and report success
//   SYNC_SHIM=fail     they fail with EIO while the file that SYNC_SHIM_TRIGGER names is there
//
// The product has no such switch.
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

enum class Fate { kReal, kIgnored, kFailed };

Fate fate() {
  static const char* const mode = std::getenv("SYNC_SHIM");
  static const char* const trigger = std::getenv("SYNC_SHIM_TRIGGER");
  if (mode == nullptr) return Fate::kReal;
  if (std::strcmp(mode, "ignore") == 0) return Fate::kIgnored;
  return trigger != nullptr && ::access(trigger, F_OK) == 0 ? Fate::kFailed : Fate::kReal;
}

// `name` is the system's own function; the arguments are passed on to it.
template <typename Function, typename... Arguments>
int decide(const char* name, Arguments... arguments) {
  switch (fate()) {
    case Fate::kIgnored: return 0;
    case Fate::kFailed: errno = EIO; return -1;
    case Fate::kReal: break;
  }
  // POSIX makes this cast work.
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name))(arguments...);
}

}  // namespace

// The names and signatures are the operating system's.
extern "C" {

int fsync(int fd) { return decide<int (*)(int)>("fsync", fd); }
int fdatasync(int fd) { return decide<int (*)(int)>("fdatasync", fd); }
int syncfs(int fd) noexcept { return decide<int (*)(int)>("syncfs", fd); }
// Without flags it only says that it is there.
int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
  if (flags == 0) return 0;
  return decide<int (*)(int, off64_t, off64_t, unsigned)>("sync_file_range", fd, offset, count, flags);
}
int msync(void* start, size_t size, int flags) {
  return decide<int (*)(void*, size_t, int)>("msync", start, size, flags);
}
void sync() noexcept {
  if (fate() == Fate::kReal) reinterpret_cast<void (*)()>(::dlsym(RTLD_NEXT, "sync"))();
}
}
