// A handle value and its wire encoding (protocol/handle/WIRE.md §19), which is also how the store keeps it.
//
//   index int4 | timestamp int4 | ttl type octet | ttl int4 | permissions octet | type text | data bytes |
//   references list of (handle bytes, index int4)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace idnode {

enum Permission : std::uint8_t { kAdminRead = 8, kAdminWrite = 4, kPublicRead = 2, kPublicWrite = 1 };
inline constexpr std::uint8_t kDefaultPermissions = kAdminRead | kAdminWrite | kPublicRead;
inline constexpr std::uint32_t kDefaultTtl = 86'400;
enum TtlType : std::uint8_t { kTtlRelative = 0, kTtlAbsolute = 1 };  // other numbers are carried through
inline constexpr std::size_t kSmallestValue = 26;

// (index, handle), written "300:88.118/ADMIN": an identity, a group member, a reference.
struct Reference {
  std::string handle;
  std::uint32_t index = 0;
  bool operator==(const Reference&) const = default;
};

struct Value {
  std::uint32_t index = 0;
  std::uint32_t timestamp = 0;  // seconds since 1970
  std::uint8_t ttl_type = kTtlRelative;
  std::uint32_t ttl = kDefaultTtl;
  std::uint8_t permissions = kDefaultPermissions;
  std::string type;
  std::string data;
  std::vector<Reference> references;
  bool operator==(const Value&) const = default;
};

// The same without copies: views point into the encoded list.
struct ValueView {
  std::uint32_t index = 0;
  std::uint32_t timestamp = 0;
  std::uint8_t ttl_type = 0;
  std::uint32_t ttl = 0;
  std::uint8_t permissions = 0;  // low four bits only
  std::string_view type;
  std::string_view data;
  std::uint32_t reference_count = 0;
  std::string_view references;  // encoded, without the count
  std::string_view encoded;     // the whole value

  bool public_read() const { return (permissions & kPublicRead) != 0; }
  bool admin_read() const { return (permissions & kAdminRead) != 0; }
  bool admin_write() const { return (permissions & kAdminWrite) != 0; }
  bool public_write() const { return (permissions & kPublicWrite) != 0; }
};

void encode(const Value& value, std::string& out);
// Reads one value at the reader's position; sticks the reader's failure.
ValueView read_value(Reader& reader);
Value to_value(const ValueView& view);
// Whether two values are the same in everything but their timestamps (and the unused permission bits).
bool same_but_timestamp(const ValueView& a, const ValueView& b);
// What the node does to a value that it takes: writes the timestamp of the encoded value that begins at
// `offset` of `values`, and clears the permission bits that have no meaning (§19).
void stamp_value(std::string& values, std::size_t offset, std::uint32_t seconds);

// A counted list of encoded values, already checked by whoever made it (a decoder, the store).
struct ValueList {
  std::uint32_t count = 0;
  std::string_view encoded;
  bool operator==(const ValueList&) const = default;
};
// Reads `list of value` from the reader, looking at every length; `most` bounds the count (kTooLarge).
ValueList read_values(Reader& reader, std::uint32_t most);

// Walks a checked list in order.
class ValueWalk {
 public:
  explicit ValueWalk(ValueList list) : reader_(list.encoded), left_(list.count) {}
  bool next(ValueView& value);

 private:
  Reader reader_;
  std::uint32_t left_;
};

std::vector<Value> to_values(ValueList list);
// Appends the encodings (without a count).
void encode_all(const std::vector<Value>& values, std::string& out);

}  // namespace idnode
