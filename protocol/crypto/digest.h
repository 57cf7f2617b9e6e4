// Message digests. Pure computation, callable from any thread.
//
// A digest of octets in memory cannot fail unless the library itself is broken (out of memory, no such
// algorithm in the installation): that throws std::runtime_error and is no answer to a peer.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace idnode::crypto {

// The first three numbers are those of the wire (protocol/handle/WIRE.md §15). MD5 and SHA-1 are here for
// site hashing and for old protocol versions; whether a proof may use them is decided where it is checked.
enum class Digest : std::uint8_t { kMd5 = 1, kSha1 = 2, kSha256 = 3, kSm3 = 4 };

// Octets of a result: 16, 20, 32, 32.
std::size_t digest_size(Digest d);

std::string digest(Digest d, std::string_view data);
// Of the parts one after the other, without putting them together.
std::string digest(Digest d, std::initializer_list<std::string_view> parts);

// An incremental SHA-256 that allocates nothing, ever: a value of some hundred octets. One thread at a time.
class Sha256 {
 public:
  static constexpr std::size_t kSize = 32;

  Sha256() { start(); }

  void add(std::string_view data);
  // Writes the 32 octets to `to` and starts afresh.
  void finish(char* to);

 private:
  void start();
  alignas(8) std::array<unsigned char, 112> state_;
};

}  // namespace idnode::crypto
