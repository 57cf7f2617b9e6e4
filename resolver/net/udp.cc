#include "resolver/net/udp.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "protocol/handle/header.h"
#include "resolver/net/clock.h"

namespace idnode {
namespace {

using boost::system::error_code;

constexpr int kReceiveRounds = 16;       // batches of one turn, then others get theirs
constexpr std::size_t kRunning = 1'024;  // requests of one worker that wait for something
constexpr std::uint32_t kBurst = 32;     // datagrams of a long answer at a time
constexpr auto kPause = std::chrono::milliseconds(1);
constexpr std::size_t kLongOctets = std::size_t{16} << 20;  // of answers that are being sent slowly

// The local address that a datagram was sent to, out of its control message; and into one.
Address local_address(const msghdr& head) {
  Address local;
  for (cmsghdr* c = CMSG_FIRSTHDR(&head); c != nullptr; c = CMSG_NXTHDR(const_cast<msghdr*>(&head), c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      local.octets[10] = local.octets[11] = 0xff;
      std::memcpy(local.octets.data() + 12, &info.ipi_addr, 4);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      std::memcpy(local.octets.data(), CMSG_DATA(c), 16);  // in6_pktinfo begins with the address
    }
  }
  return local;
}

template <class Info>
void put_control(int level, int type, const Info& info, msghdr& head) {
  head.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* const c = CMSG_FIRSTHDR(&head);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(c), &info, sizeof info);
}

void set_local_address(const Address& local, msghdr& head) {
  if (local.is_v4()) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, local.octets.data() + 12, 4);
    put_control(IPPROTO_IP, IP_PKTINFO, info, head);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.octets.data(), 16);
    put_control(IPPROTO_IPV6, IPV6_PKTINFO, info, head);
  }
}

// Asks the kernel for the local address of each datagram where the socket has several.
bool wants_local_address(int fd) {
  const Endpoint bound = local_endpoint(fd);
  const int on = 1;
  Address any_v4;
  any_v4.octets[10] = any_v4.octets[11] = 0xff;
  if (bound.address == any_v4) return ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
  if (bound.address == Address{})
    return ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
  return false;
}

}  // namespace

std::size_t UdpSocket::RunningHash::operator()(const RunningKey& key) const {
  std::size_t h = AddressHash{}(key.peer.address);
  h = (h ^ (std::uint64_t{key.peer.port} << 32 | key.request_id)) * 0x9e3779b97f4a7c15ULL;
  return (h ^ (h >> 29) ^ (std::uint64_t{key.session_id} << 32 | key.length)) * 0x9e3779b97f4a7c15ULL;
}

UdpSocket::UdpSocket(Lane& lane, Descriptor socket, bool udp_admin)
    : lane_(lane),
      udp_admin_(udp_admin),
      socket_(lane.worker.context(), socket.release()),
      pace_(lane.worker.context()),
      buffers_(std::make_unique<Buffers>()),
      drive_(lane.take_drive()) {
  every_address_ = wants_local_address(socket_.native_handle());
  std::memset(buffers_.get(), 0, sizeof(Buffers));
  for (std::size_t i = 0; i < kBatch; ++i) {
    Buffers& b = *buffers_;
    b.in_parts[i] = {.iov_base = b.in[i].data(), .iov_len = kRoom};
    b.in_heads[i].msg_hdr.msg_iov = &b.in_parts[i];
    b.in_heads[i].msg_hdr.msg_iovlen = 1;
    b.in_heads[i].msg_hdr.msg_name = &b.in_names[i];
    b.out_heads[i].msg_hdr.msg_iov = &b.out_parts[i];
    b.out_heads[i].msg_hdr.msg_iovlen = 1;
    b.out_heads[i].msg_hdr.msg_name = &b.out_names[i];
    if (every_address_) {
      b.in_heads[i].msg_hdr.msg_control = &b.in_control[i];
      b.out_heads[i].msg_hdr.msg_control = &b.out_control[i];
    }
  }
}

UdpSocket::~UdpSocket() {
  for (auto& [key, running] : running_) running.drive->abandon();
}

void UdpSocket::start() { wait(); }

void UdpSocket::stop_reading() {
  stopped_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void UdpSocket::wait() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
    if (error || stopped_) return;
    drain();
    wait();
  });
}

void UdpSocket::drain() {
  Buffers& b = *buffers_;
  if (drive_->services() != lane_.services) drive_ = lane_.take_drive();
  source_known_ = false;
  for (int round = 0; round < kReceiveRounds; ++round) {
    for (mmsghdr& head : b.in_heads) {
      head.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
      head.msg_hdr.msg_controllen = every_address_ ? sizeof(Control) : 0;
    }
    const int n = ::recvmmsg(socket_.native_handle(), b.in_heads.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (n <= 0) break;
    started_us_ = steady_us();
    now_ = clock_now(started_us_);
    foresee(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      take(std::string_view(b.in[k].data(), b.in_heads[k].msg_len), b.in_heads[k].msg_hdr);
    }
    flush();
    if (static_cast<std::size_t>(n) < kBatch) break;
  }
}

void UdpSocket::foresee(std::size_t batch) {
  const Buffers& b = *buffers_;
  for (std::size_t i = 0; i < batch; ++i) {
    const std::string_view octets(b.in[i].data(), b.in_heads[i].msg_len);
    if (octets.size() > handle::kEnvelopeSize) foresight_.expect(octets.substr(handle::kEnvelopeSize));
  }
  foresight_.fetch(*lane_.services);
}

void UdpSocket::take(std::string_view octets, const msghdr& head) {
  const Endpoint peer = to_endpoint(*static_cast<const sockaddr_storage*>(head.msg_name));
  if (every_address_) local_ = local_address(head);
  if (!source_known_ || source_.peer.address != peer.address) {
    source_ = lane_.source_of(Transport::kUdp, peer, udp_admin_);
    source_known_ = true;
  }
  source_.peer.port = peer.port;
  lane_.probe.octets_in[0].add(octets.size());
  const handle::Datagram datagram = handle::classify_datagram(octets, true);
  const Limits& limits = lane_.limits();
  if (datagram.arrival == handle::Arrival::kDrop) {
    lane_.probe.datagrams_dropped.add();
    return;
  }
  if (!exempt(source_)) lane_.allowance.arrived(peer.address, octets.size(), limits, now_.steady_ms);
  if (datagram.envelope.length > limits.message_bytes) {
    lane_.probe.bite(Bite::kMessageBytes);
    if (datagram.envelope.sequence == 0) protocol_error(datagram.envelope, {});
    return;
  }
  switch (datagram.arrival) {
    case handle::Arrival::kWhole: return process(datagram.envelope, datagram.part);
    case handle::Arrival::kFragment: return add_fragment(datagram);
    case handle::Arrival::kMalformed: return protocol_error(datagram.envelope, datagram.part);
    case handle::Arrival::kDrop: return;
  }
}

void UdpSocket::add_fragment(const handle::Datagram& datagram) {
  handle::Envelope envelope;
  std::string message;
  const auto added = lane_.reassembly.add(source_.peer, !source_.trusted, datagram, lane_.limits(),
                                          now_.steady_ms, envelope, message);
  if (added.expired != 0) lane_.probe.bite(Bite::kUdpReassemblySeconds, added.expired);
  if (added.evicted != 0) lane_.probe.bite(Bite::kUdpReassemblyBytes, added.evicted);
  if (added.outcome == Reassembly::Outcome::kSourceFull) lane_.probe.bite(Bite::kUdpReassemblyPerSource);
  if (added.outcome == Reassembly::Outcome::kWhole) process(envelope, message);
}

void UdpSocket::process(const handle::Envelope& envelope, std::string_view message) {
  const RunningKey key{.peer = source_.peer,
                       .request_id = envelope.request_id,
                       .session_id = envelope.session_id,
                       .length = envelope.length};
  if (!running_.empty() && running_.contains(key)) {
    lane_.probe.datagrams_repeated.add();  // its first arrival will be answered
    return;
  }
  if (!sent_.empty() && answer_again(envelope, message)) return;
  if (drive_->start(envelope, message, source_, now_, started_us_)) {
    answer(source_, local_, envelope, message, drive_->record(), drive_->frame(), started_us_);
    return;
  }
  std::shared_ptr<Drive> drive = std::exchange(drive_, lane_.take_drive());
  if (running_.size() >= kRunning) {
    lane_.probe.bite(Bite::kUdpRunning);
    return;
  }
  running_.emplace(key, Running{.drive = drive, .local = local_});
  drive->run([this, key] {
    now_ = clock_now();
    finish(key);
    flush();
  });
  if (drive->at_rest()) finish(key);
}

// A repeat of an answered challenge, or of a request with a MAC, gets what it was answered.
bool UdpSocket::answer_again(const handle::Envelope& envelope, std::string_view message) {
  if (envelope.session_id == 0) return false;
  const SentAnswers::Sent* sent = sent_.find(source_.peer, envelope, message, now_.steady_ms);
  if (sent == nullptr) return false;
  lane_.probe.datagrams_repeated.add();
  ExchangeRecord record;
  record.opcode = record.original_opcode = sent->opcode;
  record.code = sent->code;
  record.suggested = envelope.suggested;
  answer(source_, local_, envelope, message, record, sent->frame, started_us_);
  return true;
}

// Several messages do not exist on UDP: the first of a stream would be all.
void UdpSocket::finish(const RunningKey& key) {
  const auto found = running_.find(key);
  const auto [drive, local] = std::move(found->second);
  running_.erase(found);
  drive->abandon();
  // A full queue is not worth a datagram: the client repeats by itself (BEHAVIOUR.md §4.6).
  if (!drive->too_busy())
    answer(drive->source(), local, drive->envelope(), drive->message(), drive->record(), drive->frame(),
           drive->started_us());
  if (drive->done()) lane_.give_back(drive);
}

void UdpSocket::protocol_error(const handle::Envelope& envelope, std::string_view message) {
  std::string frame;
  append_protocol_error(*lane_.services, envelope, message, handle::ResponseCode::kProtocolError, {}, now_,
                        frame);
  ExchangeRecord record;
  record.code = static_cast<std::uint32_t>(handle::ResponseCode::kProtocolError);
  record.suggested = envelope.suggested;
  answer(source_, local_, envelope, message, record, frame, started_us_);
}

bool UdpSocket::exempt(const Source& source) {
  return source.trusted || lane_.limits().udp_unverified_ratio == 0 ||
         lane_.allowance.verified(source.peer.address, now_.steady_ms);
}

void UdpSocket::answer(const Source& source, const Address& local, const handle::Envelope& envelope,
                       std::string_view message, ExchangeRecord record, std::string_view frame,
                       std::uint64_t started_us) {
  if (frame.empty()) return;
  if (record.once) {
    const std::uint64_t evicted =
        sent_.put(source.peer, envelope, message, {record.opcode, record.code, frame},
                  lane_.limits().udp_sent_answer_bytes, now_.steady_ms);
    if (evicted != 0) lane_.probe.bite(Bite::kUdpSentAnswers, evicted);
  }
  if (!exempt(source)) {
    const auto count = handle::fragments_of(static_cast<std::uint32_t>(frame.size() - handle::kEnvelopeSize));
    const std::size_t octets = frame.size() + (count - 1) * handle::kEnvelopeSize;
    // Header, an empty body's length and the credential's: what a refusal without data takes.
    constexpr std::size_t kRefusal = handle::kEnvelopeSize + handle::kHeaderSize + 8;
    const auto verdict =
        lane_.allowance.spend(source.peer.address, octets, kRefusal, lane_.limits(), now_.steady_ms);
    if (verdict == UdpAllowance::Verdict::kDrop) return lane_.probe.bite(Bite::kUdpUnverifiedDropped);
    if (verdict == UdpAllowance::Verdict::kRefuse) {
      lane_.probe.bite(Bite::kUdpUnverifiedRefused);
      record.code = static_cast<std::uint32_t>(handle::ResponseCode::kError);
      refusal_.clear();
      append_refusal(*lane_.services, envelope, message, handle::ResponseCode::kError, {}, now_, refusal_);
      frame = refusal_;
    }
  }
  queue({.peer = source.peer, .local = local}, frame);
  lane_.answered(source, record, started_us, now_);
}

void UdpSocket::queue(const Path& path, std::string_view frame) {
  const auto count = handle::fragments_of(static_cast<std::uint32_t>(frame.size() - handle::kEnvelopeSize));
  if (count <= kBurst) {
    for (std::uint32_t i = 0; i < count; ++i) queue_datagram(path, frame, i);
    return;
  }
  if (long_octets_ + frame.size() > kLongOctets) return lane_.probe.bite(Bite::kUdpSendBuffer);
  long_octets_ += frame.size();
  long_answers_.push_back({.path = path, .frame = std::string(frame)});
  if (long_answers_.size() == 1) send_long_answers();
}

void UdpSocket::queue_datagram(const Path& path, std::string_view frame, std::uint32_t sequence) {
  if (queued_ == kBatch) flush();
  Buffers& b = *buffers_;
  std::size_t size = frame.size();
  if (size <= handle::kDatagram) {
    std::memcpy(b.out[queued_].data(), frame.data(), size);
  } else {
    datagram_.clear();
    handle::append_datagram(frame, sequence, false, datagram_);
    size = datagram_.size();
    std::memcpy(b.out[queued_].data(), datagram_.data(), size);
  }
  b.out_parts[queued_] = {.iov_base = b.out[queued_].data(), .iov_len = size};
  b.out_heads[queued_].msg_hdr.msg_namelen = to_sockaddr(path.peer, b.out_names[queued_]);
  if (every_address_) set_local_address(path.local, b.out_heads[queued_].msg_hdr);
  lane_.probe.octets_out[0].add(size);
  ++queued_;
}

void UdpSocket::flush() {
  Buffers& b = *buffers_;
  std::size_t sent = 0;
  while (sent < queued_) {
    const int n = ::sendmmsg(socket_.native_handle(), b.out_heads.data() + sent,
                             static_cast<unsigned>(queued_ - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    // The first one left cannot be sent (no buffer, or a peer that refuses): it is lost, as datagrams are.
    lane_.probe.bite(Bite::kUdpSendBuffer);
    ++sent;
  }
  queued_ = 0;
}

void UdpSocket::send_long_answers() {
  LongAnswer& answer = long_answers_.front();
  const auto count =
      handle::fragments_of(static_cast<std::uint32_t>(answer.frame.size() - handle::kEnvelopeSize));
  for (std::uint32_t i = 0; i < kBurst && answer.next < count; ++i)
    queue_datagram(answer.path, answer.frame, answer.next++);
  flush();
  if (answer.next == count) {
    long_octets_ -= answer.frame.size();
    long_answers_.pop_front();
  } else if (long_answers_.size() > 1) {  // in turns
    long_answers_.push_back(std::move(answer));
    long_answers_.pop_front();
  }
  if (long_answers_.empty()) return;
  pace_.expires_after(kPause);
  pace_.async_wait([this](const error_code& error) {
    if (!error) send_long_answers();
  });
}

}  // namespace idnode
