// Who may make the crypto pool compute how much: proofs cost a stranger nothing and us up to milliseconds
// (interfaces: proof_cpu). A share of one core per source (address or /64) and per identity; over it a proof
// waits, at most two seconds, and is refused beyond that.
//
// A proof that does not hold is paid by its source alone, four times, and one that holds by its source and
// its identity: whoever claims to be somebody else uses up nothing of theirs.
//
// Any thread. Bounded: parties without debt are forgotten when a shard is full.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "protocol/limits.h"
#include "resolver/logic/source.h"

namespace idnode {

// For whom a proof is computed.
struct ProofParty {
  Address source;
  bool udp = false;           // a share of its own: the source of a datagram may be forged
  bool trusted = false;       // of the source: no share to keep to
  std::string_view identity;  // handle; empty: nobody is claimed
  std::uint32_t index = 0;
};

class ProofBudget {
 public:
  static constexpr std::uint64_t kBurstUs = 2'000'000;  // of saved-up share, in time
  static constexpr std::uint64_t kLongestWaitUs = 2'000'000;

  ProofBudget();
  ProofBudget(const ProofBudget&) = delete;
  ProofBudget& operator=(const ProofBudget&) = delete;

  struct Ticket {
    std::uint64_t delay_us = 0;     // to wait before it is computed
    std::uint64_t reserved_us = 0;  // booked on the source for now
    std::uint64_t source = 0, identity = 0;
  };
  enum class Over : std::uint8_t { kNobody, kSource, kIdentity };
  // None: it would have to wait for too long; `over` then says whose share is used up, and otherwise whose
  // made it wait.
  std::optional<Ticket> admit(const Limits& limits, const ProofParty& party, std::uint64_t now_us,
                              Over& over);
  // Once a call of admit(): what it took, and whether the proof held.
  void charge(const Limits& limits, const Ticket& ticket, std::uint64_t spent_us, bool valid,
              std::uint64_t now_us);
  std::size_t accounts();  // that are kept

 private:
  // The debt of a party is paid off at `free_us`; a fresh one could have saved up kBurstUs.
  struct Account {
    std::uint64_t free_us = 0;
    std::uint64_t usual_us = 200;  // what its proofs cost of late
  };
  struct alignas(64) Shard {
    std::mutex lock;
    std::unordered_map<std::uint64_t, Account> accounts;
  };
  Shard& shard_of(std::uint64_t party) { return shards_[party % shards_.size()]; }
  static Account& open(Shard& shard, std::uint64_t party, std::uint64_t now_us);
  std::uint64_t delay_of(std::uint64_t party, std::uint64_t now_us);

  std::uint64_t seed_ = 0;
  std::array<Shard, 16> shards_;
};

// CPU time of the calling thread.
std::uint64_t thread_cpu_us();

}  // namespace idnode
