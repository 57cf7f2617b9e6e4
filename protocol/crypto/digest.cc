#include "protocol/crypto/digest.h"

#include "protocol/crypto/algorithms.h"
#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

// One context a thread and algorithm: a context that changes its algorithm allocates.
EVP_MD_CTX* context_of(Digest d) {
  thread_local MdContext contexts[5];
  MdContext& c = contexts[static_cast<std::size_t>(d)];
  if (!c) c.reset(EVP_MD_CTX_new());
  must(c && EVP_DigestInit_ex2(c.get(), md_of(d), nullptr) == 1, "a digest cannot start");
  return c.get();
}

}  // namespace

const EVP_MD* md_of(Digest d) {
  // Fetched once: a fetch takes a lock and a search by name.
  static const EVP_MD* const kMds[] = {
      nullptr,
      EVP_MD_fetch(nullptr, "MD5", nullptr),
      EVP_MD_fetch(nullptr, "SHA1", nullptr),
      EVP_MD_fetch(nullptr, "SHA256", nullptr),
      EVP_MD_fetch(nullptr, "SM3", nullptr),
  };
  return kMds[static_cast<std::size_t>(d)];
}

std::size_t digest_size(Digest d) {
  switch (d) {
    case Digest::kMd5: return 16;
    case Digest::kSha1: return 20;
    case Digest::kSha256:
    case Digest::kSm3: return 32;
  }
  return 0;
}

std::string digest(Digest d, std::string_view data) { return digest(d, {data}); }

std::string digest(Digest d, std::initializer_list<std::string_view> parts) {
  EVP_MD_CTX* c = context_of(d);
  for (const std::string_view part : parts) {
    must(EVP_DigestUpdate(c, part.data(), part.size()) == 1, "a digest cannot go on");
  }
  std::string result(digest_size(d), '\0');
  must(EVP_DigestFinal_ex(c, out(result), nullptr) == 1, "a digest cannot end");
  return result;
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  must(context_ && EVP_DigestInit_ex2(context_.get(), md_of(Digest::kSha256), nullptr) == 1,
       "SHA-256 cannot start");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view data) {
  must(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1, "SHA-256 cannot go on");
}

void Sha256::finish(char* to) {
  must(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(to), nullptr) == 1,
       "SHA-256 cannot end");
  // Without an algorithm named, the context keeps its state object and allocates nothing.
  must(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1, "SHA-256 cannot start again");
}

}  // namespace idnode::crypto
