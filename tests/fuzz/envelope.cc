// Envelopes. What decodes must encode and decode to the same.
#include "protocol/handle/envelope.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto envelope = handle::decode_envelope(fuzz::view(data, size));
  fuzz::must(envelope.has_value() == (size >= handle::kEnvelopeSize));
  if (!envelope) return 0;
  std::string out;
  encode(*envelope, out);
  fuzz::must(out.size() == handle::kEnvelopeSize);
  fuzz::must(handle::decode_envelope(out) == envelope);
  return 0;
}
