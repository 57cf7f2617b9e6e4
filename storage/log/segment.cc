#include "storage/log/segment.h"

#include <charconv>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"

namespace idnode {
namespace {

constexpr std::string_view kMagic = "IDNODLOG";
constexpr std::string_view kExtension = ".log";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kHashed = kSegmentHeaderSize - kHashSize;

std::string hash(std::string_view octets) { return crypto::digest(crypto::Digest::kSha256, octets); }

}  // namespace

bool all_zeros(std::string_view octets) { return octets.find_first_not_of('\0') == std::string_view::npos; }

std::string segment_name(std::uint64_t first) {
  std::string digits = std::to_string(first);
  return std::string(kDigits - digits.size(), '0') + digits + std::string(kExtension);
}

std::optional<std::uint64_t> segment_first(std::string_view name) {
  if (name.size() != kDigits + kExtension.size() || !name.ends_with(kExtension)) return std::nullopt;
  std::uint64_t first = 0;
  const char* end = name.data() + kDigits;
  const auto [at, error] = std::from_chars(name.data(), end, first);
  if (error != std::errc() || at != end || first == 0) return std::nullopt;
  return first;
}

std::string encode(const SegmentHeader& header) {
  std::string octets;
  Writer out(octets);
  out.raw(kMagic);
  out.u32(kLogFormat);
  out.u64(header.first);
  out.u64(header.time_ms);
  out.raw(header.previous);
  out.raw(hash(octets));
  return octets;
}

Result<SegmentHeader> decode_segment_header(std::string_view octets) {
  if (octets.size() < kSegmentHeaderSize || all_zeros(octets.substr(kHashed))) {
    return std::unexpected(Errc::kTruncated);
  }
  Reader in(octets.substr(0, kSegmentHeaderSize));
  const bool ours = in.take(kMagic.size()) == kMagic;
  const std::uint32_t format = in.u32();
  SegmentHeader header;
  header.first = in.u64();
  header.time_ms = in.u64();
  header.previous = in.take(kHashSize);
  const bool whole = in.rest() == hash(octets.substr(0, kHashed));
  if (ours && whole && format > kLogFormat) return std::unexpected(Errc::kNewerFormat);
  if (!ours || !whole || format != kLogFormat || header.first == 0) return std::unexpected(Errc::kCorrupt);
  return header;
}

}  // namespace idnode
