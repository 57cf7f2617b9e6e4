#include "tests/resolver/logic/session_client.h"

#include "protocol/bytes.h"
#include "protocol/crypto/exchange.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/message_cipher.h"
#include "protocol/handle/session.h"

namespace idnode::session_client {
namespace {

std::string reframe(handle::Envelope envelope, std::string_view message) {
  envelope.length = static_cast<std::uint32_t>(message.size());
  std::string out;
  handle::encode(envelope, out);
  return out.append(message);
}

}  // namespace

std::string oakley_prime() {
  return from_hex(
             "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404d"
             "def95"
             "19b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee3"
             "86bfb"
             "5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")
      .value();
}

Offer make_offer(std::string_view prime, std::string_view generator) {
  const crypto::DhPair pair = crypto::dh_generate(prime, generator).value();
  return {crypto::serialize(pair.key), pair.exponent};
}

std::optional<Session> accept(const Offer& offer, const handle::Response& answer) {
  const auto reply = handle::decode_session_reply(answer.envelope.version, answer.key_data);
  if (!reply || reply->algorithm != crypto::SessionAlgorithm::kAes) return std::nullopt;
  const auto theirs = crypto::parse_dh(reply->public_key);
  const auto ours = crypto::parse_dh(offer.public_key);
  if (!theirs || !ours || theirs->p != ours->p || theirs->g != ours->g) return std::nullopt;
  const auto secret = crypto::dh_secret(*theirs, offer.exponent);
  if (!secret) return std::nullopt;
  return Session{answer.envelope.session_id, crypto::session_key(reply->algorithm, *secret).value(), 0};
}

std::string in_session(std::string_view frame, const Session& session, std::uint32_t counter, Mac mac) {
  handle::Envelope envelope = handle::decode_envelope(frame).value();
  envelope.session_id = session.id;
  std::string_view message = frame.substr(handle::kEnvelopeSize);
  if (mac == Mac::kNone) return reframe(envelope, message);
  const handle::Header header = handle::decode_header(message).value();
  message = message.substr(0, handle::kHeaderSize + header.body_length);
  std::string key = session.key;
  if (mac == Mac::kOtherKey) key.front() = static_cast<char>(key.front() ^ 1);
  const handle::Authentication made = handle::make_mac(
      {envelope.version, envelope.suggested, envelope.session_id, envelope.request_id, counter}, message,
      key);
  std::string octets = made.signature;
  if (mac == Mac::kBad) octets.back() = static_cast<char>(octets.back() ^ 1);
  handle::Credential credential;
  credential.present = true;
  credential.counter = counter;
  credential.type = mac == Mac::kSigned ? "HS_SIGNED" : "HS_MAC";
  credential.algorithm = made.algorithm;
  credential.signature = octets;
  std::string whole(message);
  handle::encode(credential, whole);
  return reframe(envelope, whole);
}

std::string encrypted(std::string_view frame, const Session& session) {
  handle::Envelope envelope = handle::decode_envelope(frame).value();
  envelope.encrypted = true;
  envelope.session_id = session.id;
  return reframe(envelope, handle::encrypt_message(crypto::SessionAlgorithm::kAes, envelope.version,
                                                   session.key, frame.substr(handle::kEnvelopeSize))
                               .value());
}

std::string decrypted(std::string_view frame, std::string_view key) {
  const handle::Envelope envelope = handle::decode_envelope(frame).value();
  const auto plain = handle::decrypt_message(crypto::SessionAlgorithm::kAes, envelope.version, key,
                                             frame.substr(handle::kEnvelopeSize));
  return plain ? reframe(envelope, *plain) : std::string();
}

bool has_mac(const handle::Response& answer, const Session& session) {
  const handle::Envelope& envelope = answer.envelope;
  const handle::Credential& credential = answer.credential;
  return credential.present && credential.type == "HS_MAC" &&
         handle::verify_mac({envelope.version, envelope.suggested, envelope.session_id, envelope.request_id,
                             credential.counter},
                            answer.covered, session.key, credential.algorithm,
                            credential.signature) == handle::AuthResult::kValid;
}

}  // namespace idnode::session_client
