#include "resolver/net/upstream_message.h"

#include "protocol/bytes.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/request_digest.h"
#include "protocol/identifier.h"

namespace idnode {

using handle::OpCode;
using handle::ResponseCode;

namespace {

constexpr std::uint32_t kLifeSeconds = 43'200;

// The recursion nodes of the industry know prefixes by their bare name, so both spellings are one.
std::string comparable(std::string_view name) { return fold(expand_bare_prefix(name)); }

std::string body_of(const Ask& ask) {
  std::string body;
  Writer w(body);
  switch (ask.op) {
    case OpCode::kVerifyAnswer: w.raw(ask.verify_body); break;
    case OpCode::kSiteInfo: w.bytes("/"); break;
    default:
      w.bytes(ask.name);
      ask.indexes.empty() ? w.u32(0) : w.raw(ask.indexes);
      ask.types.empty() ? w.u32(0) : w.raw(ask.types);
      if (ask.has_identity) w.bytes(ask.identity);
  }
  return body;
}

}  // namespace

Ask ask_of(const Question& question) {
  namespace flag = handle::flag;
  Ask ask;
  ask.op = question.op;
  ask.name = question.name;
  ask.indexes = question.indexes;
  ask.types = question.types;
  ask.has_identity = question.has_identity;
  ask.identity = question.identity;
  ask.verify_body = question.verify_body;
  ask.recursion_count = question.recursion_count;
  ask.flags = (question.flags & (flag::kAuthoritative | flag::kCertify | flag::kPublicOnly |
                                 flag::kDoNotRefer | flag::kRecurseWithIdentity)) |
              flag::kCacheCertify | flag::kReturnDigest;
  if (ask.op == OpCode::kVerifyAnswer) ask.flags |= flag::kCertify;
  return ask;
}

Ask ask_for_sites(std::string name, bool for_prefix_referral, bool certify, std::uint8_t recursion_count) {
  namespace flag = handle::flag;
  Ask ask;
  ask.name = std::move(name);
  ask.recursion_count = recursion_count;
  ask.flags = flag::kPublicOnly | flag::kCacheCertify | flag::kReturnDigest | (certify ? flag::kCertify : 0);
  handle::encode_texts(for_prefix_referral
                           ? std::vector<std::string>{"HS_SITE.PREFIX", "HS_NA_DELEGATE", "HS_SERV.PREFIX"}
                           : std::vector<std::string>{"HS_SITE", "HS_SITE.6", "HS_SERV"},
                       ask.types);
  return ask;
}

std::string_view Outgoing::covered() const {
  const std::string_view message = std::string_view(frame).substr(handle::kEnvelopeSize);
  const auto header = handle::decode_header(message);
  return message.substr(0, handle::kHeaderSize + (header ? header->body_length : 0));
}

Outgoing make_outgoing(const Ask& ask, const Target& target, std::uint32_t request_id, Now now) {
  Outgoing out;
  out.request_id = request_id;
  out.op = ask.op;
  out.name = comparable(ask.name);

  const std::string body = body_of(ask);
  handle::Header header;
  header.opcode = static_cast<std::uint32_t>(ask.op);
  // The digest came with 2.1; older peers do not know the flag.
  header.flags = target.version.at_least(2, 1) ? ask.flags : ask.flags & ~handle::flag::kReturnDigest;
  header.site_serial = target.serial;
  header.recursion_count = ask.recursion_count;
  header.expiration = now.seconds() + kLifeSeconds;
  header.body_length = static_cast<std::uint32_t>(body.size());

  handle::Envelope envelope;
  envelope.version = target.version;
  envelope.suggested = handle::kOurVersion;
  envelope.request_id = request_id;
  envelope.length = static_cast<std::uint32_t>(handle::kHeaderSize + body.size() + 4);
  encode(envelope, out.frame);
  encode(header, out.frame);
  out.frame += body;
  Writer(out.frame).u32(0);  // no credential
  return out;
}

std::expected<std::unique_ptr<Incoming>, Dropped> check_incoming(const Outgoing& sent,
                                                                 const handle::Envelope& envelope,
                                                                 std::string message, Now now) {
  if (envelope.request_id != sent.request_id) return std::unexpected(Dropped::kRequestId);
  if (envelope.encrypted) return std::unexpected(Dropped::kMalformed);
  const auto header = handle::decode_header(message);
  if (!header) return std::unexpected(Dropped::kMalformed);
  if (header->opcode != static_cast<std::uint32_t>(sent.op)) return std::unexpected(Dropped::kOpcode);
  // Code 0 marks a request; of a list (CN) there is none among the answers to what we ask.
  if (header->response_code == 0 || !handle::is_standard(header->response_code) ||
      (header->flags & handle::flag::kContinuous) != 0) {
    return std::unexpected(Dropped::kCode);
  }
  auto incoming = std::make_unique<Incoming>();
  incoming->message = std::move(message);
  auto decoded = handle::decode_response(envelope, incoming->message);
  if (!decoded) return std::unexpected(Dropped::kMalformed);
  incoming->response = std::move(*decoded);
  const handle::Response& response = incoming->response;

  if (sent.op == OpCode::kResolve && response.code() == ResponseCode::kSuccess &&
      comparable(response.name) != sent.name) {
    return std::unexpected(Dropped::kName);
  }
  if (response.header.expiration < now.seconds()) return std::unexpected(Dropped::kExpired);
  const handle::DigestPart& digest = response.request_digest;
  if (digest.present) {
    if (!handle::request_digest_matches(digest.algorithm, digest.digest, sent.covered())) {
      return std::unexpected(Dropped::kDigest);
    }
  } else if (envelope.version.at_least(2, 1)) {
    return std::unexpected(Dropped::kDigest);
  }
  return incoming;
}

bool signed_by(const handle::Response& response, std::string_view public_key) {
  const handle::Credential& credential = response.credential;
  if (!credential.present || public_key.empty()) return false;
  if (credential.type != "HS_SIGNED" && credential.type != "HS_DSAPUBKEY") return false;
  const auto key = crypto::PublicKey::parse(public_key);
  if (!key) return false;
  const handle::Coverage coverage{response.envelope.version, response.envelope.suggested,
                                  response.envelope.session_id, response.envelope.request_id,
                                  credential.counter};
  return handle::verify_message(coverage, response.covered, *key, credential.algorithm,
                                credential.signature) == handle::AuthResult::kValid;
}

ResponseCode code_for_client(ResponseCode upstream) {
  switch (upstream) {
    case ResponseCode::kAuthenticationNeeded:
      return ResponseCode::kInsufficientPermissions;  // our client cannot answer a foreign challenge
    case ResponseCode::kServiceReferral:
    case ResponseCode::kPrefixReferral: return ResponseCode::kError;  // followed here or not at all
    default:
      return handle::is_standard(static_cast<std::uint32_t>(upstream)) ? upstream : ResponseCode::kError;
  }
}

}  // namespace idnode
