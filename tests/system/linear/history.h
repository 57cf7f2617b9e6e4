// What clients saw of one identifier, and whether some order of single steps explains it (linearizability:
// every operation takes effect at one moment between its question and its answer).
//
// The search is Wing and Gong's with Lowe's memory of visited states: exponential in the number of
// operations that overlap, so a history should be of some hundred operations with few open ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace idnode::linear {

using Time = std::int64_t;                   // any monotonic unit
inline constexpr Time kOpen = INT64_MAX;     // nobody knows when, or whether, it took effect
inline constexpr std::uint32_t kAbsent = 0;  // state of an identifier without a record

enum class Kind : std::uint8_t { kCreate, kModify, kDelete, kRead };
enum class Outcome : std::uint8_t {
  kDone,     // changed, or read
  kRefused,  // create: there is one already; modify, delete, read: there is none
  kUnknown,  // no answer: done at some time from the question on, or never
};

struct Operation {
  Kind kind = Kind::kRead;
  std::uint32_t value = 0;  // written or read; never kAbsent
  Outcome outcome = Outcome::kDone;
  Time asked = 0;
  Time answered = kOpen;
};

using History = std::vector<Operation>;

// `start`: the value before the first operation. Operations may stand in any order.
bool linearizable(History history, std::uint32_t start = kAbsent);

// One line an operation, in the order of asking: for a failure's report.
std::string describe(const History& history);

}  // namespace idnode::linear
