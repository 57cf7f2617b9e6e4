// What one connection has asked and not yet got an answer to. A ring by request id: ids are given in order,
// so an entry that is still there when its place comes again has been waiting for the whole ring, and counts
// as lost.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace idnode::load {

struct UnderWay {
  std::uint32_t id = 0;
  std::uint32_t key = 0;
  std::uint64_t since_ns = 0;  // when it was sent, or, in an open loop, when it was due; 0: nothing here
};

class Window {
 public:
  // Ids are `first_id` and following, cut by `id_mask`; at least `room` may be under way.
  Window(std::size_t room, std::uint32_t first_id, std::uint32_t id_mask)
      : ring_(std::bit_ceil(room)), next_(first_id), id_mask_(id_mask) {}

  std::uint32_t add(std::uint32_t key, std::uint64_t since_ns) {
    const std::uint32_t id = next_++ & id_mask_;
    UnderWay& place = ring_[id & (ring_.size() - 1)];
    if (place.since_ns != 0)
      ++lost_;
    else
      ++size_;
    place = {id, key, since_ns};
    return id;
  }
  // Takes it out; false when nothing of that id is under way.
  bool take(std::uint32_t id, UnderWay& out) {
    UnderWay& place = ring_[id & (ring_.size() - 1)];
    if (place.since_ns == 0 || place.id != id) return false;
    out = place;
    place.since_ns = 0;
    --size_;
    return true;
  }
  // Gives up on everything older; how many.
  std::size_t expire(std::uint64_t before_ns) {
    std::size_t n = 0;
    for (UnderWay& place : ring_) {
      if (place.since_ns == 0 || place.since_ns >= before_ns) continue;
      place.since_ns = 0;
      ++n;
    }
    size_ -= n;
    lost_ += n;
    return n;
  }
  std::size_t size() const { return size_; }
  std::uint64_t take_lost() { return std::exchange(lost_, 0); }

 private:
  std::vector<UnderWay> ring_;
  std::size_t size_ = 0;
  std::uint64_t lost_ = 0;
  std::uint32_t next_;
  std::uint32_t id_mask_;
};

}  // namespace idnode::load
