#include "resolver/net/proof_budget.h"

#include <time.h>

#include <algorithm>

#include "protocol/crypto/random.h"
#include "protocol/identifier.h"

namespace idnode {
namespace {

constexpr std::size_t kAccountsPerShard = 4'096;
constexpr std::uint64_t kPenalty = 4;

std::uint64_t mix(std::uint64_t hash, std::uint64_t octet) {
  return (hash ^ octet) * 0x100000001b3 ^ hash >> 29;
}

// Never 0, which stands for nobody.
std::uint64_t party_of_source(std::uint64_t seed, const Address& source, bool udp) {
  std::uint64_t hash = mix(seed, udp ? 1 : 0);
  for (const std::uint8_t octet : source_unit(source).octets) hash = mix(hash, octet);
  return hash | 1;
}

std::uint64_t party_of_identity(std::uint64_t seed, std::string_view handle, std::uint32_t index) {
  std::uint64_t hash = mix(seed, 0x1d0000000000 + index);
  for (const char c : fold(handle)) hash = mix(hash, static_cast<unsigned char>(c));
  return hash | 1;
}

// CPU as time on the share: 25 % pays a millisecond off in four.
std::uint64_t in_time(std::uint64_t cpu_us, std::uint64_t percent) { return cpu_us * 100 / percent; }

}  // namespace

ProofBudget::ProofBudget() : seed_(crypto::random_u64().value_or(0)) {}

ProofBudget::Account& ProofBudget::open(Shard& shard, std::uint64_t party, std::uint64_t now_us) {
  if (shard.accounts.size() >= kAccountsPerShard && !shard.accounts.contains(party)) {
    std::erase_if(shard.accounts, [&](const auto& each) { return each.second.free_us <= now_us; });
    // All of them owe something: the pool's own bound holds then.
    if (shard.accounts.size() >= kAccountsPerShard) shard.accounts.clear();
  }
  return shard.accounts[party];
}

std::uint64_t ProofBudget::delay_of(std::uint64_t party, std::uint64_t now_us) {
  if (party == 0) return 0;
  Shard& shard = shard_of(party);
  const std::lock_guard guard(shard.lock);
  const auto at = shard.accounts.find(party);
  if (at == shard.accounts.end() || at->second.free_us <= now_us + kBurstUs) return 0;
  return at->second.free_us - kBurstUs - now_us;
}

std::optional<ProofBudget::Ticket> ProofBudget::admit(const Limits& limits, const ProofParty& party,
                                                      std::uint64_t now_us, Over& over) {
  Ticket ticket;
  if (!party.trusted && limits.proof_cpu_source_percent != 0)
    ticket.source = party_of_source(seed_, party.source, party.udp);
  if (!party.identity.empty() && limits.proof_cpu_identity_percent != 0)
    ticket.identity = party_of_identity(seed_, party.identity, party.index);
  const std::uint64_t by_source = delay_of(ticket.source, now_us);
  const std::uint64_t by_identity = delay_of(ticket.identity, now_us);
  ticket.delay_us = std::max(by_source, by_identity);
  over = ticket.delay_us == 0 ? Over::kNobody : by_source >= by_identity ? Over::kSource : Over::kIdentity;
  if (ticket.delay_us > kLongestWaitUs) return std::nullopt;
  if (ticket.source == 0) return ticket;
  // Booked at once: many that come together must not all find an empty account.
  Shard& shard = shard_of(ticket.source);
  const std::lock_guard guard(shard.lock);
  Account& account = open(shard, ticket.source, now_us);
  ticket.reserved_us = in_time(account.usual_us, limits.proof_cpu_source_percent);
  account.free_us = std::max(account.free_us, now_us) + ticket.reserved_us;
  return ticket;
}

void ProofBudget::charge(const Limits& limits, const Ticket& ticket, std::uint64_t spent_us, bool valid,
                         std::uint64_t now_us) {
  if (ticket.source != 0 && limits.proof_cpu_source_percent != 0) {
    Shard& shard = shard_of(ticket.source);
    const std::lock_guard guard(shard.lock);
    Account& account = open(shard, ticket.source, now_us);
    account.usual_us = (account.usual_us * 7 + spent_us) / 8;
    account.free_us = std::max(account.free_us, now_us + ticket.reserved_us) - ticket.reserved_us;
    account.free_us = std::max(account.free_us, now_us) +
                      in_time(spent_us * (valid ? 1 : kPenalty), limits.proof_cpu_source_percent);
  }
  if (ticket.identity != 0 && valid && limits.proof_cpu_identity_percent != 0) {
    Shard& shard = shard_of(ticket.identity);
    const std::lock_guard guard(shard.lock);
    Account& account = open(shard, ticket.identity, now_us);
    account.free_us =
        std::max(account.free_us, now_us) + in_time(spent_us, limits.proof_cpu_identity_percent);
  }
}

std::size_t ProofBudget::accounts() {
  std::size_t all = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard guard(shard.lock);
    all += shard.accounts.size();
  }
  return all;
}

std::uint64_t thread_cpu_us() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000;
}

}  // namespace idnode
