// Datagram trains that are not whole yet (WIRE.md §4.2), bounded in all and per source.
//
// One table for all workers, behind one lock: only requests of several datagrams come here. Charged is what a
// train really holds: the octets that arrived and its bookkeeping, so that a train which announces much and
// sends little is cheap to refuse.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "protocol/address.h"
#include "protocol/handle/fragment.h"
#include "protocol/limits.h"
#include "resolver/net/limits_by_source.h"

namespace idnode {

class Reassembly {
 public:
  enum class Outcome {
    kWaits,
    kWhole,
    kSourceFull,  // refused: the source has its number of unfinished trains
  };
  struct Added {
    Outcome outcome = Outcome::kWaits;
    std::uint64_t expired = 0;  // trains dropped on the way because of their age
    std::uint64_t evicted = 0;  // and because the octets in all were used up: the oldest first
  };
  // `datagram.arrival` is kFragment. On kWhole `envelope` and `message` are the whole message. `limited`: the
  // per-source bound counts (not for trusted sources).
  Added add(const Endpoint& peer, bool limited, const handle::Datagram& datagram, const Limits& limits,
            std::uint64_t now_ms, handle::Envelope& envelope, std::string& message);
  // Drops what is too old; returns how many.
  std::uint64_t sweep(const Limits& limits, std::uint64_t now_ms);
  std::uint64_t held() const;  // octets charged
  std::uint64_t trains() const;

 private:
  struct Key {
    Endpoint peer;
    std::uint32_t request_id = 0;
    std::uint32_t session_id = 0;
    std::uint32_t length = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Train {
    Key key;
    handle::Assembly assembly;
    std::uint64_t first_ms = 0;
    std::uint64_t charged = 0;
  };
  using Trains = std::list<Train>;  // oldest first

  void drop(Trains::iterator train);
  std::uint64_t drop_expired(const Limits& limits, std::uint64_t now_ms);

  mutable std::mutex mutex_;
  Trains trains_;
  std::unordered_map<Key, Trains::iterator, KeyHash> by_key_;
  std::unordered_map<Address, std::uint64_t, AddressHash> by_source_;
  std::uint64_t held_ = 0;
};

}  // namespace idnode
