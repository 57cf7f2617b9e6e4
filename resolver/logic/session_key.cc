#include "resolver/logic/session_key.h"

#include "protocol/crypto/cipher.h"
#include "protocol/crypto/key.h"
#include "protocol/crypto/mac.h"
#include "protocol/crypto/random.h"
#include "protocol/handle/session.h"

namespace idnode {
namespace {

using crypto::SessionAlgorithm;

constexpr std::size_t kSentKeySize = 16;  // what the cipher takes: clients that decrypt it expect no more
constexpr int kLeastRsaBits = 2048;

Result<MadeKey> agree(std::string_view theirs, handle::Version version) {
  const Result<crypto::DhKey> client = crypto::parse_dh(theirs);
  if (!client) return std::unexpected(client.error());
  Result<crypto::DhPair> pair = crypto::dh_generate(client->p, client->g);
  if (!pair) return std::unexpected(pair.error());
  Result<std::string> secret = crypto::dh_secret(*client, pair->exponent);
  crypto::wipe(pair->exponent);
  if (!secret) return std::unexpected(secret.error());
  Result<std::string> key = crypto::session_key(SessionAlgorithm::kAes, *secret);
  crypto::wipe(*secret);
  if (!key) return std::unexpected(key.error());
  const std::string half = crypto::serialize(pair->key);
  Result<std::string> data = handle::encode_session_reply(version, {SessionAlgorithm::kAes, half});
  if (!data) return std::unexpected(data.error());
  return MadeKey{SessionAlgorithm::kAes, std::move(*key), std::move(*data)};
}

Result<std::string> encrypt_to(const crypto::PublicKey& key, std::string_view plain) {
  if (key.kind() == crypto::KeyKind::kSm2) return crypto::sm2_encrypt(key, plain);
  if (key.kind() != crypto::KeyKind::kRsa || key.bits() < kLeastRsaBits)
    return std::unexpected(Errc::kInvalid);
  return crypto::rsa_encrypt(key, plain);
}

Result<MadeKey> send_to(std::string_view owner, handle::Version version) {
  const Result<crypto::PublicKey> key = crypto::PublicKey::parse(owner);
  if (!key) return std::unexpected(key.error());
  Result<std::string> made = crypto::random_octets(kSentKeySize);
  if (!made) return std::unexpected(made.error());
  Result<std::string> plain = handle::encode_sent_session_key(version, {SessionAlgorithm::kAes, *made});
  if (!plain) return std::unexpected(plain.error());
  Result<std::string> data = encrypt_to(*key, *plain);
  crypto::wipe(*plain);
  if (!data) return std::unexpected(data.error());
  return MadeKey{SessionAlgorithm::kAes, std::move(*made), std::move(*data)};
}

}  // namespace

Result<MadeKey> make_session_key(const SetSession& offer, handle::Version version) {
  switch (offer.mode) {
    case handle::SessionMode::kDiffieHellman: return agree(offer.key, version);
    case handle::SessionMode::kHandleKey: return send_to(offer.key, version);
    default: return std::unexpected(Errc::kUnsupported);
  }
}

}  // namespace idnode
