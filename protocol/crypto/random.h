// Cryptographic random octets: nonces, IVs, session ids, request ids, exponents. Callable from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/result.h"

namespace idnode::crypto {

// kCrypto when the generator has no entropy: the caller gives up what it was doing.
Result<std::string> random_octets(std::size_t n);
Result<std::uint64_t> random_u64();

}  // namespace idnode::crypto
