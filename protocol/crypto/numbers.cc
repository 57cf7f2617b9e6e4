#include "protocol/crypto/numbers.h"

namespace idnode::crypto {

Number number(std::string_view octets) {
  Number n(BN_bin2bn(in(octets), static_cast<int>(octets.size()), nullptr));
  must(n != nullptr, "no memory for a number");
  return n;
}

void write_number(Writer& w, const BIGNUM* n) {
  const int size = BN_num_bytes(n);
  const bool top_bit = size > 0 && BN_num_bits(n) == size * 8;
  std::string octets(static_cast<std::size_t>(size) + (top_bit ? 1 : 0), '\0');
  BN_bn2bin(n, out(octets) + (top_bit ? 1 : 0));
  w.bytes(octets);
}

Number number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* n = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &n) != 1) return nullptr;
  return Number(n);
}

PkeyPtr key_from_numbers(const char* type, int selection,
                         std::initializer_list<std::pair<const char*, const BIGNUM*>> numbers) {
  const ParamBuild build(OSSL_PARAM_BLD_new());
  must(build != nullptr, "no memory for a key");
  for (const auto& [name, n] : numbers) {
    must(OSSL_PARAM_BLD_push_BN(build.get(), name, n) == 1, "a number cannot be a parameter");
  }
  const Params params(OSSL_PARAM_BLD_to_param(build.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  must(params && context && EVP_PKEY_fromdata_init(context.get()) == 1, "a key cannot be made");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) return nullptr;
  return PkeyPtr(key);
}

}  // namespace idnode::crypto
