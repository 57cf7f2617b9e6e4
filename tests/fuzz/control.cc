// The control of the fuzzing itself: a decoder with a planted over-read of one octet, which a run must find.
// Nothing else uses it.
#include "protocol/bytes.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  idnode::Reader r(idnode::fuzz::view(data, size));
  const std::uint16_t length = r.u16();
  if (!r.ok() || length > r.left()) return 0;
  unsigned sum = 0;
  for (std::size_t i = 0; i <= length; ++i) sum += data[2 + i];  // one too many
  return sum == 0xffff'ffffU ? 1 : 0;
}
