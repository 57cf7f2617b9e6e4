// The key of a new session and what of it goes to the client (WIRE.md §17.2-17.4, §25.5).
#pragma once

#include <string>

#include "protocol/crypto/exchange.h"
#include "protocol/handle/envelope.h"
#include "protocol/result.h"
#include "resolver/logic/outcome.h"

namespace idnode {

// Below it MACs do not cover what they should, and ciphers are those of the last century: no session is set
// up.
inline constexpr handle::Version kLeastSessionVersion{2, 7};

struct MadeKey {
  crypto::SessionAlgorithm algorithm = crypto::SessionAlgorithm::kAes;
  std::string key;   // K
  std::string data;  // of the answer
};

// Crypto pool: mode 4 takes some milliseconds in the largest groups. Modes 3 and 4; an error (501) for what
// is no key, a group or a half that is out of bounds, a key that can not be encrypted to. `version`: of the
// answer.
Result<MadeKey> make_session_key(const SetSession& offer, handle::Version version);

}  // namespace idnode
