#include "protocol/handle/session.h"

#include "protocol/bytes.h"

namespace idnode::handle {
namespace {

using crypto::SessionAlgorithm;

bool known(SessionAlgorithm algorithm) {
  return algorithm >= SessionAlgorithm::kDes && algorithm <= SessionAlgorithm::kSm4;
}

bool has_length(SessionAlgorithm algorithm, std::size_t octets) {
  switch (algorithm) {
    case SessionAlgorithm::kDes: return octets == 8;
    case SessionAlgorithm::kDesede: return octets == 24;
    case SessionAlgorithm::kAes: return octets == 16 || octets == 32;
    case SessionAlgorithm::kSm4: return octets == 16;
  }
  return false;
}

}  // namespace

Result<SessionReply> decode_session_reply(Version version, std::string_view data) {
  if (!version.at_least(2, 2)) return std::unexpected(Errc::kUnsupported);
  Reader r(data);
  SessionReply reply{SessionAlgorithm::kDes, {}};
  if (version.at_least(2, 4)) reply.algorithm = SessionAlgorithm(r.u32());
  if (!r.ok() || r.at_end()) return std::unexpected(Errc::kTruncated);
  if (!known(reply.algorithm)) return std::unexpected(Errc::kUnsupported);
  reply.public_key = r.rest();
  return reply;
}

Result<std::string> encode_session_reply(Version version, const SessionReply& reply) {
  const bool names = version.at_least(2, 4);
  if (!version.at_least(2, 2) || !known(reply.algorithm) ||
      (!names && reply.algorithm != SessionAlgorithm::kDes))
    return std::unexpected(Errc::kUnsupported);
  std::string out;
  Writer w(out);
  if (names) w.u32(static_cast<std::uint32_t>(reply.algorithm));
  w.raw(reply.public_key);
  return out;
}

Result<SentSessionKey> decode_sent_session_key(Version version, std::string_view plain) {
  Reader r(plain);
  SentSessionKey key{SessionAlgorithm::kDes, {}};
  if (version.at_least(2, 2)) key.algorithm = SessionAlgorithm(r.u32());
  if (!r.ok()) return std::unexpected(r.error());
  if (!known(key.algorithm)) return std::unexpected(Errc::kUnsupported);
  key.octets = r.rest();
  if (!has_length(key.algorithm, key.octets.size())) return std::unexpected(Errc::kMalformed);
  return key;
}

Result<std::string> encode_sent_session_key(Version version, const SentSessionKey& key) {
  const bool names = version.at_least(2, 2);
  if (!known(key.algorithm) || (!names && key.algorithm != SessionAlgorithm::kDes))
    return std::unexpected(Errc::kUnsupported);
  if (!has_length(key.algorithm, key.octets.size())) return std::unexpected(Errc::kMalformed);
  std::string out;
  Writer w(out);
  if (names) w.u32(static_cast<std::uint32_t>(key.algorithm));
  w.raw(key.octets);
  return out;
}

}  // namespace idnode::handle
