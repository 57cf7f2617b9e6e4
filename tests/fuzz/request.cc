// Whole frames as requests: envelope, header, the body of every opcode, credential.
#include "protocol/handle/request.h"
#include "protocol/identifier.h"
#include "tests/fuzz/target.h"

using namespace idnode;

namespace {

// The fields that encoding computes, and octets that are ignored on input.
handle::Request comparable(handle::Request request) {
  request.envelope.length = 0;
  request.header.body_length = 0;
  request.header.flags &= ~handle::flag::kReturnDigest;
  request.covered = {};
  if (request.op() == handle::OpCode::kLogin) request.credential = {};
  return request;
}

void walk(const handle::Request& request) {
  if (const auto* resolve = std::get_if<handle::ResolveBody>(&request.body)) {
    handle::TextWalk types(resolve->types);
    std::uint32_t n = 0;
    for (std::string_view type; types.next(type); ++n) (void)filter_matches_type(type, "URL");
    fuzz::must(n == resolve->types.count);
    for (std::uint32_t i = 0; i < resolve->indexes.count; ++i)
      fuzz::must(resolve->indexes.contains(resolve->indexes[i]));
  }
  if (const auto* values = std::get_if<handle::ValuesBody>(&request.body))
    fuzz::must(to_values(values->values).size() == values->values.count);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame = fuzz::view(data, size);
  const auto envelope = handle::decode_envelope(frame);
  if (!envelope) return 0;
  const auto request = handle::decode_request(*envelope, frame.substr(handle::kEnvelopeSize), {});
  if (!request) return 0;
  walk(*request);
  std::string credential;
  encode(request->credential, credential);
  if (request->op() == handle::OpCode::kLogin) credential.clear();
  std::string out;
  encode_request(*request, credential, out);
  const auto again_envelope = handle::decode_envelope(out);
  fuzz::must(again_envelope && again_envelope->length == out.size() - handle::kEnvelopeSize);
  const auto again =
      handle::decode_request(*again_envelope, std::string_view(out).substr(handle::kEnvelopeSize), {});
  fuzz::must(again && comparable(*again) == comparable(*request));
  return 0;
}
