// Values that say by themselves whether they are whole.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/digest.h"

namespace idnode {

// The id, `filling` octets, a digest over both.
inline std::string payload(std::string_view id, std::size_t filling) {
  std::string text(id);
  text.append(filling, static_cast<char>('a' + filling % 26));
  return text + crypto::digest(crypto::Digest::kSha256, text);
}

inline bool whole(std::string_view payload) {
  if (payload.size() < 64) return false;
  const std::string_view text = payload.substr(0, payload.size() - 32);
  return payload.substr(text.size()) == crypto::digest(crypto::Digest::kSha256, text);
}

inline std::string_view id_of(std::string_view payload) { return payload.substr(0, 32); }

}  // namespace idnode
