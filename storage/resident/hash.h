// SipHash (Aumasson, Bernstein 2012): a hash that nobody can predict who does not know the key, so that
// nobody can register names that all meet in one bucket.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace idnode {

using HashKey = std::array<std::uint64_t, 2>;

// SipHash-1-3: one round an eight-octet word, three at the end.
std::uint64_t siphash13(const HashKey& key, std::string_view octets);
// SipHash-2-4, which the authors' test vectors are for.
std::uint64_t siphash24(const HashKey& key, std::string_view octets);

}  // namespace idnode
