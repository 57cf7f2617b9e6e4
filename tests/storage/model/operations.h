// One run of the model test: operations as data, and the oracle they are checked against.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/store.h"

namespace idnode::model {

enum class Kind : std::uint8_t {
  kPut,      // create or modify, having read the right version
  kDelete,   // tombstone
  kStale,    // a put that has read another version
  kDelta,    // a counter and a put
  kBurst,    // several puts of few keys at once, each on the version the one before it leaves
  kFlush,    // the store writes its memory out
  kReopen,   // clean stop and start
  kCrash,    // the power fails between two groups
  kTorn,     // the power fails while a group is being written
  kFull,     // the disk is full for one group
  kBadSync,  // a sync fails: no writes until a restart
};

struct Operation {
  Kind kind = Kind::kPut;
  std::uint8_t key = 0;
  std::uint8_t counter = 0;
  std::int16_t amount = 0;
  std::uint16_t size = 0;    // of the values
  std::uint32_t random = 0;  // for whatever else is to be chosen
};

// Which store is under test; `wrap` may put something between it and the node.
struct Subject {
  bool rocks = false;
  std::function<std::unique_ptr<Store>(std::unique_ptr<Store>)> wrap;
};

// What a run came to: nothing when everything was as the oracle says, else the first difference.
struct Outcome {
  std::optional<std::string> difference;
  std::string contents;  // of the store at the end, without times
};
Outcome run(const std::vector<Operation>& operations, const Subject& subject);

}  // namespace idnode::model
