// Operation codes, response codes and flags of the Handle protocol (WIRE.md §8-10).
#pragma once

#include <cstdint>
#include <string_view>

namespace idnode::handle {

enum class OpCode : std::uint32_t {
  kReserved = 0,
  kResolve = 1,
  kSiteInfo = 2,
  kCreate = 100,
  kDelete = 101,
  kAddValues = 102,
  kRemoveValues = 103,
  kModifyValues = 104,
  kListHandles = 105,
  kListDerivedPrefixes = 106,
  kAnswerChallenge = 200,
  kVerifyAnswer = 201,
  kHomePrefix = 300,
  kUnhomePrefix = 301,
  kListHomed = 302,
  kSessionSetup = 400,
  kSessionTerminate = 401,
  kSessionKeyExchange = 402,
  kNextTransactionId = 1000,
  kRetrieveTransactions = 1001,
  kDumpHandles = 1002,
  kBackUp = 1003,
  kLogin = 2001,
};

enum class ResponseCode : std::uint32_t {
  kNone = 0,
  kSuccess = 1,
  kError = 2,
  kTooBusy = 3,
  kProtocolError = 4,
  kNotSupported = 5,
  kRecursionTooHigh = 6,
  kReadOnly = 7,
  kHandleNotFound = 100,
  kHandleExists = 101,
  kInvalidHandle = 102,
  kValuesNotFound = 200,
  kValueExists = 201,
  kInvalidValue = 202,
  kOutOfDateSite = 300,
  kNotResponsible = 301,
  kServiceReferral = 302,
  kPrefixReferral = 303,
  kInvalidAdmin = 400,
  kInsufficientPermissions = 401,
  kAuthenticationNeeded = 402,
  kAuthenticationFailed = 403,
  kInvalidCredential = 404,
  kAuthenticationTimeout = 405,
  kUnableToAuthenticate = 406,
  kSessionTimeout = 500,
  kSessionFailed = 501,
  kInvalidSessionKey = 502,
  kNeedRsaKey = 503,
  kInvalidSessionSetup = 504,
  kSessionMessageRejected = 505,
};

namespace flag {
inline constexpr std::uint32_t kAuthoritative = 0x80000000;
inline constexpr std::uint32_t kCertify = 0x40000000;
inline constexpr std::uint32_t kEncrypt = 0x20000000;
inline constexpr std::uint32_t kRecursive = 0x10000000;
inline constexpr std::uint32_t kCacheCertify = 0x08000000;
inline constexpr std::uint32_t kContinuous = 0x04000000;
inline constexpr std::uint32_t kKeepConnection = 0x02000000;
inline constexpr std::uint32_t kPublicOnly = 0x01000000;
inline constexpr std::uint32_t kReturnDigest = 0x00800000;
inline constexpr std::uint32_t kOverwrite = 0x00400000;
inline constexpr std::uint32_t kMint = 0x00200000;
inline constexpr std::uint32_t kDoNotRefer = 0x00100000;
inline constexpr std::uint32_t kRecurseWithIdentity = 0x00000004;
inline constexpr std::uint32_t kClientDefault = kRecursive | kCacheCertify | kPublicOnly;
// Copied from a request into its response (WIRE.md §13).
inline constexpr std::uint32_t kCopied =
    kCertify | kEncrypt | kCacheCertify | kPublicOnly | kDoNotRefer | kReturnDigest;
}  // namespace flag

// What kind of listener may take an operation (BEHAVIOUR.md §4.3).
enum class Kind : std::uint8_t { kEither, kQuery, kAdmin, kUnknown };

// One row a known operation: its name in metrics and logs, its kind.
struct OperationName {
  OpCode code;
  std::string_view name;  // "resolve", "create": the `operation` label
  Kind kind;
};
// nullptr for an opcode that nobody defines.
const OperationName* find_operation(std::uint32_t opcode);
// "handle not found"; empty for an unlisted code.
std::string_view text_of(ResponseCode code);
// Whether a reference client understands the code (BEHAVIOUR.md §2).
bool is_standard(std::uint32_t code);

}  // namespace idnode::handle
