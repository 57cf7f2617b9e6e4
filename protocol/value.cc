#include "protocol/value.h"

namespace idnode {
namespace {

constexpr std::size_t kHead = 14;              // index, timestamp, ttl type, ttl, permissions
constexpr std::size_t kTimestampAt = 4;        // behind the index
constexpr std::size_t kPermissionsAt = 13;     // behind timestamp, ttl type and ttl
constexpr std::size_t kSmallestReference = 8;  // empty handle, index
constexpr std::uint8_t kPermissionBits = 0x0f;

}  // namespace

void encode(const Value& value, std::string& out) {
  Writer w(out);
  w.u32(value.index);
  w.u32(value.timestamp);
  w.u8(value.ttl_type);
  w.u32(value.ttl);
  w.u8(value.permissions & kPermissionBits);
  w.bytes(value.type);
  w.bytes(value.data);
  w.u32(static_cast<std::uint32_t>(value.references.size()));
  for (const Reference& each : value.references) {
    w.bytes(each.handle);
    w.u32(each.index);
  }
}

ValueView read_value(Reader& reader) {
  const std::size_t start = reader.position();
  ValueView v;
  Reader head(reader.take(kHead));
  v.index = head.u32();
  v.timestamp = head.u32();
  v.ttl_type = head.u8();
  v.ttl = head.u32();
  v.permissions = head.u8() & kPermissionBits;
  v.type = reader.bytes();
  v.data = reader.bytes();
  v.reference_count = reader.count(kSmallestReference);
  const std::size_t references = reader.position();
  for (std::uint32_t i = 0; i < v.reference_count && reader.ok(); ++i) {
    reader.bytes();
    reader.u32();
  }
  v.references = reader.since(references);
  v.encoded = reader.since(start);
  return v;
}

Value to_value(const ValueView& view) {
  Value v{view.index,       view.timestamp,         view.ttl_type,          view.ttl,
          view.permissions, std::string(view.type), std::string(view.data), {}};
  v.references.reserve(view.reference_count);
  Reader reader(view.references);
  for (std::uint32_t i = 0; i < view.reference_count; ++i) {
    std::string handle(reader.bytes());
    v.references.push_back({std::move(handle), reader.u32()});
  }
  return v;
}

bool same_but_timestamp(const ValueView& a, const ValueView& b) {
  return a.index == b.index && a.ttl_type == b.ttl_type && a.ttl == b.ttl && a.permissions == b.permissions &&
         a.type == b.type && a.data == b.data && a.reference_count == b.reference_count &&
         a.references == b.references;
}

void stamp_value(std::string& values, std::size_t offset, std::uint32_t seconds) {
  Writer(values).patch_u32(offset + kTimestampAt, seconds);
  char& permissions = values[offset + kPermissionsAt];
  permissions = static_cast<char>(permissions & kPermissionBits);
}

ValueList read_values(Reader& reader, std::uint32_t most) {
  ValueList list;
  list.count = reader.count(kSmallestValue);
  if (list.count > most) reader.fail(Errc::kTooLarge);
  const std::size_t start = reader.position();
  for (std::uint32_t i = 0; i < list.count && reader.ok(); ++i) read_value(reader);
  list.encoded = reader.since(start);
  return reader.ok() ? list : ValueList{};
}

bool ValueWalk::next(ValueView& value) {
  if (left_ == 0) return false;
  --left_;
  value = read_value(reader_);
  return reader_.ok();
}

std::vector<Value> to_values(ValueList list) {
  std::vector<Value> out;
  out.reserve(list.count);
  ValueWalk walk(list);
  for (ValueView v; walk.next(v);) out.push_back(to_value(v));
  return out;
}

void encode_all(const std::vector<Value>& values, std::string& out) {
  for (const Value& each : values) encode(each, out);
}

}  // namespace idnode
