// Mutations on their way to the commit thread, in the log's form, with what is to be told about each.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/commit/mutation.h"

namespace idnode {

enum class CommitStatus {
  kCommitted,  // durable and visible
  kAgain,      // a read has moved: decide again on the new state
  kCeiling,    // a delta would pass its ceiling
  kBusy,       // the queue is full; nothing was queued
  kNoSpace,    // refused by the low-water mark or ENOSPC; nothing is written
  kReadOnly,   // an earlier sync failed: no writes until a restart
  kUnknown,    // the disk failed while this was on its way: it may or may not be there after a restart
};

struct CommitResult {
  CommitStatus status = CommitStatus::kUnknown;
  std::uint64_t sequence = 0;  // of this mutation; only when committed
  std::uint64_t time_ms = 0;   // stamped commit time
};

// Called exactly once for each submitted mutation, on the commit thread (or on the submitting one for kBusy
// and kReadOnly). Must not block.
using CommitDone = std::move_only_function<void(const CommitResult&)>;

struct CommitItem {
  std::size_t at = 0;  // of the mutation in its batch's octets
  std::size_t size = 0;
  std::uint64_t as_of = 0;
  CommitDone done;
  CommitResult result;

  // What it takes in memory, about.
  std::size_t bytes() const { return sizeof *this + size; }
};

// One thread at a time fills it; then it belongs to the committer.
struct CommitBatch {
  // Keeps a copy of `mutation`, whose reads and writes name keys of the tables kRecords and kHomed only and
  // whose images are made by storage/record.h: anything else throws std::invalid_argument.
  void add(const Mutation& mutation, CommitDone done);
  std::span<char> mutation(const CommitItem& item) { return std::span(octets).subspan(item.at, item.size); }

  std::string octets;  // the mutations, one after the other
  std::vector<CommitItem> items;
  std::chrono::steady_clock::time_point submitted;
};
using CommitBatches = std::vector<std::shared_ptr<CommitBatch>>;

}  // namespace idnode
