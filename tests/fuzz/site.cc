// HS_SITE data: byte-exact when written again.
#include "protocol/handle/site.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets = fuzz::view(data, size);
  const auto site = handle::decode_site(octets);
  if (!site) return 0;
  std::string out;
  encode(*site, out);
  fuzz::must(out == octets && handle::decode_site(out) == site);
  for (const auto& server : site->servers)
    fuzz::must(handle::parse_address(handle::address_text(server.address)).has_value());
  return 0;
}
