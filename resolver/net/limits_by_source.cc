#include "resolver/net/limits_by_source.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace idnode {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

std::uint64_t hash_of(const Address& address, std::uint64_t seed) {
  std::uint64_t high, low;
  std::memcpy(&high, address.octets.data(), 8);
  std::memcpy(&low, address.octets.data() + 8, 8);
  return mix(mix(high ^ seed) + low);
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Sized for the sources of a busy minute: 16,384 networks, 32,768 verified sources a worker.
constexpr std::size_t kNetworkSets = 2'048;
constexpr std::size_t kVerifiedSets = 4'096;
// Part of a network's allowance that is kept for refusals.
constexpr std::int64_t kReservePart = 8;

}  // namespace

std::size_t AddressHash::operator()(const Address& address) const {
  static const std::uint64_t seed = random_seed();
  return hash_of(address, seed);
}

Admission::Ticket& Admission::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    give_back();
    of_ = std::move(other.of_);
    source_ = other.source_;
  }
  return *this;
}

void Admission::Ticket::give_back() {
  if (of_ != nullptr) std::exchange(of_, nullptr)->leave(source_);
}

Admission::Verdict Admission::admit(const Address& peer, bool trusted, const Limits& limits, Ticket& ticket) {
  const Address source = source_unit(peer);
  const std::lock_guard lock(mutex_);
  std::uint64_t& of_source = by_source_[source];
  const bool source_full =
      !trusted && limits.connections_per_source != 0 && of_source >= limits.connections_per_source;
  const bool full = open_ >= limits.connections;
  if (source_full || full) {
    if (of_source == 0) by_source_.erase(source);
    return source_full ? Verdict::kSourceFull : Verdict::kFull;
  }
  ++of_source;
  ++open_;
  ticket.give_back();
  ticket.of_ = shared_from_this();
  ticket.source_ = source;
  return Verdict::kAdmitted;
}

void Admission::leave(const Address& source) {
  const std::lock_guard lock(mutex_);
  --open_;
  const auto found = by_source_.find(source);
  if (found != by_source_.end() && --found->second == 0) by_source_.erase(found);
}

std::uint64_t Admission::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

template <class Value>
SourceTable<Value>::SourceTable(std::size_t sets) : sets_(sets), seed_(random_seed()) {}

template <class Value>
auto SourceTable<Value>::set_of(const Address& address) -> std::array<Slot, kWays>& {
  return sets_[hash_of(address, seed_) & (sets_.size() - 1)];
}

template <class Value>
Value* SourceTable<Value>::find(const Address& address) {
  for (Slot& slot : set_of(address))
    if (slot.used && slot.address == address) return &slot.value;
  return nullptr;
}

template <class Value>
Value& SourceTable<Value>::at(const Address& address, std::uint64_t now_ms, bool& fresh) {
  auto& set = set_of(address);
  Slot* oldest = &set[0];
  for (Slot& slot : set) {
    if (slot.used && slot.address == address) {
      slot.touched_ms = now_ms;
      fresh = false;
      return slot.value;
    }
    if (oldest->used && (!slot.used || slot.touched_ms < oldest->touched_ms)) oldest = &slot;
  }
  *oldest = Slot{.address = address, .used = true, .touched_ms = now_ms, .value = {}};
  fresh = true;
  return oldest->value;
}

template class SourceTable<std::uint64_t>;

UdpAllowance::UdpAllowance(unsigned workers)
    : workers_(std::max(workers, 1U)), networks_(kNetworkSets), verified_(kVerifiedSets) {}

void UdpAllowance::verify(const Address& peer, std::uint64_t until_ms) {
  bool fresh = false;
  std::uint64_t& until = verified_.at(source_unit(peer), until_ms, fresh);
  until = std::max(until, until_ms);
}

bool UdpAllowance::verified(const Address& peer, std::uint64_t now_ms) {
  const std::uint64_t* until = verified_.find(source_unit(peer));
  return until != nullptr && *until > now_ms;
}

UdpAllowance::Credit& UdpAllowance::credit_of(const Address& peer, const Limits& limits,
                                              std::uint64_t now_ms) {
  const std::int64_t rate = static_cast<std::int64_t>(limits.udp_unverified_bytes) / workers_;
  const std::int64_t reserve_rate = rate / kReservePart;
  const std::int64_t main_rate = rate - reserve_rate;
  bool fresh = false;
  Credit& credit = networks_.at(source_network(peer), now_ms, fresh);
  if (fresh) {
    credit = {.octets = main_rate, .reserve = reserve_rate, .filled_ms = now_ms};
  } else if (now_ms > credit.filled_ms) {
    const auto passed = static_cast<std::int64_t>(std::min<std::uint64_t>(now_ms - credit.filled_ms, 1'000));
    credit.octets = std::min(credit.octets + main_rate * passed / 1'000, std::max(credit.octets, main_rate));
    credit.reserve = std::min(credit.reserve + reserve_rate * passed / 1'000, reserve_rate);
    credit.filled_ms = now_ms;
  }
  return credit;
}

void UdpAllowance::arrived(const Address& peer, std::size_t octets, const Limits& limits,
                           std::uint64_t now_ms) {
  // Credit that is earned by asking is not hoarded beyond a second's allowance, or one full datagram's worth.
  const auto earned = static_cast<std::int64_t>(octets * limits.udp_unverified_ratio);
  const std::int64_t most =
      std::max<std::int64_t>(static_cast<std::int64_t>(limits.udp_unverified_bytes) / workers_, 2'048);
  Credit& credit = credit_of(peer, limits, now_ms);
  credit.octets = std::max(credit.octets, std::min(credit.octets + earned, most));
}

UdpAllowance::Verdict UdpAllowance::spend(const Address& peer, std::size_t octets, std::size_t refusal_octets,
                                          const Limits& limits, std::uint64_t now_ms) {
  Credit& credit = credit_of(peer, limits, now_ms);
  if (credit.octets >= static_cast<std::int64_t>(octets)) {
    credit.octets -= static_cast<std::int64_t>(octets);
    return Verdict::kSend;
  }
  if (credit.reserve >= static_cast<std::int64_t>(refusal_octets)) {
    credit.reserve -= static_cast<std::int64_t>(refusal_octets);
    return Verdict::kRefuse;
  }
  return Verdict::kDrop;
}

}  // namespace idnode
