// envelope, request, response.
#include <stdexcept>

#include "protocol/handle/request_digest.h"
#include "tests/protocol/vectors/build.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

namespace {

using handle::Envelope;
using handle::kEnvelopeSize;
using handle::kHeaderSize;

void check_envelope(const Vector& v, Verdict& verdict) {
  const bool differs = has(v.fields, "decode");
  const Envelope wire = build_envelope(differs ? object(v.fields, "encode") : v.fields);
  const Envelope want = build_envelope(differs ? object(v.fields, "decode") : v.fields);
  std::string encoded;
  encode(wire, encoded);
  verdict.equal("encoded", encoded, v.octets);
  const auto got = handle::decode_envelope(v.octets);
  verdict.holds("decodes", got.has_value());
  if (!got) return;
  verdict.holds("decoded fields", *got == want);
  verdict.holds("what a decoder is to give", as_decoded(wire) == want);
  std::string again;
  encode(*got, again);
  verdict.holds("a second round gives the same", handle::decode_envelope(again) == got);
}

bool accepts_envelope(const Vector&, std::string_view octets) {
  return handle::decode_envelope(octets).has_value();
}

// The four octets of "no credential", unless the vector says that not even they are there.
void expect_no_credential(const Object& fields) {
  const Json& credential = field(fields, "credential");
  if (!credential.is_null() && !credential.is_string())
    throw std::runtime_error("a credential, which this checker does not compare");
}

std::size_t covered_size(const Object& fields) {
  return kHeaderSize + number(object(fields, "header"), "body_length");
}

void check_request(const Vector& v, Verdict& verdict) {
  expect_no_credential(v.fields);
  Kept kept;
  handle::Request want = build_request(v.fields, kept);
  std::string encoded;
  encode_request(want, {}, encoded);
  verdict.equal("encoded", encoded, v.octets);

  const std::string_view message = std::string_view(v.octets).substr(kEnvelopeSize);
  const auto envelope = handle::decode_envelope(v.octets);
  verdict.holds("the envelope decodes", envelope.has_value());
  if (!envelope) return;
  const auto got = handle::decode_request(*envelope, message, {});
  verdict.holds("decodes", got.has_value());
  if (!got) return;
  want.envelope = as_decoded(want.envelope);
  want.covered = message.substr(0, covered_size(v.fields));
  verdict.equal("covered octets", got->covered, want.covered);
  verdict.equal("name", got->name, want.name);
  verdict.holds("envelope", got->envelope == want.envelope);
  verdict.holds("header", got->header == want.header, kEnvelopeSize);
  verdict.holds("body", got->body == want.body, kEnvelopeSize + kHeaderSize);
  verdict.holds("all", *got == want);
  verdict.equal("announced length", got->envelope.length, message.size());
}

// The digest in a response must be that of the request it was given for.
void check_digest(const Vector& v, const handle::Response& got, Verdict& verdict) {
  if (!has(v.fields, "request_frame") || !got.request_digest.present) return;
  const std::string frame = octets(v.fields, "request_frame");
  const std::string_view message = std::string_view(frame).substr(kEnvelopeSize);
  const auto request = handle::decode_request(*handle::decode_envelope(frame), message, {});
  verdict.holds("the request of it decodes", request.has_value());
  if (!request) return;
  verdict.equal("request digest", handle::request_digest(got.envelope.version, request->covered),
                got.request_digest.digest);
  verdict.holds("version of the answer", request->answer_version() == got.envelope.version);
}

// Below 2.5 two codes are written as another; the newer name must give the same octets.
void check_old_codes(const Vector& v, handle::Response want, Verdict& verdict) {
  if (want.envelope.version.at_least(2, 5) || want.code() != handle::ResponseCode::kValueExists) return;
  want.header.response_code = static_cast<std::uint32_t>(handle::ResponseCode::kInvalidValue);
  std::string encoded;
  encode_response(want, {}, encoded);
  verdict.equal("202 written for an old client", encoded, v.octets);
}

void check_response(const Vector& v, Verdict& verdict) {
  expect_no_credential(v.fields);
  Kept kept;
  handle::Response want = build_response(v.fields, kept);
  std::string encoded;
  encode_response(want, {}, encoded);
  verdict.equal("encoded", encoded, v.octets);
  check_old_codes(v, want, verdict);

  const std::string_view message = std::string_view(v.octets).substr(kEnvelopeSize);
  const auto envelope = handle::decode_envelope(v.octets);
  verdict.holds("the envelope decodes", envelope.has_value());
  if (!envelope) return;
  const auto got = handle::decode_response(*envelope, message);
  verdict.holds("decodes", got.has_value());
  if (!got) return;
  want.envelope = as_decoded(want.envelope);
  want.covered = message.substr(0, covered_size(v.fields));
  verdict.equal("covered octets", got->covered, want.covered);
  verdict.equal("name", got->name, want.name);
  verdict.equal("text", got->text, want.text);
  verdict.equal("values", got->values.encoded, want.values.encoded);
  verdict.holds("header", got->header == want.header, kEnvelopeSize);
  verdict.holds("request digest part", got->request_digest == want.request_digest,
                kEnvelopeSize + kHeaderSize);
  verdict.holds("all", *got == want);
  if (!got->site.empty()) {
    const auto site = handle::decode_site(got->site);
    verdict.holds("site", site == build_site(object(object(v.fields, "body"), "site")));
  }
  check_digest(v, *got, verdict);
}

// A cut message is given to the decoder as if it had been announced so: the framing alone would refuse it.
bool accepts_message(const Vector& v, std::string_view octets) {
  const auto envelope = handle::decode_envelope(octets);
  if (!envelope) return false;
  const std::string_view message = octets.substr(kEnvelopeSize);
  if (v.kind == "request") return handle::decode_request(*envelope, message, {}).has_value();
  const auto response = handle::decode_response(*envelope, message);
  return response && (response->site.empty() || handle::decode_site(response->site).has_value());
}

const char* legal_short_message(const Vector& v, std::size_t length) {
  if (length < kEnvelopeSize + covered_size(v.fields)) return nullptr;
  return "fewer than four octets behind the body: no credential (WIRE.md §14)";
}

}  // namespace

std::span<const Row> message_rows() {
  static constexpr Row kRows[] = {
      {"envelope", check_envelope, accepts_envelope},
      {"request", check_request, accepts_message, legal_short_message},
      {"response", check_response, accepts_message, legal_short_message},
  };
  return kRows;
}

}  // namespace idnode::vectors
