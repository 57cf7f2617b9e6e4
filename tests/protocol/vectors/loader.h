// Reads the golden wire vectors (tests/golden/handle/README.md) and their field conventions.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace idnode::vectors {

using Object = boost::json::object;
using Json = boost::json::value;

struct Vector {
  std::string name;
  std::string kind;
  Object fields;
  std::string octets;  // `hex`, decoded
};

// One vector a line. Throws std::runtime_error with file and line when the file is not readable as vectors: a
// test without its data must not pass.
std::vector<Vector> load(const std::string& path);

// IDNODE_VECTORS or the golden file of the source tree.
std::string default_path();

// A field by name; throws std::runtime_error when it is missing, which fails the vector.
const Json& field(const Object& o, std::string_view key);
// True when the field is there and not null.
bool has(const Object& o, std::string_view key);

// Binary: a hex string, or {"fill": "61", "count": n}.
std::string octets(const Json& v);
inline std::string octets(const Object& o, std::string_view key) { return octets(field(o, key)); }
// Text: a JSON string, or {"hex": "..."} when it is not UTF-8, or a fill.
std::string text(const Json& v);
inline std::string text(const Object& o, std::string_view key) { return text(field(o, key)); }
// An unsigned number as it stands on the wire.
std::uint64_t number(const Json& v);
inline std::uint64_t number(const Object& o, std::string_view key) { return number(field(o, key)); }
bool flag(const Object& o, std::string_view key);
const Object& object(const Object& o, std::string_view key);
const boost::json::array& list(const Object& o, std::string_view key);

}  // namespace idnode::vectors
