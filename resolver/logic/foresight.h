// Messages that have arrived together wait for memory together: the memory tier fetches what the look-ups of
// all of them will touch, so that their cache misses overlap instead of following each other. A hint: nothing
// is looked up or decided here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "resolver/logic/services.h"

namespace idnode {

class Foresight {
 public:
  // A message that will be executed soon and stays until fetch(). More than kMost are passed over.
  void expect(std::string_view message) {
    if (count_ < kMost) messages_[count_++] = message;
  }
  // After the last of them. One alone has nobody to wait with.
  void fetch(const Services& services);

 private:
  static constexpr std::size_t kMost = 128;
  std::array<std::string_view, kMost> messages_;
  std::size_t count_ = 0;
  std::string key_;
};

}  // namespace idnode
