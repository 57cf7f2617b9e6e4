#include "storage/resident/hash.h"

#include <bit>
#include <cstring>

namespace idnode {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
};

template <int kWordRounds, int kLastRounds>
std::uint64_t siphash(const HashKey& key, std::string_view octets) {
  // "somepseudorandomlygeneratedbytes", the constants of the paper.
  State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
  const auto mix = [&state](std::uint64_t word) {
    state.d ^= word;
    for (int i = 0; i < kWordRounds; ++i) state.round();
    state.a ^= word;
  };
  const std::uint64_t size = octets.size();
  for (; octets.size() >= 8; octets.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), 8);
    mix(word);
  }
  std::uint64_t last = 0;
  std::memcpy(&last, octets.data(), octets.size());
  mix(last | size << 56);
  state.c ^= 0xff;
  for (int i = 0; i < kLastRounds; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace

std::uint64_t siphash13(const HashKey& key, std::string_view octets) { return siphash<1, 3>(key, octets); }
std::uint64_t siphash24(const HashKey& key, std::string_view octets) { return siphash<2, 4>(key, octets); }

}  // namespace idnode
