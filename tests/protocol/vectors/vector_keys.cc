#include "tests/protocol/vectors/vector_keys.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <stdexcept>

#include "protocol/crypto/openssl.h"

namespace idnode::vectors {

using crypto::must;

std::optional<crypto::PrivateKey> private_half(const crypto::PublicKey& key) {
  static const std::vector<Vector> kAll = load(default_path());
  for (const Vector& v : kAll) {
    if (v.kind != "privkey") continue;
    auto half = crypto::PrivateKey::parse(v.octets);
    if (half && half->public_key().der() == key.der()) return std::move(*half);
  }
  return std::nullopt;
}

crypto::PrivateKey sm2_key(const Object& fields) {
  BIGNUM* parsed = nullptr;
  must(BN_hex2bn(&parsed, text(fields, "private_scalar").c_str()) > 0, "a scalar that is no number");
  const crypto::Number scalar(parsed);
  const std::string point = octets(fields, "public_key_point");
  const crypto::ParamBuild build(OSSL_PARAM_BLD_new());
  must(build && OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                            point.size()) == 1 &&
           OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get()) == 1,
       "numbers of an SM2 key");
  const crypto::Params params(OSSL_PARAM_BLD_to_param(build.get()));
  const crypto::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "SM2", nullptr));
  EVP_PKEY* made = nullptr;
  must(context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
           EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.get()) == 1,
       "an SM2 key");
  const crypto::PkeyPtr key(made);
  const crypto::Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  auto read = crypto::PrivateKey::from_pem({data, static_cast<std::size_t>(size)});
  if (!read) throw std::runtime_error("an SM2 key that we cannot read");
  return std::move(*read);
}

}  // namespace idnode::vectors
