// Opcode 201: another server asks whether a secret-key proof is good (BEHAVIOUR.md §8.6). An unknown handle,
// a missing value or an odd proof is "not valid", never an error.
#include <optional>
#include <variant>

#include "protocol/identifier.h"
#include "resolver/logic/elsewhere.h"
#include "resolver/logic/operations.h"
#include "resolver/logic/responsible.h"

namespace idnode {
namespace {

Outcome verdict(bool valid) {
  Answer answer;
  answer.verified = valid ? 1 : 0;
  return answer;
}

ProofTask task_of(const handle::Request& request, const handle::VerifyBody& body, const Context& context) {
  ProofTask task;
  task.type = "HS_SECKEY";
  task.identity = request.name;
  task.covered.assign(body.nonce).append(body.digest);
  task.proof = body.proof;
  task.version = request.answer_version();
  task.allow_md5 = context.settings().limits.allow_md5 != 0;
  task.pbkdf2_iterations = static_cast<std::uint32_t>(context.settings().limits.pbkdf2_iterations);
  return task;
}

}  // namespace

Outcome verify_answer(const handle::Request& request, Context& context) {
  const auto& body = std::get<handle::VerifyBody>(request.body);
  if (std::optional<Outcome> refusal = responsible(request, context, request.name))
    return elsewhere(request, context, request.name, std::move(*refusal));
  const Lookup found = context.record(request.name);
  if (found.found == Found::kCold) return Need{};
  if (found.found == Found::kFailed)
    return Refuse{handle::ResponseCode::kError, "the record could not be read"};
  if (!found.exists()) return verdict(false);

  ProofTask task = task_of(request, body, context);
  ValueWalk walk(found.values());
  for (ValueView value; walk.next(value);) {
    if (!has_type(value.type, "HS_SECKEY") || (body.index != 0 && body.index != value.index)) continue;
    if (task.keys.size() == kMostProofKeys) break;
    task.keys.push_back({value.index, std::string(value.data)});
  }
  if (task.keys.empty()) return verdict(false);
  const std::optional<ProofResult> result = context.proof(std::move(task));
  if (!result) return Need{};
  return verdict(result->valid);
}

}  // namespace idnode
