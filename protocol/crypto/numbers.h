// Private to protocol/crypto: big numbers in and out of octets, and keys out of numbers.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <initializer_list>
#include <string_view>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

// Unsigned, whatever the top bit (WIRE.md §21.1).
Number number(std::string_view octets);
inline Number read_number(Reader& r) { return number(r.bytes()); }
// The shortest two's-complement form, as bytes.
void write_number(Writer& w, const BIGNUM* n);
// An empty pointer when the key has no such number.
Number number_of(const EVP_PKEY* key, const char* name);

// 1 < n < limit
inline bool between_one_and(const BIGNUM* n, const BIGNUM* limit) {
  return !BN_is_zero(n) && !BN_is_one(n) && !BN_is_negative(n) && BN_cmp(n, limit) < 0;
}

// nullptr when the provider refuses the numbers.
PkeyPtr key_from_numbers(const char* type, int selection,
                         std::initializer_list<std::pair<const char*, const BIGNUM*>> numbers);

}  // namespace idnode::crypto
