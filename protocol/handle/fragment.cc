#include "protocol/handle/fragment.h"

#include <algorithm>

#include "protocol/bytes.h"

namespace idnode::handle {
namespace {

constexpr std::size_t kFlagsAt = 2;
constexpr std::size_t kSequenceAt = 12;
constexpr char kTruncatedFlag = 0x20;

// Octets of the message that datagram `sequence` of several carries.
std::size_t part_size(std::uint32_t length, std::uint32_t sequence) {
  const std::size_t begin = sequence * kFragment;
  return std::min(kFragment, length - begin);
}

Datagram classify_whole(Datagram d, std::string_view rest) {
  if (rest.size() < d.envelope.length) {
    d.arrival = Arrival::kMalformed;
    return d;
  }
  d.arrival = Arrival::kWhole;
  d.part = rest.substr(0, d.envelope.length);
  return d;
}

Datagram classify_fragment(Datagram d, std::string_view rest) {
  const Envelope& e = d.envelope;
  if (e.sequence >= fragments_of(e.length)) return d;
  if (rest.size() != part_size(e.length, e.sequence)) {
    if (!e.truncated && e.sequence == 0) d.arrival = Arrival::kMalformed;
    return d;
  }
  d.arrival = Arrival::kFragment;
  d.part = rest;
  return d;
}

}  // namespace

void append_datagram(std::string_view frame, std::uint32_t sequence, bool mark_truncated, std::string& out) {
  const std::size_t start = out.size();
  const std::string_view message = frame.substr(kEnvelopeSize);
  const std::size_t begin = std::min(message.size(), sequence * kFragment);
  out.append(frame.substr(0, kEnvelopeSize));
  if (mark_truncated && message.size() > kFragment) {
    char& flags = out[start + kFlagsAt];
    flags = static_cast<char>(flags | kTruncatedFlag);
  }
  Writer(out).patch_u32(start + kSequenceAt, sequence);
  out.append(message.substr(begin, kFragment));
}

Datagram classify_datagram(std::string_view datagram, bool is_request) {
  Datagram d;
  const Result<Envelope> envelope = decode_envelope(datagram);
  if (!envelope) return d;
  d.envelope = *envelope;
  const std::string_view rest = datagram.substr(kEnvelopeSize);
  if (d.envelope.length > kMaxMessage) {
    // The rest of such an envelope is taken for one when it could open a message: answering every later
    // piece of noise would multiply it.
    if (d.envelope.sequence == 0 && d.envelope.version.major <= 15) d.arrival = Arrival::kMalformed;
  } else if (d.envelope.length <= kFragment) {
    d = classify_whole(d, rest);
  } else {
    d = classify_fragment(d, rest);
  }
  if (!is_request && d.arrival == Arrival::kMalformed) d.arrival = Arrival::kDrop;
  return d;
}

bool Assembly::add(const Envelope& envelope, std::string_view part) {
  const std::uint32_t n = fragments_of(envelope_.length);
  const std::uint32_t sequence = envelope.sequence;
  if (envelope.length != envelope_.length || sequence >= n || sequence >= present_.size() ||
      part.size() != part_size(envelope_.length, sequence))
    return false;
  if (present_[sequence]) return order_.size() == n;
  present_[sequence] = true;
  order_.push_back(static_cast<std::uint16_t>(sequence));
  octets_.append(part);
  return order_.size() == n;
}

std::string Assembly::take() {
  if (std::ranges::is_sorted(order_)) return std::move(octets_);
  std::string message(envelope_.length, '\0');
  std::size_t from = 0;
  for (std::uint32_t sequence : order_) {
    const std::size_t size = part_size(envelope_.length, sequence);
    message.replace(sequence * kFragment, size, octets_, from, size);
    from += size;
  }
  return message;
}

}  // namespace idnode::handle
