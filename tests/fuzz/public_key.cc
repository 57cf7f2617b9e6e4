// Whatever a stranger stores as a public key, or sends as one of Diffie-Hellman. What is read must be written
// and read again as the same key.
#include <cstdlib>

#include "protocol/crypto/exchange.h"
#include "protocol/crypto/key.h"
#include "protocol/crypto/sign.h"

using namespace idnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  if (const auto key = crypto::PublicKey::parse(octets)) {
    const auto again = crypto::PublicKey::parse(key->serialize());
    if (!again || again->kind() != key->kind() || again->der() != key->der()) std::abort();
    const crypto::Digest d =
        key->kind() == crypto::KeyKind::kSm2 ? crypto::Digest::kSm3 : crypto::Digest::kSha256;
    (void)crypto::verify(*key, d, "message", octets.substr(size / 2));
  }
  if (const auto dh = crypto::parse_dh(octets)) {
    if (crypto::parse_dh(crypto::serialize(*dh)) != *dh) std::abort();
    (void)crypto::dh_secret(*dh, "\x05");
  }
  return 0;
}
