#include "protocol/crypto/key_memory.h"

#include <algorithm>
#include <string>
#include <vector>

namespace idnode::crypto {

namespace {

struct Remembered {
  std::string octets;
  PublicKey key;
};

}  // namespace

Result<PublicKey> parse_remembered(std::string_view octets) {
  thread_local std::vector<Remembered> last;  // the most recent first
  const auto known = std::ranges::find(last, octets, &Remembered::octets);
  if (known != last.end()) {
    std::rotate(last.begin(), known, known + 1);
    return last.front().key;
  }
  Result<PublicKey> key = PublicKey::parse(octets);
  if (!key || octets.size() > kLongestRemembered) return key;
  if (last.size() == kRemembered) last.pop_back();
  last.insert(last.begin(), {std::string(octets), *key});
  return key;
}

}  // namespace idnode::crypto
