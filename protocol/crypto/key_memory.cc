#include "protocol/crypto/key_memory.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace idnode::crypto {

namespace {

struct Remembered {
  std::string octets;
  Verifier verifier;
};

}  // namespace

Result<Verifier*> remembered_verifier(std::string_view octets) {
  thread_local std::vector<Remembered> last;  // the most recent first
  thread_local std::optional<Verifier> passing;
  const auto known = std::ranges::find(last, octets, &Remembered::octets);
  if (known != last.end()) {
    std::rotate(last.begin(), known, known + 1);
    return &last.front().verifier;
  }
  Result<PublicKey> key = PublicKey::parse(octets);
  if (!key) return std::unexpected(key.error());
  if (octets.size() > kLongestRemembered) return &passing.emplace(std::move(*key));
  if (last.size() == kRemembered) last.pop_back();
  last.insert(last.begin(), {std::string(octets), Verifier(std::move(*key))});
  return &last.front().verifier;
}

}  // namespace idnode::crypto
