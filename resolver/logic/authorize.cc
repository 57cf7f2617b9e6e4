#include "resolver/logic/authorize.h"

#include <algorithm>

#include "protocol/identifier.h"
#include "resolver/logic/settle.h"

namespace idnode {
namespace {

using handle::ResponseCode;

// The key values of the identity in ascending order of index; BEHAVIOUR.md §8.4 rule 4, §8.6 rule 4: a public
// key is exactly HS_PUBKEY, a secret may have a sub-type.
std::vector<ProofTask::Key> keys_of(ValueList values, bool public_keys, std::uint32_t index) {
  std::vector<ProofTask::Key> keys;
  ValueWalk walk(values);
  for (ValueView v; walk.next(v);) {
    if (index != 0 && v.index != index) continue;
    if (public_keys ? same_type(v.type, "HS_PUBKEY") : has_type(v.type, "HS_SECKEY")) {
      keys.push_back({v.index, std::string(v.data)});
    }
  }
  std::ranges::sort(keys, {}, &ProofTask::Key::index);
  if (keys.size() > kMostProofKeys) keys.resize(kMostProofKeys);
  return keys;
}

ProofTask task_of(const Context& context, const PresentedProof& presented, std::vector<ProofTask::Key> keys) {
  const Limits& limits = context.settings().limits;
  ProofTask task;
  task.type = presented.type;
  task.identity = presented.identity;
  task.covered.reserve(presented.nonce.size() + presented.digest.size());
  task.covered.append(presented.nonce).append(presented.digest);
  task.proof = presented.proof;
  task.version = presented.version;
  task.keys = std::move(keys);
  task.allow_md5 = limits.allow_md5 != 0;
  task.pbkdf2_iterations =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(limits.pbkdf2_iterations, UINT32_MAX));
  return task;
}

Proven proven_by(MacCheck mac) {
  switch (mac) {
    case MacCheck::kGood: return Proven::kYes;
    case MacCheck::kMissing: return Proven::kNoMac;
    case MacCheck::kUnacceptable: return Proven::kOddMac;
    case MacCheck::kRepeated: return Proven::kRepeated;
    case MacCheck::kGone: return Proven::kGone;
    case MacCheck::kWrong: break;
  }
  return Proven::kWrongMac;
}

Proven prove_by_session(Context& context) {
  if (!context.session.authenticated) return Proven::kNo;
  // A login has proven it for the connection (BEHAVIOUR.md §16.3 rule 4).
  if (context.session.live == nullptr) return Proven::kYes;
  const std::optional<MacCheck> mac = context.session_mac();
  return mac ? proven_by(*mac) : Proven::kNeed;
}

// A challenge of the session has been answered rightly. The request that was challenged must have come from
// who holds the session's key: always when the session becomes its identity's, and when it carries a MAC at
// all (§8.11 rule 8).
Proven prove_in_session(Context& context, const ProofResult& result) {
  const PresentedProof& presented = *context.presented;
  const Reference& own = context.session.live->identity;
  const bool is_own = !own.handle.empty() && own.handle == presented.identity && own.index == presented.index;
  const MacCheck mac = context.session.mac.value_or(MacCheck::kMissing);
  if (mac == MacCheck::kMissing) return is_own ? Proven::kWrongMac : Proven::kYes;
  if (is_own && mac == MacCheck::kGood) context.session.proven_index = result.index;
  return proven_by(mac);
}

}  // namespace

bool has_credentials(const Context& context) {
  return context.presented != nullptr || context.session.authenticated;
}

bool carries_proof(Context& context) {
  if (context.presented != nullptr || !context.session.authenticated) return context.presented != nullptr;
  return context.session.live == nullptr || context.session_mac() != MacCheck::kMissing;
}

Claimed claimed_identity(const Context& context) {
  if (context.presented != nullptr) return {context.presented->identity, context.presented->index};
  return {context.session.identity.handle, context.session.identity.index};
}

Proven prove(Context& context, std::uint32_t& index) {
  const PresentedProof* presented = context.presented;
  if (presented == nullptr) return prove_by_session(context);
  const bool public_keys = same_type(presented->type, "HS_PUBKEY");
  if (!public_keys && !same_type(presented->type, "HS_SECKEY")) return Proven::kType;
  const Lookup identity = own_record(context, presented->identity);
  if (identity.found == Found::kCold) return Proven::kNeed;
  if (identity.found == Found::kFailed) return Proven::kFailed;
  // Not here: the key can not be had (a key that another node holds is not asked for).
  if (!identity.exists()) return Proven::kNo;
  std::vector<ProofTask::Key> keys = keys_of(identity.values(), public_keys, presented->index);
  if (keys.empty()) return Proven::kNo;
  const std::optional<ProofResult> result = context.proof(task_of(context, *presented, std::move(keys)));
  if (!result) return Proven::kNeed;
  if (!result->valid) return Proven::kNo;
  const Proven proven = context.session.live == nullptr ? Proven::kYes : prove_in_session(context, *result);
  if (proven == Proven::kYes) index = result->index;
  return proven;
}

std::optional<Outcome> refuse_unproven(Proven proven) {
  switch (proven) {
    case Proven::kYes: return std::nullopt;
    case Proven::kNeed: return Need{};
    case Proven::kType: return Refuse{ResponseCode::kInvalidCredential, "unknown type of authentication"};
    case Proven::kFailed: return unable_to_authenticate();
    case Proven::kNoMac: return Refuse{ResponseCode::kInvalidCredential, "the message carries no MAC"};
    case Proven::kWrongMac: return Refuse{ResponseCode::kInvalidSessionKey, "the MAC is not right"};
    case Proven::kOddMac:
      return Refuse{ResponseCode::kUnableToAuthenticate, "the credential can not be checked"};
    case Proven::kRepeated: return repeated_message();
    case Proven::kGone: return Refuse{ResponseCode::kSessionTimeout, "the session has ended"};
    case Proven::kNo: break;
  }
  return Refuse{ResponseCode::kAuthenticationFailed, "the proof of identity does not hold"};
}

Refuse repeated_message() {
  return {ResponseCode::kSessionMessageRejected, "the session has seen this counter"};
}

Refuse not_permitted() { return {ResponseCode::kInvalidAdmin, "the identity lacks the permission"}; }

Refuse unable_to_authenticate() {
  return {ResponseCode::kUnableToAuthenticate, "records needed for authentication can not be read"};
}

std::optional<Outcome> authorize(const handle::Request&, Context& context, std::uint16_t permissions,
                                 std::string_view name, ValueList record) {
  return settle(context, [&](const Claimed& who) { return holds(context, who, permissions, name, record); });
}

std::optional<Outcome> authorize_listed(const handle::Request&, Context& context,
                                        std::span<const Reference> listed) {
  return settle(context, [&](const Claimed& who) { return is_listed(context, who, listed); });
}

}  // namespace idnode
