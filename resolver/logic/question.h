// A question that somebody else must answer, and what came back (BEHAVIOUR.md §17.2). Values: the upstream
// thread owns copies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/handle/codes.h"
#include "protocol/handle/request.h"
#include "resolver/logic/routes.h"

namespace idnode {

struct Question {
  handle::OpCode op = handle::OpCode::kResolve;  // or kVerifyAnswer
  std::string name;                              // as the client wrote it
  std::string indexes;                           // list of int4 with its count, as on the wire (kResolve)
  std::string types;                             // list of bytes with its count (kResolve)
  bool has_identity = false;
  std::string identity;              // token of the industrial SDK
  std::string verify_body;           // kVerifyAnswer: the whole body
  std::uint32_t flags = 0;           // AT, CT, PO, NR, CA, 0x4 of the client
  std::uint8_t recursion_count = 0;  // already raised
  std::shared_ptr<const PrefixEntry>
      route;  // pointer prefix: its sites are asked, not the national node; else null

  // Whether the answer cache may answer it (AT clear, PO set, opcode 1, no token).
  bool cacheable() const {
    return op == handle::OpCode::kResolve && (flags & handle::flag::kAuthoritative) == 0 &&
           (flags & handle::flag::kPublicOnly) != 0 && identity.empty();
  }
};

// What `request` (opcode 1 or 201) asks, one hop further.
Question make_question(const handle::Request& request, std::shared_ptr<const PrefixEntry> route);

struct ForwardAnswer {
  enum class Outcome {
    kAnswered,
    kNotFound,
    kFailed,
    kTimeout,
    kRefused
  };  // the label of idnode_upstream_requests_total
  Outcome outcome = Outcome::kFailed;
  handle::ResponseCode code = handle::ResponseCode::kError;  // as it goes to the client, §17.2 rule 9 applied
  std::uint32_t value_count = 0;
  std::string values;         // encoded, unchanged ttl
  std::string text;           // of an error
  std::uint8_t verified = 0;  // kVerifyAnswer
  bool signature_verified = false;
};

}  // namespace idnode
