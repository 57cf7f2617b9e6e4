// Session bodies. The first octet is the minor version of the message, the second chooses the body.
#include "protocol/handle/session.h"
#include "tests/fuzz/target.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const handle::Version version{2, static_cast<std::uint8_t>(data[0] & 15)};
  const std::string_view octets = fuzz::view(data, size).substr(2);
  if ((data[1] & 1) == 0) {
    const auto reply = handle::decode_session_reply(version, octets);
    fuzz::must(!reply || handle::encode_session_reply(version, *reply) == octets);
  } else {
    const auto key = handle::decode_sent_session_key(version, octets);
    fuzz::must(!key || handle::encode_sent_session_key(version, *key) == octets);
  }
  return 0;
}
