#include "protocol/handle/codes.h"

namespace idnode::handle {
namespace {

// In the order of WIRE.md §9, the most frequent one first.
constexpr OperationName kOperations[] = {
    {OpCode::kResolve, "resolve", Kind::kQuery},
    {OpCode::kSiteInfo, "site_info", Kind::kEither},
    {OpCode::kCreate, "create", Kind::kAdmin},
    {OpCode::kDelete, "delete", Kind::kAdmin},
    {OpCode::kAddValues, "add", Kind::kAdmin},
    {OpCode::kRemoveValues, "remove", Kind::kAdmin},
    {OpCode::kModifyValues, "modify", Kind::kAdmin},
    {OpCode::kListHandles, "list", Kind::kAdmin},
    {OpCode::kListDerivedPrefixes, "list_derived", Kind::kAdmin},
    {OpCode::kAnswerChallenge, "answer", Kind::kEither},
    {OpCode::kVerifyAnswer, "verify", Kind::kEither},
    {OpCode::kHomePrefix, "home", Kind::kAdmin},
    {OpCode::kUnhomePrefix, "unhome", Kind::kAdmin},
    {OpCode::kListHomed, "list_homed", Kind::kAdmin},
    {OpCode::kSessionSetup, "session_setup", Kind::kEither},
    {OpCode::kSessionTerminate, "session_terminate", Kind::kEither},
    {OpCode::kSessionKeyExchange, "session_key_exchange", Kind::kEither},
    {OpCode::kNextTransactionId, "next_transaction", Kind::kAdmin},
    {OpCode::kRetrieveTransactions, "transactions", Kind::kAdmin},
    {OpCode::kDumpHandles, "dump", Kind::kAdmin},
    {OpCode::kBackUp, "back_up", Kind::kAdmin},
    {OpCode::kLogin, "login", Kind::kEither},
};

}  // namespace

const OperationName* find_operation(std::uint32_t opcode) {
  for (const OperationName& each : kOperations) {
    if (static_cast<std::uint32_t>(each.code) == opcode) return &each;
  }
  return nullptr;
}

std::string_view text_of(ResponseCode code) {
  switch (code) {
    case ResponseCode::kNone: break;
    case ResponseCode::kSuccess: return "success";
    case ResponseCode::kError: return "error";
    case ResponseCode::kTooBusy: return "too busy";
    case ResponseCode::kProtocolError: return "protocol error";
    case ResponseCode::kNotSupported: return "operation not supported";
    case ResponseCode::kRecursionTooHigh: return "recursion count too high";
    case ResponseCode::kReadOnly: return "temporarily read-only";
    case ResponseCode::kHandleNotFound: return "handle not found";
    case ResponseCode::kHandleExists: return "handle already exists";
    case ResponseCode::kInvalidHandle: return "invalid handle";
    case ResponseCode::kValuesNotFound: return "values not found";
    case ResponseCode::kValueExists: return "value already exists";
    case ResponseCode::kInvalidValue: return "invalid value";
    case ResponseCode::kOutOfDateSite: return "out-of-date site information";
    case ResponseCode::kNotResponsible: return "server not responsible";
    case ResponseCode::kServiceReferral: return "service referral";
    case ResponseCode::kPrefixReferral: return "prefix referral";
    case ResponseCode::kInvalidAdmin: return "invalid administrator";
    case ResponseCode::kInsufficientPermissions: return "insufficient permissions";
    case ResponseCode::kAuthenticationNeeded: return "authentication needed";
    case ResponseCode::kAuthenticationFailed: return "authentication failed";
    case ResponseCode::kInvalidCredential: return "invalid credential";
    case ResponseCode::kAuthenticationTimeout: return "authentication timed out";
    case ResponseCode::kUnableToAuthenticate: return "unable to authenticate";
    case ResponseCode::kSessionTimeout: return "session timed out or unknown";
    case ResponseCode::kSessionFailed: return "session could not be set up";
    case ResponseCode::kInvalidSessionKey: return "session key or MAC invalid";
    case ResponseCode::kNeedRsaKey: return "RSA key needed";
    case ResponseCode::kInvalidSessionSetup: return "invalid session set-up";
    case ResponseCode::kSessionMessageRejected: return "session message rejected";
  }
  return {};
}

bool is_standard(std::uint32_t code) { return !text_of(static_cast<ResponseCode>(code)).empty(); }

}  // namespace idnode::handle
