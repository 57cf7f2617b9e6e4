// The requests of a run, encoded once: one slot of equal size for each, so that the next one is found without
// a look-up and its octets can be fetched from memory before they are needed.
#pragma once

#include <cstdint>
#include <string_view>

#include "bench/load/names.h"

namespace idnode::load {

enum class Payload : std::uint8_t { kHandle, kDns };

struct Question {
  std::string_view frame;  // as it is sent, but for the request id
  std::string_view name;   // part of it: what the answer must repeat (DNS: name, type and class)
};

class Questions {
 public:
  // Throws Stop when a name cannot be asked for.
  Questions(const Names& names, Payload payload);
  ~Questions();
  Questions(const Questions&) = delete;
  Questions& operator=(const Questions&) = delete;

  std::uint64_t count() const { return count_; }
  Question operator[](std::uint32_t i) const {
    const char* slot = octets_ + i * stride_;
    const Head* head = reinterpret_cast<const Head*>(slot);
    const char* frame = slot + sizeof(Head);
    return {{frame, head->frame_size}, {frame + head->name_at, head->name_size}};
  }
  void fetch(std::uint32_t i) const {
    const char* slot = octets_ + i * stride_;
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + 64);
  }

 private:
  struct Head {
    std::uint16_t frame_size;
    std::uint16_t name_at;
    std::uint16_t name_size;
    std::uint16_t unused;
  };

  std::uint64_t count_;
  std::size_t stride_;
  std::size_t mapped_;
  char* octets_;
};

}  // namespace idnode::load
