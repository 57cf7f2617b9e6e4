// Encryption of whole messages inside a session (WIRE.md §18): header, body and credential, never the
// envelope.
//
//   AES: IV of 16 octets, ciphertext in CBC with PKCS#7 padding; the cipher key is the first 16 of the
//   session key SM4: ciphertext alone, the IV being the 16 octets of the key
//
// Versions before 2.4 (ECB) and the DES family are not served: kUnsupported.
#pragma once

#include <string>
#include <string_view>

#include "protocol/crypto/exchange.h"
#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

// kInvalid: a session key shorter than the cipher needs; kCrypto: no random octets.
Result<std::string> encrypt_message(crypto::SessionAlgorithm algorithm, Version version, std::string_view key,
                                    std::string_view message);
// With an IV that the caller chose (16 octets; not looked at for SM4). Never use one twice.
Result<std::string> encrypt_message_with(crypto::SessionAlgorithm algorithm, Version version,
                                         std::string_view key, std::string_view iv, std::string_view message);

// kCrypto for all that is wrong with the octets, so that padding errors cannot be told from others: answered
// 501.
Result<std::string> decrypt_message(crypto::SessionAlgorithm algorithm, Version version, std::string_view key,
                                    std::string_view encrypted);

}  // namespace idnode::handle
