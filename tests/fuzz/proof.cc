// Signed-response fields of challenge answers. The first octet chooses version and key; the rest is the
// field. No field can be valid: nobody can guess an answer to this challenge.
#include <cstdlib>
#include <vector>

#include "protocol/handle/proof.h"

using namespace idnode;

namespace {

const std::vector<std::string>& keys() {
  static const std::vector<std::string> kKeys = [] {
    std::vector<std::string> made;
    for (const auto kind :
         {crypto::KeyKind::kRsa, crypto::KeyKind::kP256, crypto::KeyKind::kEd25519, crypto::KeyKind::kSm2}) {
      made.push_back(crypto::PrivateKey::generate(kind).value().public_key().serialize());
    }
    return made;
  }();
  return kKeys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view field(reinterpret_cast<const char*>(data) + 1, size - 1);
  const handle::Challenge challenge{
      "0123456789abcdef", "a digest of thirty-two octets ..", {2, static_cast<std::uint8_t>(data[0] >> 4)}};
  handle::ProofLimits limits;
  limits.pbkdf2_iterations = 1'000;
  limits.allow_md5 = (data[0] & 8) != 0;
  if (handle::verify_secret(challenge, field, "secret", limits) == handle::Proof::kValid) std::abort();
  const std::string& key = keys()[data[0] & 3];
  if (handle::verify_public_key(challenge, field, key, "88.101.5/USER1", limits) == handle::Proof::kValid) {
    std::abort();
  }
  return 0;
}
