#include "protocol/crypto/digest.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>

#include "protocol/bytes.h"

namespace idnode::crypto {
namespace {

// Counts what OpenSSL allocates. It must be told before it has allocated anything.
std::atomic<std::size_t> allocations{0};
void* counted_malloc(std::size_t n, const char*, int) {
  ++allocations;
  return std::malloc(n);
}
void* counted_realloc(void* p, std::size_t n, const char*, int) {
  ++allocations;
  return std::realloc(p, n);
}
void counted_free(void* p, const char*, int) { std::free(p); }
const bool counting = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

struct Known {
  Digest digest;
  const char* data;
  const char* hex;
};
// RFC 1321, FIPS 180-4, GB/T 32905.
constexpr Known kKnown[] = {
    {Digest::kMd5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {Digest::kMd5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {Digest::kSha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {Digest::kSha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {Digest::kSha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {Digest::kSha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {Digest::kSm3, "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
};

TEST(Digest, KnownAnswers) {
  for (const Known& k : kKnown) {
    EXPECT_EQ(to_hex(digest(k.digest, k.data)), k.hex);
    EXPECT_EQ(digest(k.digest, k.data).size(), digest_size(k.digest));
  }
}

TEST(Digest, PartsAreOneMessage) {
  for (const Digest d : {Digest::kMd5, Digest::kSha1, Digest::kSha256, Digest::kSm3}) {
    EXPECT_EQ(digest(d, {"a", "", "bc", std::string_view()}), digest(d, "abc"));
    EXPECT_NE(digest(d, {"ab"}), digest(d, "abc"));
  }
}

TEST(Digest, Sha256StartsAfreshAfterEachResult) {
  Sha256 sha;
  char octets[Sha256::kSize];
  for (const char* data : {"abc", "", "abc", "hello"}) {
    sha.add(data);
    sha.finish(octets);
    EXPECT_EQ(std::string_view(octets, sizeof octets), digest(Digest::kSha256, data)) << data;
  }
  Sha256 moved = std::move(sha);
  moved.add("a");
  moved.add("bc");
  moved.finish(octets);
  EXPECT_EQ(std::string_view(octets, sizeof octets), digest(Digest::kSha256, "abc"));
}

TEST(Digest, Sha256AllocatesNothing) {
  ASSERT_TRUE(counting);
  const std::size_t before_any = allocations;
  (void)digest(Digest::kSha256, "");
  EXPECT_GT(allocations, before_any) << "the counter does not count";
  const std::size_t before = allocations;
  char octets[Sha256::kSize];
  Sha256 sha;
  for (int i = 0; i < 100; ++i) {
    sha.add("a record of the log");
    sha.finish(octets);
  }
  EXPECT_EQ(allocations, before);
}

// What the library itself does at each start, and no more: no fetch, no context.
TEST(Digest, AOneShotAllocatesOnce) {
  for (const Digest d : {Digest::kMd5, Digest::kSha1, Digest::kSha256, Digest::kSm3}) {
    (void)digest(d, "warm");
    const std::size_t warm = allocations;
    for (int i = 0; i < 100; ++i) (void)digest(d, {"a", "b"});
    EXPECT_LE(allocations, warm + 100);
  }
}

}  // namespace
}  // namespace idnode::crypto
