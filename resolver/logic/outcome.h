// What the logic decided about a request: a value, visited by whoever drives it.
//
// Views in an outcome point into the request, into buffers of the Context (Context::buffer, records that were
// looked up) or into constants, and hold until the next call of decide() with the same Context.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/handle/codes.h"
#include "protocol/handle/request.h"
#include "protocol/handle/session.h"
#include "protocol/value.h"
#include "resolver/logic/routes.h"
#include "storage/commit/mutation.h"
#include "storage/keys.h"

namespace idnode {

// The body of an answer that has one: which members count follows from (operation, code) as in WIRE.md §12.
struct Answer {
  handle::ResponseCode code = handle::ResponseCode::kSuccess;
  // Answered by this node: AT is set if its site is primary. False: from a pinned copy (BEHAVIOUR.md §17.4).
  bool authoritative = true;
  std::uint32_t flags = 0;  // further flags of the answer: kOverwrite, kMint

  std::string_view name;    // resolve: the client's spelling; create: the made name; 302, 303: empty
  bool has_values = false;  // resolve, 302, 303
  ValueList values;
  bool restricted = false;         // a value without PUBLIC_READ is among them
  std::string_view site;           // site info
  std::uint8_t verified = 0;       // 201
  std::uint16_t session_mode = 0;  // 400
  std::string_view key_data;       // 400
};

// Any other code. `text` is for people.
struct Refuse {
  handle::ResponseCode code = handle::ResponseCode::kError;
  std::string_view text;
  bool authoritative = true;  // as in Answer
};

// 402: the driver makes the nonce, keeps the request (challenges.h) and answers.
struct Challenge {};

// Ask somebody else (opcodes 1 and 201 only). `route`: the prefix record whose sites are asked; null: the
// national node. The driver makes the Question from the request.
struct Forward {
  std::shared_ptr<const PrefixEntry> route;
};

// Something is missing: records that are not in memory (Context::cold) or the result of a proof
// (Context::wanted_proof), or both. The driver gets all of it, then calls decide() again.
struct Need {};

// A change. `mutation`: action, deltas and writes; the driver fills id, actor, source and reads (all records
// that were looked up). `answer` goes out once it is committed.
struct Commit {
  Mutation mutation;
  Answer answer;
};

// A long answer: the names of a range of the store, 50 a message (105, 302).
struct Stream {
  KeyRange range;
  bool stored_keys = false;  // keys instead of the original spelling (BEHAVIOUR.md §1.1 rule 4)
};

// A session is to be opened: the driver makes its key (session_key.h), takes it into the table and answers.
struct SetSession {
  handle::SessionMode mode = handle::SessionMode::kDiffieHellman;
  std::string key;     // what the key is made with: the client's DH_PUB_KEY, or the data of its HS_PUBKEY
  Reference identity;  // that it is set up for, not proven; an empty handle: anonymous
  std::uint64_t idle_ms = 0;
  bool encrypt_all = false;
};

// The request's session ends; success.
struct EndSession {};

using Outcome =
    std::variant<Answer, Refuse, Challenge, Forward, Need, Commit, Stream, SetSession, EndSession>;

}  // namespace idnode
