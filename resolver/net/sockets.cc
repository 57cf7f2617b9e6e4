#include "resolver/net/sockets.h"

#include <arpa/inet.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

namespace idnode {

void Descriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int family_of(const Endpoint& endpoint) { return endpoint.address.is_v4() ? AF_INET : AF_INET6; }

socklen_t to_sockaddr(const Endpoint& endpoint, sockaddr_storage& out) {
  if (family_of(endpoint) == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.octets.data() + 12, 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  std::memcpy(&v6.sin6_addr, endpoint.address.octets.data(), 16);
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

Endpoint to_endpoint(const sockaddr_storage& address) {
  Endpoint result;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    result.address.octets[10] = result.address.octets[11] = 0xff;
    std::memcpy(result.address.octets.data() + 12, &v4.sin_addr, 4);
    result.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(result.address.octets.data(), &v6.sin6_addr, 16);
    result.port = ntohs(v6.sin6_port);
  }
  return result;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return to_endpoint(address);
}

Result<Descriptor> make_socket(const Endpoint& endpoint, int type) {
  const int family = family_of(endpoint);
  Descriptor fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(Errc::kIo);
  const int on = 1;
  if (family == AF_INET6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
    return std::unexpected(Errc::kIo);
  return fd;
}

ssize_t receive_now(int fd, std::span<char> room) {
  return ::syscall(SYS_recvfrom, fd, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr);
}

ssize_t send_now(int fd, std::string_view octets) {
  return ::syscall(SYS_sendto, fd, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}

}  // namespace idnode
