// Between Endpoint and the operating system's socket addresses, and the few socket calls that more than one
// file makes. POSIX only.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <span>
#include <string_view>
#include <utility>

#include "protocol/address.h"
#include "protocol/result.h"

namespace idnode {

// Owns one descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// An IPv4-mapped endpoint becomes an AF_INET address. Returns the length to give to bind, connect, sendto.
socklen_t to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out);
// An address of another family becomes ::, port 0.
Endpoint to_endpoint(const sockaddr_storage& address);
// AF_INET for IPv4-mapped addresses.
int family_of(const Endpoint& endpoint);
// What the socket is bound to; :: port 0 on failure.
Endpoint local_endpoint(int fd);

// A non-blocking, close-on-exec socket of the endpoint's family; `type` is SOCK_STREAM or SOCK_DGRAM. IPv6
// sockets take IPv6 only (V6ONLY). kIo with errno set.
Result<Descriptor> make_socket(const Endpoint& endpoint, int type);

// recv() and send() without waiting; -1 and errno as they do. Those of the C library are points where a
// thread may be cancelled, which costs them two locked instructions each; nobody cancels threads here.
ssize_t receive_now(int fd, std::span<char> room);
ssize_t send_now(int fd, std::string_view octets);

}  // namespace idnode
