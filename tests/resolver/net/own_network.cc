#include "tests/resolver/net/own_network.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace idnode::test {

namespace {

// The child of a thread is in the thread's network.
bool command(const char* text) { return std::system(text) == 0; }  // NOLINT(cert-env33-c)

bool set_up(Loopback loopback, std::string& why_not) {
  if (::unshare(CLONE_NEWNET) != 0) {
    why_not = std::string("no network of its own: ") + std::strerror(errno);
    return false;
  }
  if (loopback == Loopback::kDown) return true;
  if (!command("ip link set lo up")) {
    why_not = "ip link set lo up failed";
    return false;
  }
  if (loopback == Loopback::kUp) return true;
  if (!command("ip route add local 0.0.0.0/0 dev lo") || !command("ip -6 route add local ::/0 dev lo")) {
    why_not = "no routes to every address";
    return false;
  }
  return true;
}

std::uint16_t port_at(const unsigned char* octets) {
  return static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
}

}  // namespace

bool in_own_network(Loopback loopback, const std::function<void()>& body, std::string& why_not) {
  bool there = false;
  std::thread thread([&] {
    there = set_up(loopback, why_not);
    if (there) body();
  });
  thread.join();
  return there;
}

Departures::Departures(unsigned allowed_port) : allowed_port_(allowed_port) {
  fd_ = ::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  if (fd_ < 0) throw std::runtime_error("no packet socket");
  const int large = 8 << 20;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
}

Departures::~Departures() { ::close(fd_); }

unsigned Departures::count() {
  unsigned departures = 0;
  for (;;) {
    unsigned char packet[256];
    sockaddr_ll from{};
    socklen_t size = sizeof(from);
    const ssize_t n = ::recvfrom(fd_, packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) return departures;
    // On loopback each is seen twice: as it goes and as it comes.
    if (from.sll_pkttype != PACKET_OUTGOING || n < 20) continue;
    const bool v4 = packet[0] >> 4 == 4;
    const std::size_t header = v4 ? std::size_t{4} * (packet[0] & 0xfU) : 40;
    const unsigned char protocol = v4 ? packet[9] : packet[6];
    if (static_cast<std::size_t>(n) < header + 14) continue;
    const unsigned char* const rest = packet + header;
    const bool first = protocol == IPPROTO_TCP && (rest[13] & 0x12) == 0x02;  // SYN without ACK
    if ((first || protocol == IPPROTO_UDP) && port_at(rest + 2) != allowed_port_) ++departures;
  }
}

}  // namespace idnode::test
