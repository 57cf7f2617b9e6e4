#include "bench/load/records.h"

#include "protocol/value.h"

namespace idnode::load {

std::string values_of(std::string_view name) {
  const struct {
    std::uint32_t index;
    std::string_view type;
    std::string data;
  } values[] = {
      {1, "URL", "https://id.example/" + std::string(name)},
      {2, "EMAIL", "qa@id.example"},
      {3, "NAME", "bolt M8x40 zinc plated"},
      {4, "LOT", "A42"},
      {5, "SITE", "Wuxi"},
  };
  std::string out;
  for (const auto& v : values) {
    Value value{.index = v.index, .timestamp = 1'700'000'000, .type = std::string(v.type), .data = v.data};
    encode(value, out);
  }
  return out;
}

}  // namespace idnode::load
