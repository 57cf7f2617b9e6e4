// Whole frames as responses: every opcode and code, digest part, credential.
#include "protocol/handle/response.h"
#include "tests/fuzz/target.h"

using namespace idnode;

namespace {

// Without the fields that encoding computes. An old version has no code 202: it is written as 201 (WIRE.md
// §10).
handle::Response comparable(handle::Response response) {
  if (!response.envelope.version.at_least(2, 5) && response.code() == handle::ResponseCode::kInvalidValue)
    response.header.response_code = static_cast<std::uint32_t>(handle::ResponseCode::kValueExists);
  response.envelope.length = 0;
  response.header.body_length = 0;
  response.header.flags &= ~handle::flag::kReturnDigest;
  response.covered = {};
  return response;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame = fuzz::view(data, size);
  const auto envelope = handle::decode_envelope(frame);
  if (!envelope) return 0;
  const auto response = handle::decode_response(*envelope, frame.substr(handle::kEnvelopeSize));
  if (!response) return 0;
  fuzz::must(to_values(response->values).size() == response->values.count);
  std::string credential;
  encode(response->credential, credential);
  std::string out;
  encode_response(*response, credential, out);
  const auto again_envelope = handle::decode_envelope(out);
  fuzz::must(again_envelope && again_envelope->length == out.size() - handle::kEnvelopeSize);
  const auto again =
      handle::decode_response(*again_envelope, std::string_view(out).substr(handle::kEnvelopeSize));
  fuzz::must(again && comparable(*again) == comparable(*response));
  return 0;
}
