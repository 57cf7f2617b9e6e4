// Private to protocol/crypto: algorithms fetched once and kept for the life of the process.
#pragma once

#include <openssl/evp.h>

#include "protocol/crypto/digest.h"

namespace idnode::crypto {

// nullptr when the installation lacks it.
const EVP_MD* md_of(Digest d);

}  // namespace idnode::crypto
