#include "tests/protocol/vectors/loader.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "protocol/bytes.h"

namespace idnode::vectors {

namespace {

std::string unhex(std::string_view hex) {
  auto out = from_hex(hex);
  if (!out) throw std::runtime_error("not hexadecimal: " + std::string(hex.substr(0, 40)));
  return std::move(*out);
}

std::string_view view(const boost::json::string& s) { return {s.data(), s.size()}; }

// {"fill": "61", "count": n}
std::string fill(const Object& o) {
  const std::string unit = unhex(view(field(o, "fill").as_string()));
  std::string out;
  for (std::uint64_t n = number(o, "count"); n > 0; --n) out += unit;
  return out;
}

}  // namespace

const Json& field(const Object& o, std::string_view key) {
  const Json* found = o.if_contains(key);
  if (found == nullptr) throw std::runtime_error("no field " + std::string(key));
  return *found;
}

bool has(const Object& o, std::string_view key) {
  const Json* found = o.if_contains(key);
  return found != nullptr && !found->is_null();
}

std::string octets(const Json& v) {
  if (const auto* o = v.if_object()) return o->contains("hex") ? octets(field(*o, "hex")) : fill(*o);
  return unhex(view(v.as_string()));
}

std::string text(const Json& v) {
  if (v.is_object()) return octets(v);
  return std::string(view(v.as_string()));
}

std::uint64_t number(const Json& v) {
  if (v.is_uint64()) return v.as_uint64();
  const std::int64_t n = v.as_int64();
  if (n < 0) throw std::runtime_error("a negative number in the vectors");
  return static_cast<std::uint64_t>(n);
}

bool flag(const Object& o, std::string_view key) { return field(o, key).as_bool(); }

const Object& object(const Object& o, std::string_view key) { return field(o, key).as_object(); }

const boost::json::array& list(const Object& o, std::string_view key) { return field(o, key).as_array(); }

std::vector<Vector> load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path + ": cannot be opened");
  std::vector<Vector> out;
  std::string line;
  for (std::size_t number_of_line = 1; std::getline(in, line); ++number_of_line) {
    if (line.empty()) continue;
    try {
      const Json parsed = boost::json::parse(line);
      const Object& o = parsed.as_object();
      Vector v{text(o, "name"), text(o, "kind"), object(o, "fields"), octets(o, "hex")};
      out.push_back(std::move(v));
    } catch (const std::exception& e) {
      throw std::runtime_error(path + ":" + std::to_string(number_of_line) + ": " + e.what());
    }
  }
  if (out.empty()) throw std::runtime_error(path + ": holds no vectors");
  return out;
}

std::string default_path() {
  const char* asked = std::getenv("IDNODE_VECTORS");
  return asked != nullptr && *asked != '\0' ? asked
                                            : IDNODE_SOURCE_DIR "/tests/golden/handle/wire-vectors.jsonl";
}

}  // namespace idnode::vectors
