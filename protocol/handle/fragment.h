// Datagrams: cutting a message and putting one together (WIRE.md §4).
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/handle/envelope.h"
#include "protocol/result.h"

namespace idnode::handle {

inline constexpr std::size_t kDatagram = 512;
inline constexpr std::size_t kFragment = kDatagram - kEnvelopeSize;  // 492 message octets

// How many datagrams a message of `length` octets takes (at least 1).
constexpr std::uint32_t fragments_of(std::uint32_t length) {
  return length <= kFragment ? 1 : static_cast<std::uint32_t>((length + kFragment - 1) / kFragment);
}

// Datagram `sequence` of a TCP frame (envelope + message), appended to `out`. TC is set only on the datagrams
// of a request that is cut (`mark_truncated`).
void append_datagram(std::string_view frame, std::uint32_t sequence, bool mark_truncated, std::string& out);

// What to do with one received datagram, by the table of §4.2.
enum class Arrival {
  kWhole,     // `message` is complete
  kFragment,  // one part of several
  kDrop,
  kMalformed,  // answer 4
};
struct Datagram {
  Arrival arrival = Arrival::kDrop;
  Envelope envelope;
  std::string_view part;  // the message octets in it
};
// `is_request`: whether an over-long length is answered (4) or dropped.
Datagram classify_datagram(std::string_view datagram, bool is_request);

// One message being put together. Memory grows with the parts that arrive, never with the announced length.
class Assembly {
 public:
  explicit Assembly(const Envelope& first) : envelope_(first) {}
  // True when all parts are there. Duplicates, and parts that do not belong to a message of this length, are
  // ignored.
  bool add(const Envelope& envelope, std::string_view part);
  std::size_t held() const { return octets_.size(); }  // octets kept so far
  // The whole message, once add() returned true; leaves the assembly empty.
  std::string take();
  const Envelope& envelope() const { return envelope_; }

 private:
  Envelope envelope_;
  std::bitset<fragments_of(kMaxMessage)> present_;
  std::vector<std::uint16_t> order_;  // the sequence numbers of the parts in `octets_`, as they arrived
  std::string octets_;
};

}  // namespace idnode::handle
