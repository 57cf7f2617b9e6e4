// What one worker counts. One thread writes, any thread reads: each number is an atomic that only its owner
// changes, by a plain load and store, so that counting costs no locked instruction and nothing is shared.
// Whoever exports the numbers adds the workers up (ProbeTotals).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "resolver/logic/exchange.h"
#include "resolver/logic/source.h"
#include "resolver/net/count.h"

namespace idnode {

// The limits that the listeners enforce, and what happened when one bit. The label is limit_name().
enum class Bite : std::uint8_t {
  kConnections,           // refused: the total is reached and nobody is idle
  kConnectionsPressure,   // the longest idle connection was closed for a new one
  kConnectionsPerSource,  // refused
  kDescriptors,           // refused: the reserve of descriptors is touched
  kMessageBytes,          // answered 4
  kFirstMessageSeconds,   // closed
  kMessageSeconds,        // closed
  kIdleSeconds,           // closed
  kInFlight,              // reading stopped
  kOutputBytes,           // reading stopped
  kOutputStallSeconds,    // cut
  kUdpUnverifiedRefused,  // answered 2 without data
  kUdpUnverifiedDropped,  // not answered at all
  kUdpReassemblyBytes,    // the oldest train was dropped
  kUdpReassemblyPerSource,
  kUdpReassemblySeconds,  // a train was dropped
  kCryptoQueue,           // answered 3 (UDP: dropped)
  kProofCpuSource,        // made to wait, or answered 3 (UDP: dropped)
  kProofCpuIdentity,      // the same
  kReadQueue,             // answered 3 (UDP: dropped)
  kUdpRunning,            // dropped: too many datagram requests wait for something
  kUdpSendBuffer,         // an answer was dropped: the socket takes no more
  kUdpSentAnswers,        // an answer will not be sent again: the octets for that were used up
};
inline constexpr std::size_t kBites = 23;
// "connections", "udp_unverified_ratio": the row of protocol/limits.h, or the name of a fixed bound.
std::string_view limit_name(Bite bite);

inline constexpr std::size_t kTransports = 3;
std::string_view transport_name(Transport transport);  // "udp", "tcp", "http"

// Rows for opcodes and codes: one each of the known ones, and one for all others.
std::size_t operation_row(std::uint32_t opcode);
std::size_t operation_rows();
std::string_view operation_label(std::size_t row);  // "resolve"; "other"
std::size_t code_row(std::uint32_t code);
std::size_t code_rows();
std::uint32_t code_of_row(std::size_t row);  // 0 for "none sent", 9999 for others

// Upper bounds in microseconds; one more bucket has none.
inline constexpr std::array<std::uint32_t, 15> kLatencyBounds = {
    50,     100,    250,     500,     1'000,   2'500,     5'000,    10'000,
    25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000};

inline constexpr std::size_t kOperationRows = 24;
inline constexpr std::size_t kCodeRows = 36;

struct LatencyTotals {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> buckets{};  // not cumulative
  std::uint64_t sum_us = 0;
};

// Sums of several workers.
struct ProbeTotals {
  std::array<std::array<std::array<std::uint64_t, kCodeRows>, kOperationRows>, kTransports> answers{};
  std::array<std::array<LatencyTotals, kOperationRows>, kTransports> latency{};
  std::array<std::uint64_t, kBites> bites{};
  std::array<std::uint64_t, kTransports> octets_in{};
  std::array<std::uint64_t, kTransports> octets_out{};
  std::uint64_t connections = 0;  // open now
  std::uint64_t accepted = 0;
  std::uint64_t datagrams_dropped = 0;  // broken or unwanted datagrams
  std::uint64_t datagrams_repeated =
      0;  // repeats of a request that still runs, or whose answer was sent again

  std::uint64_t of(Transport transport, std::uint32_t opcode, std::uint32_t code) const;
  std::uint64_t of(Bite bite) const { return bites[static_cast<std::size_t>(bite)]; }
};

class Probe {
 public:
  Probe();
  void answered(Transport transport, const ExchangeRecord& record, std::uint64_t microseconds);
  void bite(Bite bite, std::uint64_t n = 1) { bites_[static_cast<std::size_t>(bite)].add(n); }

  std::array<Count, kTransports> octets_in;
  std::array<Count, kTransports> octets_out;
  Count connections;
  Count accepted;
  Count datagrams_dropped;
  Count datagrams_repeated;

  void add_to(ProbeTotals& totals) const;

 private:
  struct Latency {
    std::array<Count, kLatencyBounds.size() + 1> buckets;
    Count sum_us;
  };
  struct Rows {
    std::array<std::array<Count, kCodeRows>, kOperationRows> answers;
    std::array<Latency, kOperationRows> latency;
  };
  std::array<std::unique_ptr<Rows>, kTransports> rows_;
  std::array<Count, kBites> bites_;
};

}  // namespace idnode
