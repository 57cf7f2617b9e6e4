// One line a request (BEHAVIOUR.md §14.3), or one JSON object. Workers never wait for it: each has a bounded
// lane of its own; what does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/address.h"
#include "protocol/result.h"
#include "resolver/logic/exchange.h"
#include "resolver/logic/settings.h"
#include "resolver/logic/source.h"
#include "resolver/net/clock.h"

namespace idnode {

// Views need to live only during the call.
struct AccessEntry {
  Endpoint peer;
  Transport transport = Transport::kTcp;
  std::uint8_t major = 0;  // the version that the client suggested
  std::uint8_t minor = 0;
  std::uint64_t ms = 0;  // since 1970: when the answer was ready
  std::uint32_t opcode = 0;
  std::uint32_t original_opcode = 0;  // of the request that was executed: another one for a challenge answer
  std::uint32_t code = 0;
  std::uint32_t took_ms = 0;
  std::string_view name;
  std::string_view identity_handle;  // tentative; empty: none
  std::uint32_t identity_index = 0;
};

// What a line says of one answer; the views are those of `record`.
AccessEntry access_entry(const Source& source, const ExchangeRecord& record, const Timing& timing);

// Appends the line with its end. The time is UTC.
void append_access_line(LogSettings::Format format, const AccessEntry& entry, std::string& out);

// A ring of octets with one writer (a worker) and one reader (the log's thread).
class AccessLane {
 public:
  explicit AccessLane(std::size_t octets, LogSettings::Format format);
  // Writer. True: a quarter is full now, so the reader should come.
  bool write(const AccessEntry& entry);
  // Reader: moves what is there to the end of `out`.
  void drain(std::string& out);
  std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::string ring_;
  LogSettings::Format format_;
  std::string line_;                    // writer's scratch
  std::atomic<std::uint64_t> head_{0};  // octets ever written
  std::atomic<std::uint64_t> tail_{0};  // octets ever read
  std::atomic<std::uint64_t> written_{0}, dropped_{0};
};

class AccessLog {
 public:
  struct Options {
    std::string path;
    LogSettings::Format format = LogSettings::Format::kJson;
    std::size_t lanes = 1;
    std::size_t lane_octets = std::size_t{1} << 20;
    std::chrono::milliseconds flush_interval{1'000};
  };
  // kIo when the file cannot be opened for appending; its folder is made when missing.
  static Result<std::unique_ptr<AccessLog>> open(Options options);
  // Writes what is there, then closes.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // On the worker that the lane is of. Wakes the log's thread when much is waiting: what one worker answers
  // from memory fills a lane within some hundredths of a second.
  void write(std::size_t worker, const AccessEntry& entry) {
    if (lanes_[worker]->write(entry)) wake(&AccessLog::filling_);
  }

  // Any thread: the file is opened anew by its name before the next line (after a rotation).
  void reopen();

  struct Counters {
    std::uint64_t written = 0, dropped = 0, failed_writes = 0;
  };
  Counters counters() const;

 private:
  AccessLog(Options options, int fd);
  void run();
  void wake(bool AccessLog::* why);
  void flush();
  void open_anew();

  Options options_;
  std::vector<std::unique_ptr<AccessLane>> lanes_;
  int fd_;
  std::string buffer_;  // thread_ only
  std::atomic<std::uint64_t> failed_writes_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool reopen_ = false;
  bool filling_ = false;
  std::thread thread_;
};

}  // namespace idnode
