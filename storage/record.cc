#include "storage/record.h"

#include <algorithm>

#include "protocol/bytes.h"

namespace idnode {
namespace {

constexpr std::uint8_t kTombstone = 1;
constexpr std::size_t kSequenceAt = 2;
constexpr std::size_t kPreviousAt = 10;
constexpr std::size_t kCreatedAt = 18;

std::string make(std::uint8_t flags, std::string_view name, std::uint64_t created, std::uint32_t count,
                 std::string_view values) {
  std::string image;
  image.reserve(kSmallestImage + 8 + name.size() + values.size());
  Writer out(image);
  out.u8(kRecordFormat);
  out.u8(flags);
  out.u64(0);
  out.u64(0);
  out.u64(created);
  out.bytes(name);
  out.u32(count);
  out.raw(values);
  return image;
}

}  // namespace

Result<RecordView> parse_record(std::string_view image) {
  Reader in(image);
  const std::uint8_t format = in.u8();
  if (in.ok() && format > kRecordFormat) return std::unexpected(Errc::kNewerFormat);
  RecordView record;
  const std::uint8_t flags = in.u8();
  record.tombstone = (flags & kTombstone) != 0;
  record.sequence = in.u64();
  record.previous = in.u64();
  record.created = in.u64();
  record.name = in.bytes();
  record.count = in.u32();
  record.values = in.rest();
  const bool empty_tombstone = !record.tombstone || (record.count == 0 && record.values.empty());
  if (!in.ok() || format != kRecordFormat || flags > kTombstone || !empty_tombstone) {
    return std::unexpected(Errc::kCorrupt);
  }
  return record;
}

std::string make_record(std::string_view name, std::uint64_t created, std::uint32_t count,
                        std::string_view values) {
  return make(0, name, created, count, values);
}

std::string make_tombstone(std::string_view name) { return make(kTombstone, name, 0, 0, {}); }

void stamp_record(std::span<char> image, std::uint64_t sequence, std::uint64_t previous,
                  std::uint64_t created) {
  put_big_endian(image.data() + kSequenceAt, sequence);
  put_big_endian(image.data() + kPreviousAt, previous);
  const auto kept = image.subspan(kCreatedAt, 8);
  if (std::ranges::all_of(kept, [](char octet) { return octet == 0; }))
    put_big_endian(image.data() + kCreatedAt, created);
}

}  // namespace idnode
