#include "resolver/net/upstream_udp.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "protocol/handle/fragment.h"

namespace idnode {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds kRepeatAfter{500};

// A datagram that does not fit into the socket's buffer is as good as lost: the repeat covers it.
void send_all(asio::ip::udp::socket& socket, std::string_view frame) {
  const auto length = static_cast<std::uint32_t>(frame.size() - handle::kEnvelopeSize);
  const std::uint32_t parts = handle::fragments_of(length);
  for (std::uint32_t i = 0; i < parts; ++i) {
    std::string datagram;
    handle::append_datagram(frame, i, /*mark_truncated=*/parts > 1, datagram);
    error_code ignored;
    socket.send(asio::buffer(datagram), 0, ignored);
  }
}

}  // namespace

asio::awaitable<Attempt> exchange_udp(asio::io_context& io, Alarms& alarms, UpstreamCounts& counts,
                                      const Target& target, const Outgoing& sent, SteadyTime until,
                                      MessageBudget& budget) {
  if (!budget.take()) co_return Attempt{};
  const asio::ip::udp::endpoint peer(to_asio(target.endpoint.address), target.endpoint.port);
  asio::ip::udp::socket socket(io);
  error_code ec;
  socket.open(peer.protocol(), ec);
  if (!ec) socket.non_blocking(true, ec);
  if (!ec) socket.connect(peer, ec);  // binds to a free port that the kernel picks at random
  if (ec) co_return Attempt{is_local_lack(ec) ? Attempt::End::kLocal : Attempt::End::kUnreachable, nullptr};

  Alarm deadline(alarms, until, [&socket] {
    error_code ignored;
    socket.close(ignored);
  });
  Alarm repeat(alarms, std::min(until, std::chrono::steady_clock::now() + kRepeatAfter),
               [&socket, &sent, &budget] {
                 if (socket.is_open() && budget.take()) send_all(socket, sent.frame);
               });
  send_all(socket, sent.frame);

  std::optional<handle::Assembly> assembly;
  std::array<char, 4096> buffer;
  for (;;) {
    const std::size_t n =
        co_await socket.async_receive(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
    if (deadline.rang()) {
      if (assembly) counts.drop(Dropped::kTruncated);
      co_return Attempt{Attempt::End::kTimeout, nullptr};
    }
    if (ec) co_return Attempt{Attempt::End::kUnreachable, nullptr};  // an ICMP error
    const handle::Datagram datagram = handle::classify_datagram({buffer.data(), n}, /*is_request=*/false);
    if (datagram.arrival == handle::Arrival::kDrop || datagram.arrival == handle::Arrival::kMalformed) {
      counts.drop(Dropped::kMalformed);
      continue;
    }
    if (datagram.envelope.request_id != sent.request_id) {
      counts.drop(Dropped::kRequestId);
      continue;
    }
    std::string message;
    if (datagram.arrival == handle::Arrival::kWhole) {
      message = datagram.part;
    } else {
      // An answer of another length is another answer; only one is put together at a time.
      if (!assembly || assembly->envelope().length != datagram.envelope.length) {
        assembly.emplace(datagram.envelope);
      }
      if (!assembly->add(datagram.envelope, datagram.part)) continue;
      message = assembly->take();
      assembly.reset();
    }
    auto checked = check_incoming(sent, datagram.envelope, std::move(message), wall_and_steady());
    if (checked) co_return Attempt{Attempt::End::kAnswer, std::move(*checked)};
    counts.drop(checked.error());
  }
}

}  // namespace idnode
