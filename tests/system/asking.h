// The few questions that the system tests put to a node, in one line each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/value.h"
#include "resolver/net/client.h"

namespace idnode {

Value text_value(std::uint32_t index, std::string_view type, std::string_view data,
                 std::uint8_t permissions = kDefaultPermissions);
// 100 HS_ADMIN with every permission for `who`.
Value admin_value(const Reference& who, std::uint32_t index = 100);

// What came of it: a response code, or 1000 + Errc when no answer came.
using Code = std::uint32_t;
inline constexpr Code kNoAnswer = 1000;
Code code_of(const Result<Reply>& reply);

// `op` with a body of values: create, add, modify.
Code ask_values(Client& client, const ClientIdentity& who, handle::OpCode op, std::string_view name,
                const std::vector<Value>& values, std::uint32_t flags = handle::flag::kClientDefault);
// `op` with a name alone: delete, home, unhome.
Code ask_name(Client& client, const ClientIdentity& who, handle::OpCode op, std::string_view name);

// Removes the value with that index.
Code ask_remove(Client& client, const ClientIdentity& who, std::string_view name, std::uint32_t index);

struct Answer {
  Code code = 0;
  std::uint32_t flags = 0;
  std::vector<Value> values;
};
Answer to_answer(const Result<Reply>& reply);
Answer resolve(Client& client, std::string_view name, std::uint32_t flags = handle::flag::kClientDefault);

// Throws unless `got` is `wanted`; for what a test needs before it begins.
void need(Code got, Code wanted, const std::string& what);

// The octets of a list of values, for a request that is sent by other means than ask_values.
struct EncodedValues {
  explicit EncodedValues(const std::vector<Value>& values);
  handle::ValuesBody body() const { return {.values = {.count = count, .encoded = octets}}; }
  std::uint32_t count;
  std::string octets;
};

// The answer to a challenge, to be sent by hand and on any connection. `request` has views into `proof` and
// `who`.
struct AnswerMade {
  AnswerMade(const Reply& challenge, const ClientIdentity& who);
  AnswerMade(const AnswerMade&) = delete;
  std::string proof;
  handle::Request request;
};

}  // namespace idnode
