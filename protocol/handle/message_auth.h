// Session MACs and signatures of messages: which octets they cover and how (WIRE.md §14.1). Pure computation.
//
// The credential around them is credential.h; here are its two fields, algorithm and signature.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/crypto/key.h"
#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

// What of the envelope and credential is covered besides header and body.
struct Coverage {
  Version version;
  Version suggested;  // as decoded
  std::uint32_t session_id = 0;
  std::uint32_t request_id = 0;
  std::uint32_t counter = 0;  // the credential's signer index
};

// The exact octets; `message` is header and body as they stand (never ciphertext), `key` the whole session
// key. From 2.7 they go through HMAC-SHA256 with the key, before that through plain SHA-1.
std::string mac_covered(const Coverage& coverage, std::string_view message, std::string_view key);
std::string signature_covered(const Coverage& coverage, std::string_view message);

// The two fields of a credential.
struct Authentication {
  std::string algorithm;
  std::string signature;
};

enum class AuthResult : std::uint8_t {
  kValid,
  kWrong,         // answered 502 (MAC)
  kUnacceptable,  // an algorithm that is not known, or not allowed in this version: 406
};

Authentication make_mac(const Coverage& coverage, std::string_view message, std::string_view key);
// The names of HMAC-SHA256 are read without case and punctuation; from 2.7 nothing else is taken, before that
// SHA-1 by any of its names.
AuthResult verify_mac(const Coverage& coverage, std::string_view message, std::string_view key,
                      std::string_view algorithm, std::string_view mac);

// kCrypto: the signature cannot be made; the message must then not be sent as if it had none.
Result<Authentication> sign_message(const Coverage& coverage, std::string_view message,
                                    const crypto::PrivateKey& key);
AuthResult verify_message(const Coverage& coverage, std::string_view message, const crypto::PublicKey& key,
                          std::string_view algorithm, std::string_view signature, bool allow_md5 = false);

}  // namespace idnode::handle
