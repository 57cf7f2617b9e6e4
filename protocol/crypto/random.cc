#include "protocol/crypto/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstring>

#include "protocol/crypto/openssl.h"

namespace idnode::crypto {

namespace {

// A call of the library costs over a microsecond however few octets it is asked for, so each thread draws a
// block and hands it out. What was handed out is erased; what a process held when it forked is not the
// child's.
class Reserve {
 public:
  static constexpr std::size_t kMost = 64;  // that one call takes out of it

  ~Reserve() { OPENSSL_cleanse(octets_.data(), octets_.size()); }

  bool take(unsigned char* to, std::size_t n) {
    const unsigned now = forks();
    if (left_ < n || forks_ != now) {
      left_ = 0;
      if (RAND_bytes(octets_.data(), static_cast<int>(octets_.size())) != 1) return false;
      left_ = octets_.size();
      forks_ = now;
    }
    left_ -= n;
    std::memcpy(to, octets_.data() + left_, n);
    OPENSSL_cleanse(octets_.data() + left_, n);
    return true;
  }

 private:
  // How often this process is the child of a fork.
  static unsigned forks() {
    static std::atomic<unsigned> count = 0;
    static const int watched = pthread_atfork(nullptr, nullptr, [] { ++count; });
    must(watched == 0, "forks can not be watched");
    return count.load(std::memory_order_relaxed);
  }

  std::array<unsigned char, 512> octets_;
  std::size_t left_ = 0;
  unsigned forks_ = 0;
};

bool fill(unsigned char* to, std::size_t n) {
  thread_local Reserve reserve;
  return n <= Reserve::kMost ? reserve.take(to, n) : RAND_bytes(to, static_cast<int>(n)) == 1;
}

}  // namespace

Result<std::string> random_octets(std::size_t n) {
  std::string octets(n, '\0');
  if (!fill(out(octets), n)) return std::unexpected(Errc::kCrypto);
  return octets;
}

Result<std::uint64_t> random_u64() {
  std::uint64_t number = 0;
  if (!fill(reinterpret_cast<unsigned char*>(&number), sizeof number)) return std::unexpected(Errc::kCrypto);
  return number;
}

}  // namespace idnode::crypto
