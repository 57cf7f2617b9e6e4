// What one source may take: connections (all workers together), octets of UDP answers (each worker its part).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/address.h"
#include "protocol/limits.h"

namespace idnode {

struct AddressHash {
  std::size_t operator()(const Address& address) const;
};

// Counts open connections. Any thread; the lock is taken when a connection opens and when it closes, never
// for a request.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  // One admitted connection; gives its place back when it is destroyed.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : of_(std::move(other.of_)), source_(other.source_) {}
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { give_back(); }
    void give_back();
    explicit operator bool() const { return of_ != nullptr; }

   private:
    friend class Admission;
    std::shared_ptr<Admission> of_;
    Address source_;
  };

  enum class Verdict { kAdmitted, kFull, kSourceFull };
  // `trusted` sources count only in the total.
  Verdict admit(const Address& peer, bool trusted, const Limits& limits, Ticket& ticket);
  std::uint64_t open() const;

 private:
  void leave(const Address& source);
  mutable std::mutex mutex_;
  std::uint64_t open_ = 0;
  std::unordered_map<Address, std::uint64_t, AddressHash> by_source_;  // source_unit() -> open
};

// A table of fixed size by address: sets of eight, the least recently used of a set gives way. The hash is
// keyed by a random seed. One thread.
template <class Value>
class SourceTable {
 public:
  explicit SourceTable(std::size_t sets);  // a power of two
  // The entry of `address`, made anew (value-initialised, `fresh` set) when there is none.
  Value& at(const Address& address, std::uint64_t now_ms, bool& fresh);
  Value* find(const Address& address);

 private:
  static constexpr std::size_t kWays = 8;
  struct Slot {
    Address address;
    bool used = false;
    std::uint64_t touched_ms = 0;
    Value value{};
  };
  std::array<Slot, kWays>& set_of(const Address& address);
  std::vector<std::array<Slot, kWays>> sets_;
  std::uint64_t seed_;
};

// How many octets of answers a UDP source may have (interfaces: udp_unverified_ratio). Owned by one worker,
// which holds its part of the allowance a second: requests are spread over workers by their id, so the parts
// add up to the whole. Over a network's credit an answer is refused with RC 2, which comes out of a small
// reserve; when that is gone too, nothing is sent.
class UdpAllowance {
 public:
  explicit UdpAllowance(unsigned workers);

  void verify(const Address& peer, std::uint64_t until_ms);
  bool verified(const Address& peer, std::uint64_t now_ms);

  enum class Verdict { kSend, kRefuse, kDrop };
  // A datagram of `octets` came from `peer`.
  void arrived(const Address& peer, std::size_t octets, const Limits& limits, std::uint64_t now_ms);
  // May an answer of `octets` go there? kRefuse: `refusal_octets` may go instead, and are charged.
  Verdict spend(const Address& peer, std::size_t octets, std::size_t refusal_octets, const Limits& limits,
                std::uint64_t now_ms);

 private:
  struct Credit {
    std::int64_t octets = 0;
    std::int64_t reserve = 0;
    std::uint64_t filled_ms = 0;
  };
  Credit& credit_of(const Address& peer, const Limits& limits, std::uint64_t now_ms);

  std::int64_t workers_;
  SourceTable<Credit> networks_;
  SourceTable<std::uint64_t> verified_;  // source_unit() -> until
};

}  // namespace idnode
