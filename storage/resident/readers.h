// Who is reading right now, so that memory is used again only when nobody can still look at it.
//
// A reader is inside only while it looks up and copies one record (some hundred nanoseconds). Memory that the
// index no longer leads to may be used again once every place has been seen without a reader: whoever enters
// later finds the new index. Places are shared by threads only when there are more threads than places.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>

namespace idnode {

class Readers {
 public:
  static constexpr std::size_t kPlaces = 64;

  // Marks the calling thread as reading for as long as it lives.
  class Inside {
   public:
    explicit Inside(const Readers& readers) : place_(readers.places_[mine()]) {
      place_.inside.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Inside() { place_.inside.fetch_sub(1, std::memory_order_release); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    friend class Readers;
    struct alignas(64) Place {
      mutable std::atomic<std::uint32_t> inside{0};
    };
    const Place& place_;
  };

  // Who may still be inside since a moment; starts with everybody. One thread.
  class Wait {
   public:
    // True once every place has been seen empty.
    bool over(const Readers& readers) {
      for (std::size_t i = 0; i < kPlaces; ++i) {
        if (!seen_[i] && readers.places_[i].inside.load(std::memory_order_seq_cst) == 0) seen_.set(i);
      }
      return seen_.all();
    }

   private:
    std::bitset<kPlaces> seen_;
  };

 private:
  static std::size_t mine() {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t place = next.fetch_add(1, std::memory_order_relaxed) % kPlaces;
    return place;
  }

  std::array<Inside::Place, kPlaces> places_;
};

}  // namespace idnode
