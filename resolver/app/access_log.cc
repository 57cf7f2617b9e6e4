#include "resolver/app/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "resolver/app/log.h"

namespace idnode {
namespace {

std::string_view transport_text(Transport transport) {
  switch (transport) {
    case Transport::kUdp: return "UDP";
    case Transport::kTcp: return "TCP";
    case Transport::kHttp: return "HTTP";
  }
  return "";
}

// What would break a line into other columns, or into other lines.
void append_escaped(std::string_view text, std::string& out) {
  constexpr std::string_view kEscaped = "% \r\n&?#\"";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (kEscaped.find(c) != std::string_view::npos || octet < 0x20 || octet == 0x7f) {
      out += '%';
      out += kDigits[octet >> 4];
      out += kDigits[octet & 15];
    } else {
      out += c;
    }
  }
}

constexpr std::size_t kSecondsEnd = 19;  // "2026-01-01T00:04:05"
constexpr std::size_t kBetween = 10;     // the T

// The seconds' text; the calendar is asked once a second.
const std::array<char, kSecondsEnd>& seconds_text(std::uint64_t ms) {
  thread_local std::uint64_t second = ~std::uint64_t{0};
  thread_local std::array<char, kSecondsEnd> text{};
  if (second != ms / 1000) {
    second = ms / 1000;
    const std::string whole = utc_text(ms);
    std::copy_n(whole.begin(), kSecondsEnd, text.begin());
  }
  return text;
}

// What a line says before names of any length. Lines are made on the workers, so they are put together by
// hand, on the stack, and appended at once: a format string costs more than the whole resolution that the
// line is about.
class Head {
 public:
  Head& text(std::string_view v) {
    std::memcpy(octets_.data() + size_, v.data(), v.size());
    size_ += v.size();
    return *this;
  }

  Head& number(std::uint64_t v) {
    if (v < 10) {
      octets_[size_++] = static_cast<char>('0' + v);
    } else {
      char* const end = std::to_chars(octets_.data() + size_, octets_.data() + octets_.size(), v).ptr;
      size_ = static_cast<std::size_t>(end - octets_.data());
    }
    return *this;
  }

  // "2026-01-01T00:04:05.006Z", with `between` for the T.
  Head& time(std::uint64_t ms, char between) {
    const auto& seconds = seconds_text(ms);
    const std::size_t at = size_;
    text({seconds.data(), seconds.size()});
    octets_[at + kBetween] = between;
    const auto millis = static_cast<unsigned>(ms % 1000);
    const char rest[] = {'.', static_cast<char>('0' + millis / 100),
                         static_cast<char>('0' + millis / 10 % 10), static_cast<char>('0' + millis % 10),
                         'Z'};
    return text({rest, sizeof rest});
  }

  Head& address(const Address& v) {
    if (!v.is_v4()) return text(to_text(v));
    for (std::size_t i = 12; i < 16; ++i) {
      if (i != 12) text(".");
      number(v.octets[i]);
    }
    return *this;
  }

  Head& version(const AccessEntry& entry) { return number(entry.major).text(".").number(entry.minor); }

  std::string_view view() const { return {octets_.data(), size_}; }

 private:
  // More than twice the longest: an address of 45 octets, a time of 24, eight numbers and what is between.
  std::array<char, 512> octets_;
  std::size_t size_ = 0;
};

void append_number(std::uint64_t number, std::string& out) { out.append(Head().number(number).view()); }

void append_text_line(const AccessEntry& entry, std::string& out) {
  Head head;
  head.address(entry.peer.address).text(" ").text(transport_text(entry.transport)).text(":HDL(");
  head.version(entry).text(") \"").time(entry.ms, ' ').text("\" ").number(entry.opcode).text(" ");
  head.number(entry.code).text(" ").number(entry.took_ms).text("ms ");
  out.append(head.view());
  if (!entry.identity_handle.empty()) {
    out += "adm=";
    append_number(entry.identity_index, out);
    out += ':';
    append_escaped(entry.identity_handle, out);
  }
  out += ' ';
  append_escaped(entry.name.empty() ? "/" : entry.name, out);
  // The answer to a challenge names what it was for, so that administration can be audited.
  if (entry.original_opcode != entry.opcode) {
    out += " op=";
    append_number(entry.original_opcode, out);
    out += " hdl=";
    append_escaped(entry.name, out);
  }
  out += '\n';
}

void append_json_line(const AccessEntry& entry, std::string& out) {
  const bool v4 = entry.peer.address.is_v4();
  Head head;
  head.text(R"({"time":")").time(entry.ms, 'T').text(R"(","peer":")").text(v4 ? "" : "[");
  head.address(entry.peer.address).text(v4 ? ":" : "]:").number(entry.peer.port);
  head.text(R"(","transport":")").text(transport_text(entry.transport)).text(R"(","version":")");
  head.version(entry).text(R"(","opcode":)").number(entry.opcode).text(R"(,"code":)").number(entry.code);
  head.text(R"(,"ms":)").number(entry.took_ms);
  if (entry.original_opcode != entry.opcode) head.text(R"(,"op":)").number(entry.original_opcode);
  out.append(head.view());
  if (!entry.identity_handle.empty()) {
    out += R"(,"identity":")";
    append_number(entry.identity_index, out);
    out += ':';
    append_json(entry.identity_handle, out);
    out += '"';
  }
  out += R"(,"handle":")";
  append_json(entry.name, out);
  out += "\"}\n";
}

int open_for_append(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

}  // namespace

AccessEntry access_entry(const Source& source, const ExchangeRecord& record, const Timing& timing) {
  return {.peer = source.peer,
          .transport = source.transport,
          .major = record.suggested.major,
          .minor = record.suggested.minor,
          .ms = timing.ended_ms,
          .opcode = record.opcode,
          .original_opcode = record.original_opcode,
          .code = record.code,
          .took_ms = static_cast<std::uint32_t>(timing.took.count() / 1'000),
          .name = record.name,
          .identity_handle = record.identity_handle,
          .identity_index = record.identity_index};
}

void append_access_line(LogSettings::Format format, const AccessEntry& entry, std::string& out) {
  format == LogSettings::Format::kJson ? append_json_line(entry, out) : append_text_line(entry, out);
}

AccessLane::AccessLane(std::size_t octets, LogSettings::Format format)
    : ring_(octets, '\0'), format_(format) {}

bool AccessLane::write(const AccessEntry& entry) {
  line_.clear();
  append_access_line(format_, entry, line_);
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  const std::uint64_t used = head - tail_.load(std::memory_order_acquire);
  if (line_.size() > ring_.size() - used) {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return false;
  }
  const std::size_t at = head % ring_.size();
  const std::size_t first = std::min(line_.size(), ring_.size() - at);
  std::memcpy(ring_.data() + at, line_.data(), first);
  std::memcpy(ring_.data(), line_.data() + first, line_.size() - first);
  head_.store(head + line_.size(), std::memory_order_release);
  written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return used < ring_.size() / 4 && used + line_.size() >= ring_.size() / 4;
}

void AccessLane::drain(std::string& out) {
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t size = head_.load(std::memory_order_acquire) - tail;
  const std::size_t at = tail % ring_.size();
  const std::size_t first = std::min(size, ring_.size() - at);
  out.append(ring_.data() + at, first);
  out.append(ring_.data(), size - first);
  tail_.store(tail + size, std::memory_order_release);
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(Options options) {
  std::error_code ignored;
  const auto folder = std::filesystem::path(options.path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const int fd = open_for_append(options.path);
  if (fd < 0) return std::unexpected(Errc::kIo);
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(options), fd));
}

AccessLog::AccessLog(Options options, int fd) : options_(std::move(options)), fd_(fd) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options_.lanes); ++i) {
    lanes_.push_back(std::make_unique<AccessLane>(options_.lane_octets, options_.format));
  }
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  wake(&AccessLog::stop_);
  thread_.join();
  if (fd_ >= 0) close(fd_);
}

void AccessLog::reopen() { wake(&AccessLog::reopen_); }

void AccessLog::wake(bool AccessLog::* why) {
  {
    const std::lock_guard lock(mutex_);
    this->*why = true;
  }
  wake_.notify_one();
}

AccessLog::Counters AccessLog::counters() const {
  Counters sum;
  for (const auto& lane : lanes_) {
    sum.written += lane->written();
    sum.dropped += lane->dropped();
  }
  sum.failed_writes = failed_writes_.load(std::memory_order_relaxed);
  return sum;
}

void AccessLog::run() {
  for (;;) {
    bool stop = false;
    bool anew = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, options_.flush_interval, [this] { return stop_ || reopen_ || filling_; });
      filling_ = false;
      stop = stop_;
      anew = std::exchange(reopen_, false);
    }
    flush();
    if (anew) open_anew();
    if (stop) return;
  }
}

void AccessLog::flush() {
  buffer_.clear();
  for (const auto& lane : lanes_) lane->drain(buffer_);
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t n = fd_ < 0 ? -1 : ::write(fd_, rest.data(), rest.size());
    if (n < 0 && fd_ >= 0 && errno == EINTR) continue;
    if (n <= 0) {
      failed_writes_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

void AccessLog::open_anew() {
  const int fd = open_for_append(options_.path);
  if (fd < 0) {
    log_event(LogLevel::kWarning, "access log cannot be opened again; the old file is kept",
              {{"path", options_.path}, {"error", std::strerror(errno)}});
    return;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

}  // namespace idnode
