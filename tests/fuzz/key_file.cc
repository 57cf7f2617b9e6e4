// Private-key files and PEM. An honest iteration count is passed on; a large one would only make the run
// slow.
#include <cstdlib>

#include "protocol/bytes.h"
#include "protocol/crypto/key_file.h"

using namespace idnode;

namespace {

bool slow(std::string_view file) {
  Reader r(file);
  if (r.u32() == 1) return false;
  r.bytes();
  return r.u32() > 10'000;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  (void)crypto::PrivateKey::from_pem(octets);
  if (slow(octets)) return 0;
  const auto key = crypto::read_key_file(octets, "secret");
  if (!key) return 0;
  if (const auto written = crypto::write_key_file(*key)) {
    const auto again = crypto::read_key_file(*written);
    if (!again || again->public_key().der() != key->public_key().der()) std::abort();
  }
  return 0;
}
