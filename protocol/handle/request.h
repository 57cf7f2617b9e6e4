// Requests: one decoder and one encoder per body (WIRE.md §11).
//
// A decoded request points into the octets it came from; nothing is copied, nothing is allocated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/handle/codes.h"
#include "protocol/handle/credential.h"
#include "protocol/handle/envelope.h"
#include "protocol/handle/header.h"
#include "protocol/result.h"
#include "protocol/value.h"

namespace idnode::handle {

// A checked `list of int4`.
struct IndexList {
  std::uint32_t count = 0;
  std::string_view encoded;  // count * 4 octets
  std::uint32_t operator[](std::uint32_t i) const;
  bool contains(std::uint32_t index) const;
  bool operator==(const IndexList&) const = default;
};
// A checked `list of bytes`.
struct TextList {
  std::uint32_t count = 0;
  std::string_view encoded;
  bool operator==(const TextList&) const = default;
};
// Read a list from the reader, looking at every length; the reader's failure sticks.
IndexList read_indexes(Reader& reader);
TextList read_texts(Reader& reader);
// Walks a TextList.
class TextWalk {
 public:
  explicit TextWalk(TextList list) : reader_(list.encoded), left_(list.count) {}
  bool next(std::string_view& text);

 private:
  Reader reader_;
  std::uint32_t left_;
};

struct ResolveBody {
  IndexList indexes;
  TextList types;
  bool has_identity = false;  // the industrial SDK's trailing field was there
  std::string_view identity;  // a token, usually empty
  bool operator==(const ResolveBody&) const = default;
};
struct ValuesBody {  // 100, 102, 104
  ValueList values;
  bool operator==(const ValuesBody&) const = default;
};
struct IndexesBody {  // 103
  IndexList indexes;
  bool operator==(const IndexesBody&) const = default;
};
struct NameBody {
  bool operator==(const NameBody&) const = default;
};  // 2, 101, 105, 300, 301, 302, 401, 1000, 1003
struct ChallengeAnswerBody {  // 200; the request's `name` is the identity handle
  std::string_view type;      // HS_PUBKEY or HS_SECKEY
  std::uint32_t index = 0;
  std::string_view proof;  // signed response
  bool operator==(const ChallengeAnswerBody&) const = default;
};
struct VerifyBody {  // 201; the request's `name` is the identity handle
  std::uint32_t index = 0;
  std::string_view nonce;
  std::string_view digest;
  std::string_view proof;
  bool operator==(const VerifyBody&) const = default;
};
struct SessionSetupBody {  // 400; the request's `name` is the identity handle
  std::uint16_t mode = 0;
  std::uint32_t timeout_seconds = 0;
  std::uint32_t index = 0;           // 0xFFFFFFFF: anonymous
  std::string_view public_key;       // modes 1 and 4
  std::string_view exchange_handle;  // mode 3
  std::uint32_t exchange_index = 0;  // mode 3
  bool operator==(const SessionSetupBody&) const = default;
};
struct KeyExchangeBody {  // 402
  std::string_view encrypted_key;
  bool operator==(const KeyExchangeBody&) const = default;
};
struct TransactionsBody {   // 1001
  std::uint8_t marker = 0;  // 0: id and date, 1: state (from 2.9)
  std::uint64_t last_id = 0;
  std::uint64_t last_date_ms = 0;
  std::string_view state;
  std::uint8_t hash_option = 0;
  std::uint32_t servers = 0;
  std::uint32_t server = 0;
  bool operator==(const TransactionsBody&) const = default;
};
struct DumpBody {  // 1002
  std::uint8_t hash_option = 0;
  std::uint32_t servers = 0;
  std::uint32_t server = 0;
  bool resumes = false;
  std::string_view start;
  std::uint32_t start_type = 0;
  bool operator==(const DumpBody&) const = default;
};
struct LoginBody {  // 2001; the request's `name` is the identity handle
  std::uint32_t index = 0;
  bool operator==(const LoginBody&) const = default;
};

using RequestBody =
    std::variant<NameBody, ResolveBody, ValuesBody, IndexesBody, ChallengeAnswerBody, VerifyBody,
                 SessionSetupBody, KeyExchangeBody, TransactionsBody, DumpBody, LoginBody>;

struct Request {
  Envelope envelope;
  Header header;
  std::string_view covered;  // header and body exactly as received: what digests, MACs and signatures cover
  std::string_view name;     // handle, prefix or identity, by operation
  RequestBody body;
  Credential credential;

  OpCode op() const { return static_cast<OpCode>(header.opcode); }
  bool has(std::uint32_t flags) const { return (header.flags & flags) == flags; }
  // The version its response is written in; all choices of algorithm follow it.
  Version answer_version() const { return response_version(envelope.suggested); }
  bool operator==(const Request&) const = default;
};

struct RequestLimits {
  std::uint32_t name_bytes = 2'048;
  std::uint32_t values = 2'048;
};

// `message` is what follows the envelope, decrypted. Errors: kTruncated, kMalformed, kTooLarge, kUnsupported
// (an opcode nobody defines): all answered 4. kRefused: it is a response, which nobody answers. Opcode 106
// decodes with an empty name: it is answered 5.
Result<Request> decode_request(const Envelope& envelope, std::string_view message,
                               const RequestLimits& limits);

// Appends a whole TCP frame: envelope, header, body, `credential_octets` (as encoded by credential.h; four
// zero octets when empty, except for opcode 2001, which has none). envelope.length and header.body_length are
// computed; flag RD goes out from version 2.1 only. The body must be of the kind of the opcode.
void encode_request(const Request& request, std::string_view credential_octets, std::string& out);

// Lists for requests that are made here. Append the list with its count.
void encode_indexes(const std::vector<std::uint32_t>& indexes, std::string& out);
void encode_texts(const std::vector<std::string>& texts, std::string& out);

}  // namespace idnode::handle
