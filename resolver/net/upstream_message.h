// What is sent to another node, and which answers count (BEHAVIOUR.md §17.2 rules 5 and 8a). Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/handle/codes.h"
#include "protocol/handle/response.h"
#include "resolver/logic/question.h"
#include "resolver/logic/source.h"
#include "resolver/net/site_choice.h"
#include "resolver/net/upstream.h"

namespace idnode {

// A question as it is put to a server.
struct Ask {
  handle::OpCode op = handle::OpCode::kResolve;  // or kVerifyAnswer, kSiteInfo
  std::string name;
  std::string indexes;  // list of int4 with its count; empty: none
  std::string types;    // list of bytes with its count; empty: none
  bool has_identity = false;
  std::string identity;
  std::string verify_body;
  std::uint32_t flags = 0;
  std::uint8_t recursion_count = 0;
};

// The client's question: AT, CT, PO, NR and 0x4 as they are, CA and RD set, REC clear. Session, credential
// and request id of the client go nowhere.
Ask ask_of(const Question& question);
// For the values that say where a prefix, or whatever a referral names, is served.
Ask ask_for_sites(std::string name, bool for_prefix_referral, bool certify, std::uint8_t recursion_count);

struct Outgoing {
  std::string frame;
  std::uint32_t request_id = 0;
  handle::OpCode op = handle::OpCode::kResolve;
  std::string name;                  // folded, a bare prefix expanded
  std::string_view covered() const;  // header and body: what the digest of an answer is about
};
Outgoing make_outgoing(const Ask& ask, const Target& target, std::uint32_t request_id, Now now);

struct Incoming {
  std::string message;  // what the views of response point into
  handle::Response response;
};
// Whether a whole message settles what was sent. Signatures are looked at later.
std::expected<std::unique_ptr<Incoming>, Dropped> check_incoming(const Outgoing& sent,
                                                                 const handle::Envelope& envelope,
                                                                 std::string message, Now now);
// Whether the answer carries a good signature by that key (Handle key encoding).
bool signed_by(const handle::Response& response, std::string_view public_key);

// §17.2 rule 9: the code that our client gets for what the last server said.
handle::ResponseCode code_for_client(handle::ResponseCode upstream);

}  // namespace idnode
