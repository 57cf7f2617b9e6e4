// Names and headers of segment files (storage/log/FORMAT.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace idnode {

inline constexpr std::uint32_t kLogFormat = 1;
inline constexpr std::size_t kHashSize = 32;
inline constexpr std::size_t kSegmentHeaderSize = 92;

std::string segment_name(std::uint64_t first);
// The first sequence; nothing for a name that is no segment's.
std::optional<std::uint64_t> segment_first(std::string_view name);

struct SegmentHeader {
  std::uint64_t first = 1;
  std::uint64_t time_ms = 0;
  std::string previous = std::string(kHashSize, '\0');
};

std::string encode(const SegmentHeader& header);
// `octets` is the segment from its start. kTruncated: it was being made when the machine stopped. kCorrupt,
// kNewerFormat: not ours to touch.
Result<SegmentHeader> decode_segment_header(std::string_view octets);

bool all_zeros(std::string_view octets);

}  // namespace idnode
