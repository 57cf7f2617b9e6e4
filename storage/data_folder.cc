#include "storage/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

#include "storage/log/file.h"
#include "storage/log/watermark.h"

namespace idnode {
namespace {

constexpr std::string_view kFolded = "folded\n";
constexpr std::string_view kExact = "exact\n";

std::unexpected<OpenError> unusable(const std::string& path, Errc code) {
  return open_error(code, path + ": cannot be used (" + std::string(name(code)) +
                              "); check that it is a folder that this user may write to");
}

Result<std::string> read_stamp(const std::string& path) {
  auto file = real_files().open(path);
  if (!file) return std::unexpected(file.error());
  return (*file)->read(0, 64);
}

Result<void> write_stamp(const std::string& path, std::string_view text) {
  auto file = real_files().create(path);
  if (!file) return std::unexpected(file.error());
  if (const auto written = (*file)->write(0, text); !written) return written;
  return (*file)->sync();
}

Opened<unsigned> read_format(const std::string& path) {
  const std::string file = path + "/FORMAT";
  const auto text = read_stamp(file);
  if (!text && text.error() == Errc::kAbsent) {
    return open_error(Errc::kAbsent, path + ": not a data folder yet; make one with 'idnode init'");
  }
  if (!text) return unusable(file, text.error());
  unsigned format = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), format);
  const std::string_view rest(end, static_cast<std::size_t>(text->data() + text->size() - end));
  if (error == std::errc::result_out_of_range || (error == std::errc() && format > kDataFormat)) {
    return open_error(Errc::kNewerFormat,
                      file +
                          ": written by a later version; start that version (this one knows "
                          "format " +
                          std::to_string(kDataFormat) + ")");
  }
  if (error != std::errc() || format == 0 || (rest != "" && rest != "\n")) {
    return open_error(Errc::kCorrupt,
                      file + ": does not hold a format version; is this a data folder of idnode?");
  }
  return format;
}

Opened<void> check_case(const std::string& path, bool case_sensitive) {
  const std::string file = path + "/CASE";
  const auto text = read_stamp(file);
  if (!text) return unusable(file, text.error());
  if (*text != kFolded && *text != kExact) {
    return open_error(Errc::kCorrupt,
                      file + ": holds neither 'folded' nor 'exact'; restore it from a backup");
  }
  if ((*text == kExact) != case_sensitive) {
    return open_error(Errc::kInvalid,
                      path + ": was made with case_sensitive = " + (case_sensitive ? "false" : "true") +
                          "; set it so, or import the records into a new folder");
  }
  return {};
}

}  // namespace

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), format_(other.format_) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Opened<DataFolder> DataFolder::lock(const std::string& path) {
  const std::string file = path + "/LOCK";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return open_error(Errc::kIo, file + ": " + std::strerror(errno) + "; check the permissions");
  DataFolder folder(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return folder;
  if (errno != EWOULDBLOCK)
    return open_error(Errc::kIo, file + ": cannot be locked: " + std::strerror(errno));
  return open_error(Errc::kBusy, path + ": in use by another process; stop it first");
}

Opened<DataFolder> DataFolder::create(const std::string& path, bool case_sensitive) {
  LogFiles& files = real_files();
  if (const auto made = files.make_folder(path); !made) return unusable(path, made.error());
  const auto names = files.list(path);
  if (!names) return unusable(path, names.error());
  for (const std::string& found : *names) {
    // A lock, a case stamp, a watermark and an empty format stamp are what an interrupted create leaves.
    if (found == "FORMAT" && read_stamp(path + "/FORMAT") != "") {
      return open_error(Errc::kExists, path + ": is a data folder already");
    }
    if (found != "LOCK" && found != "CASE" && found != "WATERMARK" && found != "FORMAT") {
      return open_error(Errc::kExists,
                        path + ": is not empty (" + found + "); name an empty or a new folder");
    }
  }
  Opened<DataFolder> folder = lock(path);
  if (!folder) return folder;
  for (const char* stamp : {"/CASE", "/WATERMARK", "/FORMAT"}) {
    const auto removed = files.remove(path + stamp);
    if (!removed && removed.error() != Errc::kAbsent) return unusable(path, removed.error());
  }
  Result<void> stamped = write_stamp(path + "/CASE", case_sensitive ? kExact : kFolded);
  if (stamped) {
    const auto watermark = Watermark::create(files, path, folder->watermark(), {});
    if (!watermark) stamped = std::unexpected(watermark.error());
  }
  if (stamped) stamped = write_stamp(path + "/FORMAT", std::to_string(kDataFormat) + "\n");
  if (stamped) stamped = files.sync_folder(path);
  if (!stamped) return unusable(path, stamped.error());
  return folder;
}

Opened<DataFolder> DataFolder::open(const std::string& path, bool case_sensitive) {
  const auto format = read_format(path);
  if (!format) return std::unexpected(format.error());
  if (const auto same = check_case(path, case_sensitive); !same) return std::unexpected(same.error());
  Opened<DataFolder> folder = lock(path);
  if (folder) folder->format_ = *format;
  return folder;
}

Opened<void> DataFolder::raise_format() {
  if (format_ == kDataFormat) return {};
  const std::string stamp = path_ + "/FORMAT";
  const std::string fresh = stamp + ".new";
  LogFiles& files = real_files();
  if (const auto removed = files.remove(fresh); !removed && removed.error() != Errc::kAbsent)
    return unusable(fresh, removed.error());
  Result<void> done = write_stamp(fresh, std::to_string(kDataFormat) + "\n");
  if (done && std::rename(fresh.c_str(), stamp.c_str()) != 0) done = std::unexpected(Errc::kIo);
  if (done) done = files.sync_folder(path_);
  if (!done) return unusable(stamp, done.error());
  format_ = kDataFormat;
  return {};
}

}  // namespace idnode
