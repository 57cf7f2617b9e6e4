#include "protocol/handle/hash_name.h"

namespace idnode::handle {

using crypto::Digest;
using crypto::KeyKind;

namespace {

struct Name {
  std::string_view field;
  Digest digest;
};
// The first name of a digest is the one that is written.
constexpr Name kNames[] = {
    {"MD5", Digest::kMd5},  {"SHA1", Digest::kSha1},  {"SHA-256", Digest::kSha256},
    {"SM3", Digest::kSm3},  {"SHA-1", Digest::kSha1}, {"SHA256", Digest::kSha256},
    {"\x01", Digest::kMd5}, {"\x02", Digest::kSha1},  {"\x03", Digest::kSha256},
};

}  // namespace

std::optional<Digest> parse_hash_name(std::string_view field) {
  for (const Name& name : kNames) {
    if (name.field == field) return name.digest;
  }
  return std::nullopt;
}

std::string_view hash_name(Digest d) {
  for (const Name& name : kNames) {
    if (name.digest == d) return name.field;
  }
  return {};
}

Digest signature_hash(Version version, KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa: return version.at_least(2, 7) ? Digest::kSha256 : Digest::kSha1;
    case KeyKind::kDsa: return version.at_least(2, 11) ? Digest::kSha256 : Digest::kSha1;
    case KeyKind::kSm2: return Digest::kSm3;
    case KeyKind::kP256:
    case KeyKind::kEd25519: break;
  }
  return Digest::kSha256;
}

bool acceptable_hash(Version version, KeyKind kind, Digest d, bool allow_md5) {
  switch (d) {
    case Digest::kSha256:
    case Digest::kSm3: return true;
    case Digest::kSha1: return signature_hash(version, kind) == Digest::kSha1;
    case Digest::kMd5: return allow_md5;
  }
  return false;
}

}  // namespace idnode::handle
