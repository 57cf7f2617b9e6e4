#include "protocol/crypto/random.h"

#include <openssl/rand.h>

#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

Result<std::string> random_octets(std::size_t n) {
  std::string octets(n, '\0');
  if (RAND_bytes(out(octets), static_cast<int>(n)) != 1) return std::unexpected(Errc::kCrypto);
  return octets;
}

Result<std::uint64_t> random_u64() {
  std::uint64_t number = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) != 1) {
    return std::unexpected(Errc::kCrypto);
  }
  return number;
}

}  // namespace idnode::crypto
