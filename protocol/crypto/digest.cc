#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init and its kin; why: Sha256::start
#include "protocol/crypto/digest.h"

#include <openssl/sha.h>

#include <new>

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

SHA256_CTX* context_in(std::array<unsigned char, 112>& state) {
  return std::launder(reinterpret_cast<SHA256_CTX*>(state.data()));
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

// OpenSSL 3.0 frees and allocates the state of an EVP context at every start (counted by digest_test), which
// the log would pay for each record. The older calls work on a plain struct and the same machine code.
void Sha256::start() {
  static_assert(sizeof(state_) >= sizeof(SHA256_CTX) && alignof(SHA256_CTX) <= 8);
  must(SHA256_Init(new (state_.data()) SHA256_CTX) == 1, "SHA-256 cannot start");
}

void Sha256::add(std::string_view data) {
  must(SHA256_Update(context_in(state_), data.data(), data.size()) == 1, "SHA-256 cannot go on");
}

void Sha256::finish(char* to) {
  must(SHA256_Final(reinterpret_cast<unsigned char*>(to), context_in(state_)) == 1, "SHA-256 cannot end");
  start();
}

}  // namespace idnode::crypto
