// One UDP socket of one worker: batches in, batches out, no allocation and no coroutine per datagram while an
// exchange needs nothing from outside.
//
// The sockets of all workers share the port (SO_REUSEPORT); a classic BPF program gives each datagram to the
// worker that its request id names, so that all datagrams and repeats of one request meet at one worker
// (listeners.cc).
#pragma once

#include <sys/socket.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/handle/fragment.h"
#include "resolver/logic/foresight.h"
#include "resolver/net/lane.h"
#include "resolver/net/sent_answers.h"
#include "resolver/net/sockets.h"

namespace idnode {

class UdpSocket {
 public:
  // Worker thread, or before the worker starts. `udp_admin`: administration is taken over UDP.
  UdpSocket(Lane& lane, Descriptor socket, bool udp_admin);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  void start();
  // Takes nothing more; what runs is still answered.
  void stop_reading();
  // Nothing runs and nothing waits to be sent.
  bool idle() const { return running_.empty() && long_answers_.empty(); }

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kRoom = 576;  // above the 512 of a datagram, so that a longer one is seen

  struct RunningKey {
    Endpoint peer;
    std::uint32_t request_id = 0;
    std::uint32_t session_id = 0;
    std::uint32_t length = 0;
    bool operator==(const RunningKey&) const = default;
  };
  struct RunningHash {
    std::size_t operator()(const RunningKey& key) const;
  };
  // Where an answer goes and the address it leaves from: the one that was asked. `local` counts only on a
  // socket that is bound to every address.
  struct Path {
    Endpoint peer;
    Address local;
  };
  struct Running {
    std::shared_ptr<Drive> drive;
    Address local;
  };
  // An answer that is sent a few datagrams at a time, so that it fits the peer's receive buffer.
  struct LongAnswer {
    Path path;
    std::string frame;
    std::uint32_t next = 0;
  };
  // Room for one control message with the local address.
  struct alignas(cmsghdr) Control {
    char octets[64];
  };
  struct Buffers {
    std::array<std::array<char, kRoom>, kBatch> in;
    std::array<iovec, kBatch> in_parts;
    std::array<sockaddr_storage, kBatch> in_names;
    std::array<mmsghdr, kBatch> in_heads;
    std::array<Control, kBatch> in_control;
    std::array<std::array<char, handle::kDatagram>, kBatch> out;
    std::array<iovec, kBatch> out_parts;
    std::array<sockaddr_storage, kBatch> out_names;
    std::array<mmsghdr, kBatch> out_heads;
    std::array<Control, kBatch> out_control;
  };

  void wait();
  void drain();
  void foresee(std::size_t batch);
  void take(std::string_view datagram, const msghdr& head);
  void add_fragment(const handle::Datagram& datagram);
  void process(const handle::Envelope& envelope, std::string_view message);
  bool answer_again(const handle::Envelope& envelope, std::string_view message);
  void finish(const RunningKey& key);
  void protocol_error(const handle::Envelope& envelope, std::string_view message);
  void answer(const Source& source, const Address& local, const handle::Envelope& envelope,
              std::string_view message, ExchangeRecord record, std::string_view frame,
              std::uint64_t started_us);
  bool exempt(const Source& source);
  void queue(const Path& path, std::string_view frame);
  void queue_datagram(const Path& path, std::string_view frame, std::uint32_t sequence);
  void flush();
  void send_long_answers();

  Lane& lane_;
  const bool udp_admin_;
  bool every_address_ = false;  // bound to 0.0.0.0 or ::
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer pace_;
  std::unique_ptr<Buffers> buffers_;
  Foresight foresight_;
  std::size_t queued_ = 0;
  Now now_;                       // of the batch
  std::uint64_t started_us_ = 0;  // of the batch
  Source source_;                 // of the datagram; kept while the peer stays the same
  Address local_;                 // of the datagram: where it was sent to
  bool source_known_ = false;
  bool stopped_ = false;
  std::shared_ptr<Drive> drive_;
  std::unordered_map<RunningKey, Running, RunningHash> running_;
  SentAnswers sent_;
  std::deque<LongAnswer> long_answers_;
  std::size_t long_octets_ = 0;
  std::string datagram_;  // being cut
  std::string refusal_;
};

}  // namespace idnode
