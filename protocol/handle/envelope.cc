#include "protocol/handle/envelope.h"

#include "protocol/bytes.h"

namespace idnode::handle {
namespace {

constexpr std::uint8_t kCompressed = 0x80;
constexpr std::uint8_t kEncrypted = 0x40;
constexpr std::uint8_t kTruncatedFlag = 0x20;
constexpr std::uint8_t kSuggestedMask = 0x1f;
constexpr std::uint8_t kHighestMajor = 15;

}  // namespace

Version response_version(Version suggested) { return suggested.at_least(2, 11) ? kOurVersion : suggested; }

Result<Envelope> decode_envelope(std::string_view in) {
  Reader r(in);
  Envelope e;
  e.version.major = r.u8();
  e.version.minor = r.u8();
  const std::uint8_t flags = r.u8();
  e.compressed = (flags & kCompressed) != 0;
  e.encrypted = (flags & kEncrypted) != 0;
  e.truncated = (flags & kTruncatedFlag) != 0;
  e.suggested.major = flags & kSuggestedMask;
  e.suggested.minor = r.u8();
  if (e.suggested.major == 0)
    e.suggested = e.version;
  else if (e.suggested.major > kHighestMajor)
    e.suggested.major = 2;
  e.session_id = r.u32();
  e.request_id = r.u32();
  e.sequence = r.u32();
  e.length = r.u32();
  if (!r.ok()) return std::unexpected(r.error());
  return e;
}

void encode(const Envelope& envelope, std::string& out) {
  // A suggestion above 15 only comes from a message that suggested nothing: it goes out as it came in.
  const bool suggests = envelope.suggested.major <= kHighestMajor;
  Block<kEnvelopeSize> w;
  w.u8(envelope.version.major);
  w.u8(envelope.version.minor);
  w.u8(static_cast<std::uint8_t>(
      (envelope.compressed ? kCompressed : 0) | (envelope.encrypted ? kEncrypted : 0) |
      (envelope.truncated ? kTruncatedFlag : 0) | (suggests ? envelope.suggested.major : 0)));
  w.u8(suggests ? envelope.suggested.minor : 0);
  w.u32(envelope.session_id);
  w.u32(envelope.request_id);
  w.u32(envelope.sequence);
  w.u32(envelope.length);
  out.append(w.view());
}

}  // namespace idnode::handle
