#include "resolver/net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "protocol/handle/header.h"
#include "resolver/net/clock.h"
#include "resolver/net/tcp.h"

namespace idnode {
namespace {

constexpr std::uint64_t kLingerMs = 2'000;
constexpr std::size_t kLingerOctets = std::size_t{1} << 20;
constexpr std::size_t kKeptBuffer = 4'096;  // a buffer above that is given back when empty
constexpr std::size_t kCompact = 1 << 18;   // sent octets that may stand in front of unsent ones

}  // namespace

Connection::Connection(Lane& lane, Connections& among, Descriptor socket, const Source& source,
                       Admission::Ticket ticket)
    : lane_(lane),
      among_(among),
      socket_(std::move(socket)),
      services_(lane_.services),
      source_(source),
      ticket_(std::move(ticket)),
      opened_ms_(steady_us() / 1'000),
      active_ms_(opened_ms_),
      now_(clock_now()) {}

Connection::~Connection() {
  for (Slot& slot : slots_)
    if (slot.drive) slot.drive->abandon();
}

// A read that leaves room in the buffer has emptied the socket, unless there is an end, an error or urgent
// data in it: what comes later is reported anew.
void Connection::reported(std::uint32_t events) {
  readable_ = readable_ || events != EPOLLOUT;
  to_the_end_ = to_the_end_ || (events & ~std::uint32_t{EPOLLIN | EPOLLOUT}) != 0;
}

void Connection::read(Now now, std::uint64_t now_us, std::span<char>& room) {
  if (over_) return;
  now_ = now;
  began_us_ = now_us;
  if (readable_ && may_read()) receive(room);
}

void Connection::foresee(Foresight& foresight) const {
  if (in_left() != 0) return;
  std::string_view rest = arrived_;
  for (handle::Envelope envelope; frame_at(rest, envelope) == Framing::kWhole;
       rest.remove_prefix(handle::kEnvelopeSize + envelope.length))
    foresight.expect(rest.substr(handle::kEnvelopeSize, envelope.length));
}

void Connection::work() {
  if (over_) return;
  take_up(std::exchange(arrived_, {}));
  if (linger_ms_ == 0) turn();
}

void Connection::write() {
  if (!over_) flush();
  if (!over_ && closing_ && slots_.empty() && unsent() == 0) linger();
  if (over_) return cut();
  if (readable_ && may_read()) return wake();  // after the others
  if (idle()) release_buffers();
}

void Connection::wake() {
  if (!std::exchange(woken_, true)) among_.wake(*this);
}

void Connection::receive(std::span<char>& room) {
  const ssize_t n = receive_now(socket_.get(), room);
  if (n < 0) {
    if (errno == EAGAIN) {
      readable_ = to_the_end_ = false;
    } else if (errno != EINTR) {
      over_ = true;
    }
    return;
  }
  if (n == 0) {
    readable_ = false;
    eof_ = true;
    return;
  }
  const auto size = static_cast<std::size_t>(n);
  readable_ = to_the_end_ || size == room.size();
  arrived_ = {room.data(), size};
  room = room.subspan(size);
  active_ms_ = now_.steady_ms;
  among_.touch(*this);
  lane_.probe.octets_in[1].add(size);
}

void Connection::take_up(std::string_view octets) {
  if (octets.empty()) return;
  if (linger_ms_ != 0) {
    lingered_ += octets.size();
    return;
  }
  if (in_left() == 0) {
    in_.clear();
    in_taken_ = 0;
    octets.remove_prefix(consume(octets));
    in_.append(octets);
  } else {
    in_.erase(0, in_taken_);
    in_.append(octets);
    in_taken_ = 0;
    in_taken_ = consume(in_);
  }
  if (closing_) forget_input();
}

void Connection::turn() {
  // Answers that are next in order make room for requests that wait, and these for further answers.
  for (;;) {
    collect();
    if (in_left() == 0 || !may_start()) break;
    const std::size_t taken = consume(std::string_view(in_).substr(in_taken_));
    in_taken_ += taken;
    if (taken == 0) break;
  }
  if (expired_) {
    expired_ = false;
    broken(std::string_view(in_).substr(in_taken_), true);
    collect();
  }
  if (eof_ && !closing_) end_of_input();
  if (closing_) forget_input();
  note_stop();
}

// The client has sent its last octet. What is whole is still answered.
void Connection::end_of_input() {
  if (whole_waits_) return;
  if (in_left() == 0) {
    closing_ = true;
  } else if (may_start()) {
    broken(std::string_view(in_).substr(in_taken_), true);
    collect();
  }
}

void Connection::forget_input() {
  in_.clear();
  in_taken_ = 0;
  whole_waits_ = false;
}

Connection::Framing Connection::frame_at(std::string_view octets, handle::Envelope& envelope) const {
  if (octets.size() < handle::kEnvelopeSize) return Framing::kPartial;
  const auto decoded = handle::decode_envelope(octets);
  if (!decoded) return Framing::kBroken;
  envelope = *decoded;
  if (envelope.length < handle::kHeaderSize || envelope.length > lane_.limits().message_bytes)
    return Framing::kBroken;
  if (envelope.truncated && envelope.length > handle::kMaxSentMessage) return Framing::kBroken;
  return octets.size() - handle::kEnvelopeSize < envelope.length ? Framing::kPartial : Framing::kWhole;
}

std::size_t Connection::consume(std::string_view octets) {
  if (out_.empty() && out_.capacity() <= kKeptBuffer) among_.lend(out_);
  std::size_t taken = 0;
  whole_waits_ = false;
  while (!closing_) {
    const std::string_view rest = octets.substr(taken);
    handle::Envelope envelope;
    const Framing framing = rest.empty() ? Framing::kPartial : frame_at(rest, envelope);
    if (framing == Framing::kPartial) {
      if (rest.empty()) {
        message_ms_ = 0;
      } else if (message_ms_ == 0) {
        message_ms_ = now_.steady_ms;
      }
      return taken;
    }
    if (!may_start()) {
      whole_waits_ = true;
      return taken;
    }
    message_ms_ = 0;
    had_message_ = true;
    if (framing == Framing::kBroken) {
      if (envelope.length > lane_.limits().message_bytes) lane_.probe.bite(Bite::kMessageBytes);
      broken(rest, false);
      break;
    }
    start_request(envelope, rest.substr(handle::kEnvelopeSize, envelope.length));
    taken += handle::kEnvelopeSize + envelope.length;
  }
  return octets.size();
}

void Connection::start_request(const handle::Envelope& envelope, std::string_view message) {
  if (services_ != lane_.services) {  // reloaded: what the settings say about the peer may have changed
    services_ = lane_.services;
    const std::uint64_t connection = source_.connection;
    source_ = lane_.source_of(Transport::kTcp, source_.peer, true);
    source_.connection = connection;
  }
  std::shared_ptr<Drive>& fast = among_.fast_drive();
  if (fast->start(envelope, message, source_, now_, began_us_)) {
    if (slots_.empty()) {
      out_.append(fast->frame());
      closing_ = closing_ || fast->close();
    } else {
      slots_.push_back({.drive = nullptr, .ready = std::string(fast->frame()), .close = fast->close()});
    }
    finished(*fast);
    return;
  }
  auto drive = std::exchange(fast, lane_.take_drive());
  slots_.push_back({.drive = drive, .ready = {}, .close = false});
  drive->run([this] { wake(); });
}

void Connection::finished(const Drive& drive) {
  if (drive.frame().empty()) return;
  lane_.answered(source_, drive.record(), drive.started_us(), now_);
  if (!source_.trusted) lane_.verify(source_.peer.address, now_.steady_ms);
}

// Moves answers that are next in order to the output.
void Connection::collect() {
  while (!slots_.empty()) {
    Slot& slot = slots_.front();
    if (slot.drive && slot.drive->streaming()) {
      if (unsent() >= lane_.limits().output_bytes) return;
      out_.append(slot.drive->frame());
      slot.drive->more();
      continue;
    }
    bool close = slot.close;
    if (slot.drive) {
      if (!slot.drive->done()) return;
      slot.drive->abandon();
      out_.append(slot.drive->frame());
      close = slot.drive->close();
      finished(*slot.drive);
      lane_.give_back(std::move(slot.drive));
    } else {
      out_.append(slot.ready);
    }
    slots_.pop_front();
    if (!close) continue;
    closing_ = true;
    for (Slot& later : slots_)
      if (later.drive) later.drive->abandon();
    slots_.clear();
  }
}

void Connection::flush() {
  while (unsent() != 0) {
    const ssize_t n = send_now(socket_.get(), std::string_view(out_).substr(out_sent_));
    const std::uint64_t now_ms = now_.steady_ms;
    if (n >= 0) {
      out_sent_ += static_cast<std::size_t>(n);
      progress_ms_ = active_ms_ = now_ms;
      lane_.probe.octets_out[1].add(static_cast<std::uint64_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      over_ = true;
      return;
    }
    if (progress_ms_ == 0) progress_ms_ = now_ms;
    if (out_sent_ > kCompact) {
      out_.erase(0, out_sent_);
      out_sent_ = 0;
    }
    // A stream makes its next part when there is room again; so do requests that wait.
    return;
  }
  out_.clear();
  out_sent_ = 0;
  progress_ms_ = 0;
  const bool more_to_do = (!slots_.empty() && slots_.front().drive && slots_.front().drive->at_rest()) ||
                          (in_left() != 0 && whole_waits_ && may_start());
  if (more_to_do) wake();
}

// Answers that are made but wait for an earlier one count as output too: at most in_flight slots are looked
// at.
std::size_t Connection::unwritten() const {
  std::size_t octets = unsent();
  for (const Slot& slot : slots_) {
    octets += slot.ready.size();
    if (slot.drive && slot.drive->at_rest()) octets += slot.drive->frame().size();
  }
  return octets;
}

bool Connection::may_start() const {
  const Limits& limits = lane_.limits();
  if (closing_ || slots_.size() >= limits.in_flight || unwritten() >= limits.output_bytes) return false;
  for (const Slot& slot : slots_)
    if (slot.drive && slot.drive->holds()) return false;
  return true;
}

bool Connection::may_read() const {
  if (eof_ || over_) return false;
  if (linger_ms_ != 0) return true;
  const Limits& limits = lane_.limits();
  return !closing_ && !whole_waits_ && slots_.size() < limits.in_flight && unwritten() < limits.output_bytes;
}

// Counts when a bound stops the reading, once until it goes on.
void Connection::note_stop() {
  const bool in_flight = slots_.size() >= lane_.limits().in_flight;
  const bool output = unwritten() >= lane_.limits().output_bytes;
  if (in_flight && !stopped_in_flight_) lane_.probe.bite(Bite::kInFlight);
  if (output && !stopped_output_) lane_.probe.bite(Bite::kOutputBytes);
  // The client is not to blame for a message that we did not read on.
  const bool goes_on = (stopped_in_flight_ || stopped_output_) && !in_flight && !output;
  if (goes_on && message_ms_ != 0) message_ms_ = now_.steady_ms;
  stopped_in_flight_ = in_flight;
  stopped_output_ = output;
}

// Framing is lost or the message will never be whole: 4, then the end (WIRE.md §29.1). Fewer octets than an
// envelope are not answered.
void Connection::broken(std::string_view octets, bool with_message) {
  message_ms_ = 0;
  const auto envelope = handle::decode_envelope(octets);
  if (!envelope) {
    closing_ = true;
    return;
  }
  protocol_error(*envelope, with_message ? octets.substr(handle::kEnvelopeSize) : std::string_view{});
}

void Connection::protocol_error(const handle::Envelope& envelope, std::string_view message) {
  std::string frame;
  append_protocol_error(*lane_.services, envelope, message, handle::ResponseCode::kProtocolError, {},
                        clock_now(), frame);
  ExchangeRecord record;
  record.code = static_cast<std::uint32_t>(handle::ResponseCode::kProtocolError);
  record.suggested = envelope.suggested;
  lane_.answered(source_, record, steady_us(), now_);
  slots_.push_back({.drive = nullptr, .ready = std::move(frame), .close = true});
  closing_ = true;
}

// Everything is written. Our end is closed first, and what the client still sends is thrown away for a
// moment: closing over unread octets would reset the connection and might take the answer with it.
void Connection::linger() {
  if (linger_ms_ == 0) {
    linger_ms_ = now_.steady_ms;
    ::shutdown(socket_.get(), SHUT_WR);
  }
  if (eof_ || lingered_ > kLingerOctets) over_ = true;
}

void Connection::check(std::uint64_t now_ms) {
  const Limits& limits = lane_.limits();
  const auto passed = [now_ms](std::uint64_t since, std::uint64_t seconds) {
    return now_ms >= since && now_ms - since >= seconds * 1'000;
  };
  if (linger_ms_ != 0) {
    if (now_ms - linger_ms_ >= kLingerMs) cut();
    return;
  }
  if (unsent() != 0) {
    if (progress_ms_ != 0 && passed(progress_ms_, limits.output_stall_seconds))
      expire(Bite::kOutputStallSeconds);
    return;
  }
  if (!may_read() || closing_) return;
  if (message_ms_ != 0) {
    if (!had_message_ && passed(opened_ms_, limits.first_message_seconds)) {
      expire(Bite::kFirstMessageSeconds);
    } else if (passed(message_ms_, limits.message_seconds)) {
      expire(Bite::kMessageSeconds);
    }
  } else if (!had_message_) {
    if (passed(opened_ms_, limits.first_message_seconds)) expire(Bite::kFirstMessageSeconds);
  } else if (slots_.empty() && passed(active_ms_, limits.idle_seconds)) {
    expire(Bite::kIdleSeconds);
  }
}

void Connection::expire(Bite bite) {
  lane_.probe.bite(bite);
  if (in_left() >= handle::kEnvelopeSize && unsent() == 0) {
    expired_ = true;
    wake();
  } else {
    cut();
  }
}

void Connection::drain() {
  if (idle()) return cut();
  closing_ = true;
  forget_input();
  wake();
}

void Connection::cut() {
  over_ = true;
  ticket_.give_back();
  for (Slot& slot : slots_)
    if (slot.drive) slot.drive->abandon();
  slots_.clear();
  socket_.reset();
  wake();
}

void Connection::release_buffers() {
  if (in_left() == 0 && in_.capacity() > kKeptBuffer) {
    std::string().swap(in_);
    in_taken_ = 0;
  }
  if (out_.capacity() > kKeptBuffer) among_.take_back(out_);
}

}  // namespace idnode
