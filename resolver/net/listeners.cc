#include "resolver/net/listeners.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace idnode {
namespace {

constexpr int kPortTries = 64;                 // until TCP and UDP get the same free number
constexpr int kUdpBuffer = 4 * 1'024 * 1'024;  // what the kernel grants of it is enough

std::string complaint(const Endpoint& endpoint, std::string_view what, int number) {
  std::string text = "cannot listen on " + to_text(endpoint) + " (" + std::string(what) +
                     "): " + std::generic_category().message(number);
  switch (number) {
    case EADDRINUSE:
      return text + "; stop the program that uses the port or choose another in [listen] handle";
    case EADDRNOTAVAIL: return text + "; this machine has no such address, see [listen] handle";
    case EACCES: return text + "; ports below 1024 need the right to bind them";
    case EAFNOSUPPORT: return text + "; IPv6 is switched off on this machine";
    default: return text;
  }
}

bool bind_to(int fd, const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(endpoint, address);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// The request id of the envelope (octets 8 to 11), modulo the number of sockets, picks the socket; a shorter
// datagram goes to the first.
bool steer_by_request_id(int fd, unsigned sockets) {
  std::array<sock_filter, 3> program{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 8},
                                      {BPF_ALU | BPF_MOD | BPF_K, 0, 0, sockets},
                                      {BPF_RET | BPF_A, 0, 0, 0}}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

std::expected<Descriptor, std::string> open_tcp(const Endpoint& endpoint) {
  auto fd = make_socket(endpoint, SOCK_STREAM);
  if (!fd || !set(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1) || !bind_to(fd->get(), endpoint) ||
      ::listen(fd->get(), kBacklog) != 0)
    return std::unexpected(complaint(endpoint, "TCP", errno));
  return std::move(*fd);
}

std::expected<std::vector<Descriptor>, std::string> open_udp(const Endpoint& endpoint, unsigned workers,
                                                             int& error) {
  std::vector<Descriptor> sockets;
  for (unsigned i = 0; i < workers; ++i) {
    auto fd = make_socket(endpoint, SOCK_DGRAM);
    const bool bound =
        fd && (workers == 1 || set(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1)) && bind_to(fd->get(), endpoint);
    if (!bound) {
      error = errno;
      return std::unexpected(complaint(endpoint, "UDP", error));
    }
    set(fd->get(), SOL_SOCKET, SO_RCVBUF, kUdpBuffer);
    set(fd->get(), SOL_SOCKET, SO_SNDBUF, kUdpBuffer);
    sockets.push_back(std::move(*fd));
  }
  if (workers > 1 && !steer_by_request_id(sockets.front().get(), workers)) {
    error = errno;
    return std::unexpected(complaint(endpoint, "UDP steering", error));
  }
  return sockets;
}

// Whether nobody has the UDP port: SO_REUSEPORT alone would join another program of the same user.
bool udp_port_free(const Endpoint& endpoint) {
  auto fd = make_socket(endpoint, SOCK_DGRAM);
  return fd && bind_to(fd->get(), endpoint);
}

std::expected<Listener, std::string> open_listener(const Endpoint& wanted, unsigned workers) {
  for (int attempt = 1;; ++attempt) {
    auto tcp = open_tcp(wanted);
    if (!tcp) return std::unexpected(std::move(tcp.error()));
    Endpoint endpoint = wanted;
    endpoint.port = local_endpoint(tcp->get()).port;
    int error = EADDRINUSE;
    std::expected<std::vector<Descriptor>, std::string> udp =
        udp_port_free(endpoint) ? open_udp(endpoint, workers, error)
                                : std::unexpected(complaint(endpoint, "UDP", errno));
    if (udp) return Listener{.endpoint = endpoint, .tcp = std::move(*tcp), .udp = std::move(*udp)};
    if (wanted.port != 0 || error != EADDRINUSE || attempt == kPortTries)
      return std::unexpected(std::move(udp.error()));
  }
}

}  // namespace

std::expected<std::vector<Listener>, std::string> open_listeners(const std::vector<Endpoint>& endpoints,
                                                                 unsigned workers) {
  std::vector<Listener> listeners;
  for (const Endpoint& endpoint : endpoints) {
    auto listener = open_listener(endpoint, workers);
    if (!listener) return std::unexpected(std::move(listener.error()));
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

}  // namespace idnode
