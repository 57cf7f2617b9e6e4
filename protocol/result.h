// The result type of the project. Exceptions are for start-up and broken invariants only.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace idnode {

// Why a function inside the node could not do what it was asked. Never sent to a peer as it is: each dialect
// maps it in its own status.cc. "Not found" is an answer, not an error.
enum class Errc : std::uint16_t {
  kTruncated = 1,  // the octets end before the structure does
  kMalformed,      // the octets break the grammar
  kTooLarge,       // a limit was passed
  kUnsupported,    // well formed, but of a kind this node does not handle
  kInvalid,        // an argument or value that cannot be used (a weak key, a bad name)
  kCrypto,         // a cryptographic operation failed
  kIo,             // the operating system refused; final for the log (design: fail-stop)
  kNoSpace,        // the disk is full; heals when space returns
  kCorrupt,        // stored octets are damaged
  kNewerFormat,    // written by a later version
  kExists,         // something is in the way
  kAbsent,         // what was named is not there (a file, a folder)
  kWouldBlock,     // not in memory; ask again where blocking is allowed
  kBusy,           // a bound is reached; try again later
  kReadOnly,       // writes are refused until a restart
  kTimeout,
  kRefused,  // the peer, or a rule, says no
  kClosed,
};

template <class T>
using Result = std::expected<T, Errc>;

// A short lower-case name for logs ("truncated").
std::string_view name(Errc e);

}  // namespace idnode
