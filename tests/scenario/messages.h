// Requests as scenario lines write them.
#pragma once

#include <optional>
#include <string>

#include "resolver/logic/source.h"
#include "tests/scenario/values.h"

namespace idnode::scenario {

struct Sent {
  std::string frame;
  Source source;
  handle::Request request;  // decoded from `frame`, views into it
};

// A request frame and where it comes from. `body`: for `answer`, the fields of opcode 200.
struct AnswerFields {
  std::string type;
  std::string identity;
  std::uint32_t index = 0;
  std::string proof;
  std::uint32_t session = 0;
};
std::unique_ptr<Sent> make_request(const Command& command, const Keys& keys, std::uint32_t request_id,
                                   const std::optional<AnswerFields>& answer);

// The set-up of a session; `public_key`: the client's half in mode 4.
std::unique_ptr<Sent> make_set_up(const Command& command, const std::string& public_key,
                                  std::uint32_t request_id);
// The same message with other octets.
std::unique_ptr<Sent> with_frame(const Sent& sent, std::string frame);

std::unique_ptr<Sent> make_verify(const Command& command, const std::string& identity,
                                  const handle::VerifyBody& body, std::uint32_t request_id);

}  // namespace idnode::scenario
