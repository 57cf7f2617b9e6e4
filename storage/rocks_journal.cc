#include "storage/rocks_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <utility>

namespace idnode {
namespace {

constexpr off_t kMost = off_t{4} << 20;

class Journal final : public rocksdb::Logger {
 public:
  explicit Journal(std::string path)
      : rocksdb::Logger(rocksdb::InfoLogLevel::INFO_LEVEL), path_(std::move(path)) {}
  ~Journal() override { close_file(); }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (path_.empty()) return;
    char line[1024];
    std::size_t size = stamp(line, sizeof line);
    const int wanted = std::vsnprintf(line + size, sizeof line - size - 1, format, arguments);
    if (wanted < 0) return;
    size = std::min(size + static_cast<std::size_t>(wanted), sizeof line - 2);
    if (line[size - 1] != '\n') line[size++] = '\n';
    write_line(line, size);
  }

 private:
  static std::size_t stamp(char* line, std::size_t room) {
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm parts = {};
    ::gmtime_r(&now.tv_sec, &parts);
    const std::size_t size = std::strftime(line, room, "%FT%T", &parts);
    return size + static_cast<std::size_t>(
                      std::snprintf(line + size, room - size, ".%03ldZ ", now.tv_nsec / 1'000'000));
  }

  void write_line(const char* line, std::size_t size) {
    std::lock_guard lock(mutex_);
    if (fd_ >= 0 && size_ > kMost) {
      close_file();
      std::rename(path_.c_str(), (path_ + ".old").c_str());
    }
    if (fd_ < 0) open_file();
    if (fd_ >= 0 && ::write(fd_, line, size) > 0) size_ += static_cast<off_t>(size);
  }

  void open_file() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    struct stat status = {};
    size_ = fd_ >= 0 && ::fstat(fd_, &status) == 0 ? status.st_size : 0;
  }

  void close_file() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  const std::string path_;
  std::mutex mutex_;
  int fd_ = -1;
  off_t size_ = 0;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_rocks_journal(const std::string& path) {
  return std::make_shared<Journal>(path);
}

}  // namespace idnode
