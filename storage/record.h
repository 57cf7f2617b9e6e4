// The image of one record as the store keeps it. Layout, integers big-endian:
//
//   format      octet   1
//   flags       octet   bit 0: tombstone (deleted: no values follow; counts as absent)
//   sequence    int8    of the mutation that wrote this image; the record's version
//   previous    int8    sequence of the mutation before it on the same key, 0 for none
//   created     int8    milliseconds since 1970 when the record came into being
//   name        bytes   original spelling
//   count       int4    number of values
//   values              in wire encoding (WIRE.md §19), in stored order
//
// sequence, previous and (where 0) created are stamped by the committer; whoever makes an image leaves them
// 0.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode {

inline constexpr std::uint8_t kRecordFormat = 1;
// Format, flags and numbers: what stamp_record() needs at least.
inline constexpr std::size_t kSmallestImage = 26;

// Views point into the image.
struct RecordView {
  bool tombstone = false;
  std::uint64_t sequence = 0;
  std::uint64_t previous = 0;
  std::uint64_t created = 0;
  std::string_view name;
  std::uint32_t count = 0;
  std::string_view values;
};

// kCorrupt for octets that are no image, kNewerFormat for a later format. Values are not looked into.
Result<RecordView> parse_record(std::string_view image);

// `created` 0: now, whenever the committer stamps it.
std::string make_record(std::string_view name, std::uint64_t created, std::uint32_t count,
                        std::string_view values);
std::string make_tombstone(std::string_view name);

// Writes the three numbers into an image made above. `created` is only written where the image has 0.
void stamp_record(std::span<char> image, std::uint64_t sequence, std::uint64_t previous,
                  std::uint64_t created);

}  // namespace idnode
