// HS_VLIST data: byte-exact when written again.
#include "protocol/handle/admin.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets = fuzz::view(data, size);
  const auto members = handle::decode_vlist(octets);
  if (!members) return 0;
  std::string out;
  handle::encode_vlist(*members, out);
  fuzz::must(out == octets);
  return 0;
}
