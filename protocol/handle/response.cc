#include "protocol/handle/response.h"

namespace idnode::handle {
namespace {

// Bounds that reading clients of the field have too (WIRE.md §12 note 5).
constexpr std::uint32_t kMostValues = 2'048;
constexpr std::size_t kLongestName = 2'048;

constexpr std::size_t raw_digest_size(std::uint8_t algorithm) {
  return algorithm == 1 ? 16 : algorithm == 2 ? 20 : algorithm == 3 ? 32 : 0;
}

DigestPart read_digest_part(Reader& r) {
  DigestPart part;
  part.present = true;
  part.algorithm = r.u8();
  if (part.algorithm == 0) {
    // Not an algorithm but the first octet of an int4 length.
    const std::uint32_t high = r.u8();
    part.digest = r.take((high << 16) | r.u16());
  } else if (const std::size_t size = raw_digest_size(part.algorithm); size != 0) {
    part.digest = r.take(size);
  } else {
    r.fail(Errc::kMalformed);
  }
  return part;
}

void write_digest_part(const DigestPart& part, Writer& w) {
  if (part.algorithm == 0) {
    w.bytes(part.digest);
  } else {
    w.u8(part.algorithm);
    w.raw(part.digest);
  }
}

// Versions below 2.5 know code 7 as 303 and code 202 as 201 (WIRE.md §10).
std::uint32_t code_from_wire(Version version, std::uint32_t code) {
  const bool old = !version.at_least(2, 5);
  return old && code == static_cast<std::uint32_t>(ResponseCode::kPrefixReferral)
             ? static_cast<std::uint32_t>(ResponseCode::kReadOnly)
             : code;
}
std::uint32_t code_to_wire(Version version, ResponseCode code) {
  if (!version.at_least(2, 5)) {
    if (code == ResponseCode::kReadOnly)
      code = ResponseCode::kPrefixReferral;
    else if (code == ResponseCode::kInvalidValue)
      code = ResponseCode::kValueExists;
  }
  return static_cast<std::uint32_t>(code);
}

std::string_view read_name(Reader& r) {
  const std::string_view name = r.bytes();
  if (name.size() > kLongestName) r.fail(Errc::kTooLarge);
  return name;
}

void read_value_list(Reader& r, Response& response) {
  response.has_values = true;
  response.values = read_values(r, kMostValues);
}

void read_success(Reader& r, Response& response) {
  switch (response.op()) {
    case OpCode::kResolve:
      response.name = read_name(r);
      read_value_list(r, response);
      return;
    case OpCode::kSiteInfo: response.site = r.rest(); return;
    case OpCode::kCreate:
      if (!r.at_end()) response.name = read_name(r);
      return;
    case OpCode::kListHandles:
    case OpCode::kListHomed: response.names = read_texts(r); return;
    case OpCode::kVerifyAnswer: response.verified = r.u8(); return;
    case OpCode::kSessionSetup:
      response.mode = r.u16();
      response.key_data = r.bytes();
      return;
    case OpCode::kNextTransactionId: response.next_id = r.u64(); return;
    case OpCode::kRetrieveTransactions: response.stream_flags = r.u8(); return;
    case OpCode::kDumpHandles:
    case OpCode::kDelete:
    case OpCode::kAddValues:
    case OpCode::kRemoveValues:
    case OpCode::kModifyValues:
    case OpCode::kHomePrefix:
    case OpCode::kUnhomePrefix:
    case OpCode::kSessionTerminate:
    case OpCode::kSessionKeyExchange:
    case OpCode::kBackUp:
    case OpCode::kLogin: return;
    // The final response after an answer carries the original opcode (WIRE.md §12 note 4).
    case OpCode::kAnswerChallenge:
    case OpCode::kListDerivedPrefixes:
    case OpCode::kReserved: break;
  }
  r.fail(Errc::kUnsupported);
}

void read_body(Reader& r, Response& response) {
  const Version version = response.envelope.version;
  if ((response.header.flags & flag::kReturnDigest) != 0 && version.at_least(2, 1))
    response.request_digest = read_digest_part(r);
  switch (response.code()) {
    case ResponseCode::kSuccess: read_success(r, response); return;
    case ResponseCode::kServiceReferral:
    case ResponseCode::kPrefixReferral:
      response.name = read_name(r);
      if (!r.at_end()) read_value_list(r, response);
      return;
    case ResponseCode::kAuthenticationNeeded:
      response.nonce = r.bytes();
      if (!version.at_least(2, 1)) response.request_digest = {true, 0, r.bytes()};
      return;
    default:
      response.has_text = !r.at_end();
      if (response.has_text) response.text = r.bytes();
  }
}

void write_success(const Response& response, Writer& w) {
  switch (response.op()) {
    case OpCode::kResolve:
      w.bytes(response.name);
      w.u32(response.values.count);
      w.raw(response.values.encoded);
      return;
    case OpCode::kSiteInfo: w.raw(response.site); return;
    case OpCode::kCreate:
      if (!response.name.empty()) w.bytes(response.name);
      return;
    case OpCode::kListHandles:
    case OpCode::kListHomed:
      w.u32(response.names.count);
      w.raw(response.names.encoded);
      return;
    case OpCode::kVerifyAnswer: w.u8(response.verified); return;
    case OpCode::kSessionSetup:
      w.u16(response.mode);
      w.bytes(response.key_data);
      w.u16(0);  // part of the format by an error of the reference, as in the request
      return;
    case OpCode::kNextTransactionId: w.u64(response.next_id); return;
    case OpCode::kRetrieveTransactions: w.u8(response.stream_flags); return;
    default: return;
  }
}

void write_body(const Response& response, bool digest_in_front, Writer& w) {
  if (digest_in_front) write_digest_part(response.request_digest, w);
  switch (response.code()) {
    case ResponseCode::kSuccess: write_success(response, w); return;
    case ResponseCode::kServiceReferral:
    case ResponseCode::kPrefixReferral:
      w.bytes(response.name);
      if (!response.has_values) return;
      w.u32(response.values.count);
      w.raw(response.values.encoded);
      return;
    case ResponseCode::kAuthenticationNeeded:
      w.bytes(response.nonce);
      if (!response.envelope.version.at_least(2, 1)) w.bytes(response.request_digest.digest);
      return;
    default:
      if (response.has_text) w.bytes(response.text);
  }
}

}  // namespace

Result<Response> decode_response(const Envelope& envelope, std::string_view message) {
  const Result<Header> header = decode_header(message);
  if (!header) return std::unexpected(header.error());
  if (header->response_code == 0) return std::unexpected(Errc::kMalformed);

  Response response;
  response.envelope = envelope;
  response.header = *header;
  response.header.response_code = code_from_wire(envelope.version, header->response_code);
  response.covered = message.substr(0, kHeaderSize + header->body_length);
  Reader body(response.covered.substr(kHeaderSize));
  read_body(body, response);
  if (!body.ok()) return std::unexpected(body.error());
  const Result<Credential> credential = decode_credential(message.substr(response.covered.size()));
  if (!credential) return std::unexpected(credential.error());
  response.credential = *credential;
  return response;
}

void encode_response(const Response& response, std::string_view credential_octets, std::string& out) {
  const std::size_t start = out.size();
  const Version version = response.envelope.version;
  const bool digest_in_front = response.request_digest.present && version.at_least(2, 1);
  Header header = response.header;
  header.response_code = code_to_wire(version, response.code());
  header.flags &= ~flag::kReturnDigest;
  if (digest_in_front) header.flags |= flag::kReturnDigest;

  Writer w(out);
  encode(response.envelope, out);
  encode(header, out);
  const std::size_t body = out.size();
  write_body(response, digest_in_front, w);
  w.patch_u32(body - 4, static_cast<std::uint32_t>(out.size() - body));
  if (credential_octets.empty())
    w.u32(0);
  else
    w.raw(credential_octets);
  w.patch_u32(start + kEnvelopeSize - 4, static_cast<std::uint32_t>(out.size() - start - kEnvelopeSize));
}

}  // namespace idnode::handle
