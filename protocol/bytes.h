// One bounded reader and one writer for every structure that goes over the wire or to the disk.
//
// Octets are std::string (owned) and std::string_view (borrowed) throughout the project: names, texts, keys
// and RocksDB slices are all the same thing. Integers are big-endian and unsigned (WIRE.md, "Primitives").
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode {

// Reads `in` from the front. The first failure sticks: later reads return zero or empty, so a decoder reads
// straight down and asks ok() once. Views that are handed out point into `in` and live as long as it does.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}

  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint16_t u16() { return number<std::uint16_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  // int4 length, then that many octets. A length above the octets that are left fails, whatever its top bit.
  std::string_view bytes() { return take(u32()); }
  // Exactly `n` octets.
  std::string_view take(std::size_t n) {
    if (!ok_ || n > left()) {
      fail(Errc::kTruncated);
      return {};
    }
    const std::string_view v(in_.data() + pos_, n);
    pos_ += n;
    return v;
  }
  // Everything that is left.
  std::string_view rest() { return take(left()); }
  // int4 count of a list whose elements take at least `smallest` octets each; fails when they cannot all be
  // there, so that nothing is reserved for a count that lies.
  std::uint32_t count(std::size_t smallest);

  void fail(Errc e = Errc::kMalformed);
  bool ok() const { return ok_; }
  // Why it failed; only meaningful when !ok().
  Errc error() const { return error_; }
  bool at_end() const { return pos_ == in_.size(); }
  std::size_t left() const { return in_.size() - pos_; }
  std::size_t position() const { return pos_; }
  // The octets between an earlier position() and this one; empty once a read has failed.
  std::string_view since(std::size_t position) const {
    return ok_ ? in_.substr(position, pos_ - position) : std::string_view{};
  }

 private:
  template <class T>
  T number() {
    const std::string_view octets = take(sizeof(T));
    if (octets.empty()) return 0;
    T v = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      v = static_cast<T>((std::uint64_t{v} << 8) | static_cast<std::uint8_t>(octets[i]));
    return v;
  }

  std::string_view in_;
  std::size_t pos_ = 0;
  bool ok_ = true;
  Errc error_ = Errc::kTruncated;
};

// Appends to `out`, which must outlive the writer. What stood in `out` before stays.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v);
  void u32(std::uint32_t v);
  void u64(std::uint64_t v);
  void raw(std::string_view v) { out_.append(v); }
  // int4 length, then the octets.
  void bytes(std::string_view v);
  // Keeps four octets for a number that is known later; returns their position for patch_u32.
  std::size_t reserve_u32();
  void patch_u32(std::size_t position, std::uint32_t v);
  std::size_t size() const { return out_.size(); }

 private:
  std::string& out_;
};

// Writes `v` to `at`, sizeof(T) octets.
template <class T>
void put_big_endian(char* at, T v) {
  if constexpr (std::endian::native == std::endian::little) v = std::byteswap(v);
  std::memcpy(at, &v, sizeof v);
}

// Fills memory that the caller knows to be large enough, front to back.
class Filler {
 public:
  explicit Filler(char* at) : at_(at) {}

  void u8(std::uint8_t v) { put(v); }
  void u32(std::uint32_t v) { put(v); }
  void u64(std::uint64_t v) { put(v); }
  void raw(std::string_view v) {
    if (!v.empty()) std::memcpy(at_, v.data(), v.size());
    at_ += v.size();
  }
  void bytes(std::string_view v) {
    u32(static_cast<std::uint32_t>(v.size()));
    raw(v);
  }

 private:
  template <class T>
  void put(T v) {
    put_big_endian(at_, v);
    at_ += sizeof v;
  }

  char* at_;
};

// `N` octets at most, for structures whose size is known: put together on the stack, appended at once.
template <std::size_t N>
class Block {
 public:
  void u8(std::uint8_t v) { octets_[size_++] = static_cast<char>(v); }
  void u16(std::uint16_t v) { put(v); }
  void u32(std::uint32_t v) { put(v); }
  std::string_view view() const { return {octets_.data(), size_}; }

 private:
  template <class T>
  void put(T v) {
    put_big_endian(octets_.data() + size_, v);
    size_ += sizeof v;
  }

  std::array<char, N> octets_;
  std::size_t size_ = 0;
};

// Lower-case hexadecimal, for logs, tests and tools.
std::string to_hex(std::string_view octets);
// Fails with kMalformed on an odd length or another character; both cases are read.
Result<std::string> from_hex(std::string_view hex);

}  // namespace idnode
