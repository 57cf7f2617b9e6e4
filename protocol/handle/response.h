// Responses: what stands in them by opcode and code (WIRE.md §12, §13).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/codes.h"
#include "protocol/handle/credential.h"
#include "protocol/handle/envelope.h"
#include "protocol/handle/header.h"
#include "protocol/handle/request.h"
#include "protocol/result.h"
#include "protocol/value.h"

namespace idnode::handle {

// The digest part in front of a body (WIRE.md §15).
struct DigestPart {
  bool present = false;
  std::uint8_t algorithm = 0;  // 1 MD5, 2 SHA-1, 3 SHA-256; 0: the old length form
  std::string_view digest;
  bool operator==(const DigestPart&) const = default;
};

// One struct for every response: which members count follows from (opcode, code), as in the table of §12.
// Views point into the message (decoded) or into what the caller keeps (encoded).
struct Response {
  Envelope envelope;
  Header header;
  DigestPart request_digest;
  std::string_view
      name;  // resolve: the client's spelling; create: the made name; 302, 303: the referral handle
  bool has_values = false;        // resolve: true; 302, 303: whether a list follows the handle
  ValueList values;               // resolve, 302, 303
  TextList names;                 // 105, 302
  std::string_view site;          // site info: one HS_SITE record
  std::string_view nonce;         // challenge
  std::uint8_t verified = 0;      // 201
  std::uint16_t mode = 0;         // session set-up
  std::string_view key_data;      // session set-up
  std::uint64_t next_id = 0;      // 1000
  std::uint8_t stream_flags = 0;  // 1001
  bool has_text = false;          // an error body of length 0 has none
  std::string_view text;          // errors
  std::string_view covered;       // header and body as received
  Credential credential;

  ResponseCode code() const { return static_cast<ResponseCode>(header.response_code); }
  OpCode op() const { return static_cast<OpCode>(header.opcode); }
  bool operator==(const Response&) const = default;
};

// `message` is what follows the envelope, decrypted and reassembled. A 303 of a version below 2.5 is decoded
// as
// 7. kMalformed: it does not fit, or is a request; kTooLarge: above what a response may hold (§12 note 5);
// kUnsupported: a success of an operation that has none.
Result<Response> decode_response(const Envelope& envelope, std::string_view message);

// Appends a whole TCP frame (envelope included). `credential_octets` empty: four zero octets. envelope.length
// and header.body_length are computed, and flag RD follows from `request_digest` and the version. Codes 7,
// 202 and 303 change for versions below 2.5 (§10).
void encode_response(const Response& response, std::string_view credential_octets, std::string& out);

}  // namespace idnode::handle
