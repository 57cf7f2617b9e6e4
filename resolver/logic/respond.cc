#include "resolver/logic/respond.h"

#include "protocol/handle/credential.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/message_cipher.h"
#include "protocol/handle/request_digest.h"
#include "resolver/logic/exchange.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr std::uint32_t kLifetimeSeconds = 43'200;

handle::Envelope envelope_for(handle::Version suggested, Addressee to) {
  handle::Envelope envelope;
  envelope.version = handle::response_version(suggested);
  envelope.suggested = handle::kOurVersion;
  envelope.session_id = to.session_id;
  envelope.request_id = to.request_id;
  return envelope;
}

// The answer to octets that may be no request at all.
void append_error(const Services& services, const handle::Envelope& envelope, std::uint32_t opcode,
                  ResponseCode code, std::string_view text, Now now, std::string& out) {
  handle::Response response;
  response.envelope = envelope_for(envelope.suggested, {envelope.request_id, envelope.session_id});
  response.header.opcode = opcode;
  response.header.response_code = static_cast<std::uint32_t>(code);
  response.header.flags = handle::flag::kRecursive;
  response.header.site_serial = services.identity->site.serial;
  response.header.expiration = now.seconds() + kLifetimeSeconds;
  response.has_text = true;
  response.text = text;
  handle::encode_response(response, {}, out);
}

std::uint32_t readable_opcode(const handle::Envelope& envelope, std::string_view message) {
  if (envelope.encrypted || envelope.length < handle::kHeaderSize || envelope.length > handle::kMaxMessage)
    return 0;
  Reader reader(message);
  const std::uint32_t opcode = reader.u32();
  return reader.ok() ? opcode : 0;
}

// What a local record, or its absence, says; everything else claims no authority (BEHAVIOUR.md §17.4).
bool tells_of_local_data(ResponseCode code) {
  switch (code) {
    case ResponseCode::kHandleNotFound:
    case ResponseCode::kHandleExists:
    case ResponseCode::kValuesNotFound:
    case ResponseCode::kValueExists:
    case ResponseCode::kInsufficientPermissions: return true;
    default: return false;
  }
}

}  // namespace

void Reply::begin(const handle::Request& request, Addressee to, const NodeIdentity& node, Now now,
                  const Session* session) {
  request_ = &request;
  to_ = to;
  node_ = &node;
  now_ = now;
  frame_.clear();
  digest_.clear();
  code_ = ResponseCode::kNone;
  wants_seal_ = false;
  // Set-up and key exchange are answered in the name of the node, not of a session.
  const bool about_keys =
      request.op() == handle::OpCode::kSessionSetup || request.op() == handle::OpCode::kSessionKeyExchange;
  session_ = about_keys ? nullptr : session;
}

handle::Response Reply::start(ResponseCode code, bool authoritative) const {
  handle::Response response;
  response.envelope = envelope_for(request_->envelope.suggested, to_);
  handle::Header& header = response.header;
  header.opcode = request_->header.opcode;
  header.response_code = static_cast<std::uint32_t>(code);
  header.flags = (request_->header.flags & handle::flag::kCopied) | handle::flag::kRecursive;
  if (authoritative && (node_->site.primary || node_->site.multi_primary))
    header.flags |= handle::flag::kAuthoritative;
  header.site_serial = node_->site.serial;
  header.recursion_count = request_->header.recursion_count;
  header.expiration = now_.seconds() + kLifetimeSeconds;
  return response;
}

std::string_view Reply::make_digest() {
  if (!digest_.empty()) return digest_;
  const crypto::Digest algorithm = handle::request_digest_algorithm(request_->answer_version());
  algorithm_ = static_cast<std::uint8_t>(algorithm);
  if (algorithm == crypto::Digest::kSha256) {
    digest_.resize(crypto::Sha256::kSize);
    sha256_.add(request_->covered);
    sha256_.finish(digest_.data());
  } else {
    digest_ = crypto::digest(algorithm, request_->covered);
  }
  return digest_;
}

void Reply::write(handle::Response& response, bool restricted) {
  const bool in_every_answer =
      request_->has(handle::flag::kReturnDigest) && response.envelope.version.at_least(2, 1);
  if (in_every_answer || response.code() == ResponseCode::kAuthenticationNeeded) {
    make_digest();
    response.request_digest = {true, algorithm_, digest_};
  }
  frame_.clear();
  handle::encode_response(response, {}, frame_);
  if (frame_.size() > handle::kEnvelopeSize + handle::kMaxSentMessage) {
    refuse({ResponseCode::kError, "the answer is longer than a message may be", false});
    return;
  }
  code_ = response.code();
  written_ = response.envelope;
  encrypts_ = session_ != nullptr && (request_->has(handle::flag::kEncrypt) || session_->encrypt_all ||
                                      (restricted && written_.version.at_least(2, 8)));
  wants_seal_ = encrypts_ || request_->has(handle::flag::kCertify);
}

void Reply::answer(const Answer& answer) {
  handle::Response response = start(answer.code, answer.authoritative);
  response.header.flags |= answer.flags;
  response.name = answer.name;
  response.has_values = answer.has_values;
  response.values = answer.values;
  response.site = answer.site;
  response.verified = answer.verified;
  response.mode = answer.session_mode;
  response.key_data = answer.key_data;
  write(response, answer.restricted);
}

void Reply::refuse(const Refuse& refusal) {
  handle::Response response = start(refusal.code, refusal.authoritative && tells_of_local_data(refusal.code));
  response.has_text = true;
  response.text = refusal.text.empty() ? handle::text_of(refusal.code) : refusal.text;
  write(response);
}

void Reply::challenge(std::string_view nonce, std::uint32_t session_id) {
  to_.session_id = session_id;
  handle::Response response = start(ResponseCode::kAuthenticationNeeded, true);
  response.nonce = nonce;
  write(response);
}

void Reply::forwarded(const ForwardAnswer& answer) {
  const handle::OpCode op = request_->op();
  const bool success = answer.code == ResponseCode::kSuccess;
  // Never vouched for without having been checked (BEHAVIOUR.md §17.2 rule 8).
  const bool must_be_verified = request_->has(handle::flag::kCertify) || op == handle::OpCode::kVerifyAnswer;
  if (success && must_be_verified && !answer.signature_verified) {
    refuse({ResponseCode::kError, "the answer of the responsible node could not be verified", false});
    return;
  }
  handle::Response response = start(answer.code, false);
  bool restricted = false;
  if (success) {
    response.name = request_->name;
    response.has_values = true;
    response.values = {answer.value_count, answer.values};
    response.verified = answer.verified;
    ValueWalk walk(response.values);
    for (ValueView value; walk.next(value);) restricted |= (value.permissions & kPublicRead) == 0;
  } else {
    response.has_text = true;
    response.text = answer.text.empty() ? handle::text_of(answer.code) : std::string_view(answer.text);
  }
  write(response, restricted);
}

void Reply::names(std::uint32_t count, std::string_view encoded, bool more) {
  handle::Response response = start(ResponseCode::kSuccess, true);
  if (more) response.header.flags |= handle::flag::kContinuous;
  response.names = {count, encoded};
  write(response);
}

void Reply::seal() {
  const bool certified = !request_->has(handle::flag::kCertify) || certify();
  const bool sealed = certified && (!encrypts_ || encrypt());
  if (!sealed) refuse({ResponseCode::kError, "the answer could not be signed or encrypted", false});
  wants_seal_ = false;
}

bool Reply::certify() {
  constexpr std::size_t kNoCredential = 4;
  const handle::Coverage coverage{written_.version, written_.suggested, written_.session_id,
                                  written_.request_id, session_ == nullptr ? 0 : session_->next_counter()};
  const std::string_view message = std::string_view(frame_).substr(
      handle::kEnvelopeSize, frame_.size() - handle::kEnvelopeSize - kNoCredential);
  Result<handle::Authentication> made = std::unexpected(Errc::kCrypto);
  if (session_ != nullptr) {
    made = handle::make_mac(coverage, message, session_->key);
  } else if (node_->key != nullptr) {
    made = handle::sign_message(coverage, message, *node_->key);
  }
  if (!made) return false;
  handle::Credential credential;
  credential.present = true;
  credential.counter = coverage.counter;
  credential.type = session_ == nullptr ? "HS_SIGNED" : "HS_MAC";
  credential.algorithm = made->algorithm;
  credential.signature = made->signature;
  frame_.resize(frame_.size() - kNoCredential);
  handle::encode(credential, frame_);
  Writer(frame_).patch_u32(handle::kEnvelopeSize - 4,
                           static_cast<std::uint32_t>(frame_.size() - handle::kEnvelopeSize));
  return true;
}

bool Reply::encrypt() {
  const Result<std::string> encrypted =
      handle::encrypt_message(session_->algorithm, written_.version, session_->key,
                              std::string_view(frame_).substr(handle::kEnvelopeSize));
  if (!encrypted || encrypted->size() > handle::kMaxMessage) return false;
  handle::Envelope envelope = written_;
  envelope.encrypted = true;
  envelope.length = static_cast<std::uint32_t>(encrypted->size());
  frame_.clear();
  handle::encode(envelope, frame_);
  frame_.append(*encrypted);
  return true;
}

void append_protocol_error(const Services& services, const handle::Envelope& envelope,
                           std::string_view message, ResponseCode code, std::string_view text, Now now,
                           std::string& out) {
  append_error(services, envelope, readable_opcode(envelope, message), code, text, now, out);
}

void append_refusal(const Services& services, const handle::Envelope& envelope, std::string_view message,
                    ResponseCode code, std::string_view text, Now now, std::string& out) {
  append_error(services, envelope, readable_opcode(envelope, message), code, text, now, out);
}

}  // namespace idnode
