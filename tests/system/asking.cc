#include "tests/system/asking.h"

#include "protocol/bytes.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/proof.h"
#include "tests/system/node_process.h"

namespace idnode {

using handle::OpCode;

Value text_value(std::uint32_t index, std::string_view type, std::string_view data,
                 std::uint8_t permissions) {
  Value v;
  v.index = index;
  v.type = type;
  v.data = data;
  v.permissions = permissions;
  return v;
}

Value admin_value(const Reference& who, std::uint32_t index) {
  Value v = text_value(index, "HS_ADMIN", "");
  handle::encode(handle::Admin{.permissions = handle::kAllPermissions, .identity = who}, v.data);
  return v;
}

Code code_of(const Result<Reply>& reply) {
  return reply ? reply->response.header.response_code : kNoAnswer + static_cast<Code>(reply.error());
}

EncodedValues::EncodedValues(const std::vector<Value>& values)
    : count(static_cast<std::uint32_t>(values.size())) {
  encode_all(values, octets);
}

Code ask_values(Client& client, const ClientIdentity& who, OpCode op, std::string_view name,
                const std::vector<Value>& values, std::uint32_t flags) {
  const EncodedValues encoded(values);
  return code_of(client.ask(make_request(op, name, encoded.body(), flags), &who));
}

Code ask_name(Client& client, const ClientIdentity& who, OpCode op, std::string_view name) {
  return code_of(client.ask(make_request(op, name), &who));
}

Code ask_remove(Client& client, const ClientIdentity& who, std::string_view name, std::uint32_t index) {
  std::string octets;
  Writer(octets).u32(index);
  const handle::IndexesBody body{.indexes = {.count = 1, .encoded = octets}};
  return code_of(client.ask(make_request(OpCode::kRemoveValues, name, body), &who));
}

Answer to_answer(const Result<Reply>& reply) {
  Answer answer{.code = code_of(reply), .flags = 0, .values = {}};
  if (!reply) return answer;
  answer.flags = reply->response.header.flags;
  if (answer.code == 1) answer.values = to_values(reply->response.values);
  return answer;
}

Answer resolve(Client& client, std::string_view name, std::uint32_t flags) {
  return to_answer(client.ask(make_request(OpCode::kResolve, name, {}, flags)));
}

void need(Code got, Code wanted, const std::string& what) {
  if (got != wanted) fail(what + ": code " + std::to_string(got) + ", wanted " + std::to_string(wanted));
}

AnswerMade::AnswerMade(const Reply& challenge, const ClientIdentity& who) {
  const handle::Response& asked = challenge.response;
  const handle::Challenge what{
      .nonce = asked.nonce,
      .digest = asked.request_digest.digest,
      .version = handle::challenge_version(asked.envelope.version, asked.envelope.suggested)};
  proof = handle::answer_public_key(what, *who.key, who.who.handle).value();
  request =
      make_request(OpCode::kAnswerChallenge, who.who.handle,
                   handle::ChallengeAnswerBody{.type = "HS_PUBKEY", .index = who.who.index, .proof = proof});
  request.envelope.session_id = asked.envelope.session_id;
}

}  // namespace idnode
