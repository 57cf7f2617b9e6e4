// What stands behind a body.
#include "protocol/handle/credential.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto credential = handle::decode_credential(fuzz::view(data, size));
  if (!credential) return 0;
  std::string out;
  encode(*credential, out);
  fuzz::must(handle::decode_credential(out) == credential);
  return 0;
}
