// Whether an answer is the right one, on its octets: what every answer of a load is judged by, so it must
// cost little. Both dialects have the same members; the engine is compiled for each.
#pragma once

#include <cstdint>
#include <string_view>

#include "bench/load/questions.h"

namespace idnode::load {

struct Expected {
  std::uint32_t code = 1;
  std::uint32_t values = 0;  // 0: any number but none
};

// The binary protocol (WIRE.md §2, §7, §12, §19).
struct HandleDialect {
  static constexpr std::uint32_t kIdMask = 0xffffffff;
  static void put_id(char* frame, std::uint32_t id);
  // False for octets that are the beginning of no answer, and for later datagrams of a long one.
  static bool read_id(std::string_view answer, std::uint32_t& id);
  // Octets of the first whole frame in `in`; 0 when there is none yet; more than `in` holds when the length
  // is one that no answer has.
  static std::size_t frame_size(std::string_view in);
  // Operation, code, the identifier as it was asked for, the number of values, and each value whole, up to
  // the end of the body (of a long answer over UDP: its first datagram).
  static bool right(std::string_view answer, const Question& question, const Expected& expected);
};

// RFC 1035: an answer to this question without error that holds at least one record.
struct DnsDialect {
  static constexpr std::uint32_t kIdMask = 0xffff;
  static void put_id(char* frame, std::uint32_t id);
  static bool read_id(std::string_view answer, std::uint32_t& id);
  static std::size_t frame_size(std::string_view in) { return in.size(); }
  static bool right(std::string_view answer, const Question& question, const Expected& expected);
};

}  // namespace idnode::load
