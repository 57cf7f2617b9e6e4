// The recorded conversations, frame by frame: every frame is decoded and made again, and every digest, proof,
// session key, MAC, signature and ciphertext in it is computed anew. Then every frame is spoiled in turn,
// which must be noticed.
#include <boost/json.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/crypto/exchange.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/message_cipher.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/request.h"
#include "protocol/handle/request_digest.h"
#include "protocol/handle/response.h"
#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {
namespace {

using handle::AuthResult;
using handle::Envelope;
using handle::OpCode;
using handle::Request;
using handle::Response;
using handle::ResponseCode;

constexpr std::size_t kIvSize = 16;

struct Frame {
  bool from_client = false;
  std::string octets;
};

std::vector<Frame> frames(const Vector& v) {
  std::vector<Frame> all;
  for (const Json& step : list(v.fields, "steps")) {
    const Object& o = step.as_object();
    all.push_back({text(o, "from") == "client", octets(o, "frame")});
  }
  return all;
}

// What has been agreed on and asked so far.
struct Conversation {
  const Vector& vector;
  crypto::PublicKey server_key;
  std::string session_key;         // empty until the set-up was answered
  std::string dh_request;          // the client's half, as sent
  std::string message;             // of the last request: keeps `request` alive
  std::optional<Request> request;  // the last one
  std::string challenge_message;   // keeps `challenge` alive
  std::optional<Response> challenge;
  std::string challenged;    // what the challenged request covers
  bool proof_valid = false;  // of the last answer
  std::size_t proofs = 0, macs = 0, signatures = 0, ciphertexts = 0, digests = 0, session_keys = 0;
};

crypto::PublicKey server_key(const Vector& v) {
  auto key = crypto::PublicKey::parse(octets(v.fields, "server_public_key"));
  if (!key) throw std::runtime_error("server_public_key cannot be read");
  return std::move(*key);
}

// Header, body and credential in the clear. A ciphertext must come out again when it is made with its own IV.
std::optional<std::string> open(Conversation& c, const Envelope& envelope, std::string_view rest,
                                Verdict& verdict) {
  verdict.equal("message length", rest.size(), envelope.length);
  if (!envelope.encrypted) return std::string(rest);
  const auto plain =
      handle::decrypt_message(crypto::SessionAlgorithm::kAes, envelope.version, c.session_key, rest);
  verdict.holds("decrypts", plain.has_value());
  if (!plain) return std::nullopt;
  const auto again = handle::encrypt_message_with(crypto::SessionAlgorithm::kAes, envelope.version,
                                                  c.session_key, rest.substr(0, kIvSize), *plain);
  verdict.equal("ciphertext", again.value_or(""), rest);
  ++c.ciphertexts;
  return *plain;
}

handle::Coverage coverage(const Envelope& envelope, const handle::Credential& credential) {
  return {envelope.version, envelope.suggested, envelope.session_id, envelope.request_id, credential.counter};
}

void check_credential(Conversation& c, const Envelope& envelope, std::string_view covered,
                      const handle::Credential& credential, Verdict& verdict) {
  if (!credential.present) return;
  const handle::Coverage covers = coverage(envelope, credential);
  if (credential.type == "HS_MAC") {
    const auto made = handle::make_mac(covers, covered, c.session_key);
    verdict.equal("MAC algorithm", credential.algorithm, made.algorithm);
    verdict.equal("MAC", credential.signature, made.signature);
    verdict.holds("the MAC verifies", handle::verify_mac(covers, covered, c.session_key, credential.algorithm,
                                                         credential.signature) == AuthResult::kValid);
    ++c.macs;
  } else {
    verdict.equal("credential type", credential.type, "HS_SIGNED");
    verdict.holds("the signature verifies",
                  handle::verify_message(covers, covered, c.server_key, credential.algorithm,
                                         credential.signature) == AuthResult::kValid);
    ++c.signatures;
  }
}

// A frame that was sent in the clear must be made again octet by octet out of what was decoded; an encrypted
// one gives the message it held.
template <typename Message, typename Encode>
void check_made_again(const Message& message, const Envelope& envelope, std::string_view plain, Encode encode,
                      Verdict& verdict) {
  std::string credential;
  handle::encode(message.credential, credential);
  std::string frame;
  encode(message, credential, frame);
  verdict.equal(envelope.encrypted ? "message made again" : "frame made again",
                std::string_view(frame).substr(handle::kEnvelopeSize), plain);
  if (envelope.encrypted) return;
  std::string head;
  handle::encode(envelope, head);
  verdict.equal("envelope made again", std::string_view(frame).substr(0, handle::kEnvelopeSize), head);
}

// The proof in an answer to the pending challenge: recomputed with the secret of the identity, it is what was
// sent or it is not.
void check_proof(Conversation& c, const handle::ChallengeAnswerBody& answer, std::string_view identity,
                 Verdict& verdict) {
  verdict.holds("a challenge is open", c.challenge.has_value());
  if (!c.challenge) return;
  verdict.equal("kind of proof", answer.type, "HS_SECKEY");
  if (has(c.vector.fields, "secret_handle")) {
    verdict.equal("identity", identity, text(c.vector.fields, "secret_handle"));
    verdict.equal("index", answer.index, number(c.vector.fields, "secret_index"));
  }
  const Envelope& e = c.challenge->envelope;
  const handle::Challenge challenge{c.challenge->nonce, c.challenge->request_digest.digest,
                                    handle::challenge_version(e.version, e.suggested)};
  const std::string secret = octets(c.vector.fields, "secret");
  c.proof_valid = handle::verify_secret(challenge, answer.proof, secret, {}) == handle::Proof::kValid;
  Reader r(answer.proof);
  const std::uint8_t algorithm = r.u8();
  const std::string_view salt = r.bytes();
  const std::uint32_t iterations = r.u32();
  const std::uint32_t bits = r.u32();
  r.bytes();
  verdict.holds("the proof can be sliced", r.ok() && r.at_end() && algorithm == 0x22);
  const bool same = handle::answer_pbkdf2(challenge, secret, salt, iterations, bits) == answer.proof;
  verdict.holds("recomputed as verified", same == c.proof_valid);
  ++c.proofs;
}

void check_request(Conversation& c, const Envelope& envelope, std::string plain, Verdict& verdict) {
  c.message = std::move(plain);
  const auto request = handle::decode_request(envelope, c.message, {});
  verdict.holds("is a request", request.has_value());
  if (!request) throw std::runtime_error("no request");
  c.request = *request;
  check_made_again(*request, envelope, c.message, handle::encode_request, verdict);
  // The set-up comes before there is a key; its answer is what authenticates.
  check_credential(c, envelope, request->covered, request->credential, verdict);
  if (const auto* setup = std::get_if<handle::SessionSetupBody>(&request->body))
    c.dh_request = setup->public_key;
  if (const auto* answer = std::get_if<handle::ChallengeAnswerBody>(&request->body))
    check_proof(c, *answer, request->name, verdict);
}

// Both halves of the exchange and what follows from them.
void check_session_key(Conversation& c, const Response& response, Verdict& verdict) {
  Reader r(response.key_data);
  const std::uint32_t algorithm = r.u32();
  const auto theirs = crypto::parse_dh(r.rest());
  const auto ours = crypto::parse_dh(c.dh_request);
  verdict.holds("both halves are keys", theirs.has_value() && ours.has_value());
  if (!theirs || !ours) return;
  verdict.equal("algorithm", algorithm, static_cast<std::uint64_t>(crypto::SessionAlgorithm::kAes));
  verdict.equal("group", theirs->p + "," + theirs->g, ours->p + "," + ours->g);
  const std::string exponent = octets(c.vector.fields, "client_dh_private");
  const auto half = crypto::dh_secret({ours->p, ours->g, ours->g}, exponent);  // g ^ x
  verdict.equal("the client's half", half.value_or(""),
                std::string(ours->p.size() - ours->y.size(), '\0') + ours->y);
  const auto secret = crypto::dh_secret(*theirs, exponent);
  verdict.holds("a secret comes out", secret.has_value());
  if (!secret) return;
  c.session_key = crypto::session_key(crypto::SessionAlgorithm::kAes, *secret).value_or("");
  verdict.equal("session key", c.session_key, octets(c.vector.fields, "session_key"));
  verdict.equal("session id", response.envelope.session_id, number(c.vector.fields, "session_id"));
  ++c.session_keys;
}

// A digest is of the request itself or, in what follows an answer, of the request that had been challenged.
void check_digest(Conversation& c, const Response& response, Verdict& verdict) {
  const handle::DigestPart& part = response.request_digest;
  if (!part.present) return;
  const std::string_view covered =
      c.request->op() == OpCode::kAnswerChallenge ? std::string_view(c.challenged) : c.request->covered;
  verdict.equal("request digest", part.digest, handle::request_digest(response.envelope.version, covered));
  verdict.holds("the digest matches", handle::request_digest_matches(part.algorithm, part.digest, covered));
  ++c.digests;
}

void check_response(Conversation& c, const Envelope& envelope, const std::string& plain, Verdict& verdict) {
  verdict.holds("follows a request", c.request.has_value());
  if (!c.request) return;
  const auto response = handle::decode_response(envelope, plain);
  verdict.holds("is a response", response.has_value());
  if (!response) throw std::runtime_error("no response");
  check_made_again(*response, envelope, plain, handle::encode_response, verdict);
  verdict.equal("request id", envelope.request_id, c.request->envelope.request_id);
  const bool answered = c.request->op() == OpCode::kAnswerChallenge;
  if (!answered) verdict.equal("operation", response->header.opcode, c.request->header.opcode);
  if (answered)
    verdict.equal("a valid proof is taken, another is not", response->header.response_code,
                  c.proof_valid ? 1 : static_cast<std::uint64_t>(ResponseCode::kAuthenticationFailed));
  check_digest(c, *response, verdict);
  if (response->op() == OpCode::kSessionSetup && response->code() == ResponseCode::kSuccess)
    check_session_key(c, *response, verdict);
  check_credential(c, envelope, response->covered, response->credential, verdict);
  if (response->code() != ResponseCode::kAuthenticationNeeded) return;
  c.challenged = c.request->covered;
  c.challenge_message = plain;
  c.challenge = *handle::decode_response(envelope, c.challenge_message);
}

void check_frame(Conversation& c, const Frame& frame, Verdict& verdict) {
  const auto envelope = handle::decode_envelope(frame.octets);
  verdict.holds("has an envelope", envelope.has_value());
  if (!envelope) return;
  auto plain = open(c, *envelope, std::string_view(frame.octets).substr(handle::kEnvelopeSize), verdict);
  if (!plain) return;
  frame.from_client ? check_request(c, *envelope, std::move(*plain), verdict)
                    : check_response(c, *envelope, *plain, verdict);
}

// Stops at the first frame with a difference and says which.
Conversation check(const Vector& v, const std::vector<Frame>& all, Verdict& verdict, std::size_t& at) {
  Conversation c{.vector = v, .server_key = server_key(v)};
  for (at = 0; at < all.size() && !verdict.failed(); ++at) {
    try {
      check_frame(c, all[at], verdict);
    } catch (const std::exception& e) {
      verdict.holds(e.what(), false);
    }
  }
  return c;
}

// Number of frames whose last octet can be changed without a difference: must be 0.
std::size_t unnoticed(const Vector& v, const std::vector<Frame>& all) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<Frame> spoiled = all;
    spoiled[i].octets.back() = static_cast<char>(spoiled[i].octets.back() ^ 1);
    Verdict verdict;
    std::size_t at = 0;
    check(v, spoiled, verdict, at);
    // `at` is one past the frame that differed.
    if (verdict.failed() && at == i + 1) continue;
    ++count;
    std::printf("UNNOTICED %s frame %zu\n", v.name.c_str(), i);
  }
  return count;
}

bool passes(const Vector& v) {
  const std::vector<Frame> all = frames(v);
  Verdict verdict;
  std::size_t at = 0;
  const Conversation c = check(v, all, verdict, at);
  if (all.empty()) verdict.holds("there are frames", false);
  if (verdict.failed()) {
    std::printf("FAILED %s frame %zu offset %zu: %s\n", v.name.c_str(), at - 1, verdict.offset(),
                verdict.what().c_str());
    return false;
  }
  std::printf(
      "%s: %zu frames, %zu digests, %zu proofs, %zu session keys, %zu MACs, %zu signatures, "
      "%zu ciphertexts recomputed\n",
      v.name.c_str(), all.size(), c.digests, c.proofs, c.session_keys, c.macs, c.signatures, c.ciphertexts);
  return c.proofs > 0 && unnoticed(v, all) == 0;
}

int run() {
  std::size_t checked = 0, failed = 0;
  for (const Vector& v : load(default_path())) {
    if (v.kind != "transcript") continue;
    ++checked;
    if (!passes(v)) ++failed;
  }
  std::printf("transcripts: %zu checked, %zu failed\n", checked, failed);
  return checked > 0 && failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode::vectors

int main() {
  try {
    return idnode::vectors::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "transcript_test: %s\n", e.what());
    return 1;
  }
}
