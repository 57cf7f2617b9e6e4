#include "protocol/handle/request_digest.h"

namespace idnode::handle {

using crypto::Digest;

Digest request_digest_algorithm(Version response) {
  if (response.at_least(2, 7)) return Digest::kSha256;
  return response.at_least(2, 1) ? Digest::kSha1 : Digest::kMd5;
}

bool request_digest_matches(std::uint8_t algorithm, std::string_view digest, std::string_view covered) {
  for (const Digest d : {Digest::kMd5, Digest::kSha1, Digest::kSha256}) {
    const bool named =
        algorithm == 0 ? digest.size() == crypto::digest_size(d) : algorithm == static_cast<int>(d);
    if (named) return digest == crypto::digest(d, covered);
  }
  return false;
}

}  // namespace idnode::handle
