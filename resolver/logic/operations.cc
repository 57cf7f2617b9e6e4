#include "resolver/logic/operations.h"

#include <optional>

#include "resolver/logic/authorize.h"

namespace idnode {
namespace {

using handle::OpCode;
using handle::ResponseCode;

// The most frequent ones first.                     changes names  over_udp
constexpr Operation kOperations[] = {
    {OpCode::kResolve, resolve, false, true, true},
    {OpCode::kSiteInfo, site_info, false, false, true},
    {OpCode::kCreate, create_handle, true, true, true},
    {OpCode::kDelete, delete_handle, true, true, true},
    {OpCode::kAddValues, add_values, true, true, true},
    {OpCode::kRemoveValues, remove_values, true, true, true},
    {OpCode::kModifyValues, modify_values, true, true, true},
    {OpCode::kHomePrefix, home_prefix, true, true, true},
    {OpCode::kUnhomePrefix, unhome_prefix, true, true, true},
    {OpCode::kListHandles, list_handles, false, true, false},
    {OpCode::kVerifyAnswer, verify_answer, false, true, true},
    {OpCode::kListHomed, list_homed, false, false, false},
    {OpCode::kSessionSetup, set_up_session, false, false, true},
    {OpCode::kSessionTerminate, end_session, false, false, true},
    {OpCode::kSessionKeyExchange, exchange_key, false, false, true},
    {OpCode::kNextTransactionId, not_offered, true, false, true},
    {OpCode::kRetrieveTransactions, replicate, true, false, false},
    {OpCode::kDumpHandles, replicate, true, false, false},
    {OpCode::kBackUp, back_up, false, false, true},
    {OpCode::kLogin, not_offered, false, false, true},
};

}  // namespace

const Operation* operation(OpCode code) {
  for (const Operation& each : kOperations) {
    if (each.code == code) return &each;
  }
  return nullptr;
}

Outcome replicate(const handle::Request& request, Context& context) {
  return context.settings().replication.serve ? back_up(request, context) : not_offered(request, context);
}

Outcome not_offered(const handle::Request&, Context&) {
  return Refuse{ResponseCode::kNotSupported, "this node does not offer the operation"};
}

Outcome back_up(const handle::Request& request, Context& context) {
  if (!has_credentials(context)) return Challenge{};
  if (std::optional<Outcome> refusal =
          authorize_listed(request, context, context.settings().node.administrators))
    return std::move(*refusal);
  return not_offered(request, context);
}

}  // namespace idnode
