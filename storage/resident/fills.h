// What readers read from the store and the memory tier had not: waits here for the commit thread, which alone
// writes the tier. Bounded; what does not fit is dropped or, for the loader, waits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace idnode {

// Where the write counter of a key's hash stood before the store was read.
struct FillTicket {
  std::uint64_t hash = 0;
  std::uint64_t counter = 0;
};

// One record as the tier keeps it.
struct Fill {
  FillTicket ticket;
  std::string key;
  std::string values;       // the public ones, encoded, in stored order
  std::uint32_t count = 0;  // of them
  bool whole = false;       // there are no others
  bool stub = false;        // too large, or nothing public: the store answers
  bool loads = false;       // of the loader: not to be forgotten
};

class Fills {
 public:
  static constexpr std::size_t kMost = 4'096;

  // Any thread. Dropped when there are kMost.
  void offer(Fill fill);
  // The loader: waits for room. False: closed.
  bool load(Fill fill);
  // Blocks until all that was put in before has been taken and settled; false: closed.
  bool drain();
  void close();

  // Commit thread: all that is there, into an empty `to`.
  void take(std::vector<Fill>& to);
  // What was taken last has been dealt with.
  void settle();

  // Called when the first fill arrives, so that take() is soon.
  void on_first(std::function<void()> wake);
  std::uint64_t dropped() const;

 private:
  void put(Fill&& fill, std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the loader
  std::function<void()> wake_;
  std::vector<Fill> waiting_;
  bool taken_ = false;
  bool closed_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace idnode
