// A node's storage, whole, on a simulated disk: log, watermark, RocksDB, committer, and what must be in it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "storage/commit/committer.h"
#include "storage/log/replay.h"
#include "storage/rocks_store.h"
#include "tests/storage/simulated_file_system.h"

namespace idnode::durability {

// A number of runs from the environment (CONTRIBUTING.md names them all).
int setting(const char* name, int otherwise);

struct Change {
  std::string name;
  std::string values;
  bool gone = false;
};

// One to six changes of a few records.
std::vector<Change> random_burst(std::mt19937_64& random);

// What was asked for, in the order of sequences, and how much of it was answered.
struct History {
  std::vector<Change> changes;
  std::uint64_t acked = 0;  // changes[0, acked) were answered as committed
};

class NodeOnDisk {
 public:
  NodeOnDisk(SimulatedDisk& disk, rocksdb::Env& env) : disk_(disk), env_(env) {}
  ~NodeOnDisk() { stop(); }

  // `first`: the watermark is made.
  Opened<void> open(bool first);
  // As if the process ended here: nothing is flushed.
  void stop();
  // Commits all in one group and notes in `history` what was answered; without kCommitted the changes stay at
  // its end, as what may or may not be there. While that is open nothing new is asked for.
  CommitStatus commit(const std::vector<Change>& burst, History& history);
  Result<void> flush() { return store_->flush(); }
  std::uint64_t applied() const { return store_->applied(); }
  bool read_only() const { return committer_->counters().read_only; }

  // After open(): takes what was not there out of `history`. The differences between the store and the
  // changes up to its sequence, and changes that were answered and are not there; "" for none.
  std::string settle(History& history) const;
  // While it runs: every record that was answered is there, or cannot be read and says so.
  std::string lies(const History& history) const;

  static constexpr const char* kLog = "data/log";
  static constexpr const char* kStore = "data/store";
  static constexpr const char* kMark = "data/WATERMARK";

 private:
  // kAgain: the commit thread waits for something to do.
  CommitStatus ask();

  SimulatedDisk& disk_;
  rocksdb::Env& env_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Committer> committer_;
};

}  // namespace idnode::durability
