#include "resolver/logic/challenges.h"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>

#include "resolver/logic/source_shards.h"

namespace idnode {
namespace {

// What an entry costs besides the octets it holds: nodes of the table and of the two orders.
constexpr std::uint64_t kEntryCost = 320;
constexpr std::size_t kLargestUdpRequest = 16 * 1024;
// Share of the octets that datagrams may fill: their sources can be forged, those of connections can not.
constexpr std::uint64_t kUdpShareDivisor = 4;

std::uint64_t cost_of(const PendingChallenge& entry) {
  return kEntryCost + entry.message.size() + entry.nonce.size() + entry.digest.size();
}

struct Origin {
  Address network;
  bool udp = false;
  auto operator<=>(const Origin&) const = default;
};

// An id, and in the upper half the connection that it belongs to.
using Key = std::uint64_t;
Key key_of(std::uint32_t id, std::uint64_t connection) { return connection << 32 | id; }

bool is_of_connection(std::uint64_t connection) {
  return connection != 0 && connection != Challenges::kInSession;
}

// Who knows a session's id but not its key does not displace what its client is about to answer.
bool is_protected(const PendingChallenge& open, const PendingChallenge& other) {
  return open.session == other.session && open.mac == MacCheck::kGood && other.mac != MacCheck::kGood;
}

struct Kept {
  PendingChallenge entry;
  std::uint64_t cost = 0;
  std::list<Key>::iterator by_age;     // in Shard::ages
  std::list<Key>::iterator by_origin;  // in Share::ages; unused for a trusted source
};

// What one source network holds, oldest first.
struct Share {
  std::uint64_t bytes = 0;
  std::list<Key> ages;
};

// Everything about an id happens in one shard under one lock: the low bits of an id are chosen to be the
// shard of its source network, so an entry and its source's share are never in two places. What belongs to
// one connection is where its source is, whatever id the client chose. (A session's challenge is where its id
// says; a session has one at most.)
struct alignas(64) Shard {
  std::mutex lock;
  std::unordered_map<Key, Kept> entries;
  std::list<Key> ages;
  std::map<Origin, Share> shares;
};

}  // namespace

struct Challenges::Table {
  explicit Table(const Limits& limits)
      : bytes_limit(limits.challenge_bytes),
        lifetime_ms(std::uint64_t{limits.challenge_seconds} * 1000),
        per_source(limits.challenges_per_source),
        bytes_per_source(limits.challenge_bytes_per_source) {}

  const SourceShards numbers;
  std::array<Shard, SourceShards::kCount> shards;
  const std::uint64_t bytes_limit;
  const std::uint64_t lifetime_ms;
  const std::uint64_t per_source;
  const std::uint64_t bytes_per_source;
  std::atomic<std::uint64_t> pending = 0, put = 0, taken = 0, expired = 0, evicted = 0, refused = 0;
  std::array<std::atomic<std::uint64_t>, 2> bytes = {0, 0};  // connections, datagrams

  std::uint64_t pool_limit(bool udp) const {
    if (bytes_limit == 0) return UINT64_MAX;
    const std::uint64_t datagrams = bytes_limit / kUdpShareDivisor;
    return udp ? datagrams : bytes_limit - datagrams;
  }
  bool is_expired(const PendingChallenge& entry, Now now) const {
    return lifetime_ms != 0 && now.steady_ms > entry.created_steady_ms &&
           now.steady_ms - entry.created_steady_ms > lifetime_ms;
  }
  // `id`: 0 when it is still to be chosen.
  std::uint32_t shard_of(std::uint32_t id, std::uint64_t connection, const Address& source) const {
    return id == 0 || is_of_connection(connection) ? numbers.of_source(source) : SourceShards::of_id(id);
  }

  bool reserve(bool udp, std::uint64_t cost);
  bool make_room(Shard& shard, const Origin& origin, std::uint64_t cost);
  PendingChallenge remove(Shard& shard, std::unordered_map<Key, Kept>::iterator at);
  void remove(Shard& shard, Key key, std::atomic<std::uint64_t>& counter);
  void sweep(Shard& shard, Now now);
  std::uint32_t choose_id(const Shard& shard, std::uint32_t number) const;
};

// Takes `cost` octets out of the pool, if they are there.
bool Challenges::Table::reserve(bool udp, std::uint64_t cost) {
  std::atomic<std::uint64_t>& used = bytes[udp ? 1 : 0];
  const std::uint64_t limit = pool_limit(udp);
  std::uint64_t before = used.load(std::memory_order_relaxed);
  do {
    if (cost > limit || before > limit - cost) return false;
  } while (!used.compare_exchange_weak(before, before + cost, std::memory_order_relaxed));
  return true;
}

PendingChallenge Challenges::Table::remove(Shard& shard, std::unordered_map<Key, Kept>::iterator at) {
  Kept& kept = at->second;
  const bool udp = kept.entry.transport == Transport::kUdp;
  shard.ages.erase(kept.by_age);
  if (!kept.entry.trusted) {
    const auto share = shard.shares.find({source_network(kept.entry.source), udp});
    share->second.bytes -= kept.cost;
    share->second.ages.erase(kept.by_origin);
    if (share->second.ages.empty()) shard.shares.erase(share);
  }
  bytes[udp ? 1 : 0].fetch_sub(kept.cost, std::memory_order_relaxed);
  pending.fetch_sub(1, std::memory_order_relaxed);
  PendingChallenge entry = std::move(kept.entry);
  shard.entries.erase(at);
  return entry;
}

void Challenges::Table::remove(Shard& shard, Key key, std::atomic<std::uint64_t>& counter) {
  remove(shard, shard.entries.find(key));
  counter.fetch_add(1, std::memory_order_relaxed);
}

void Challenges::Table::sweep(Shard& shard, Now now) {
  while (!shard.ages.empty()) {
    const Key oldest = shard.ages.front();
    if (!is_expired(shard.entries.find(oldest)->second.entry, now)) return;
    remove(shard, oldest, expired);
  }
}

// A source over its share, or one that finds the pool full, loses its own oldest; nobody loses another's.
bool Challenges::Table::make_room(Shard& shard, const Origin& origin, std::uint64_t cost) {
  if (bytes_per_source != 0 && cost > bytes_per_source) return false;
  for (;;) {
    const auto share = shard.shares.find(origin);
    const bool over = share != shard.shares.end() &&
                      ((per_source != 0 && share->second.ages.size() >= per_source) ||
                       (bytes_per_source != 0 && share->second.bytes + cost > bytes_per_source));
    if (!over && reserve(origin.udp, cost)) return true;
    if (share == shard.shares.end()) return false;
    remove(shard, share->second.ages.front(), evicted);
  }
}

std::uint32_t Challenges::Table::choose_id(const Shard& shard, std::uint32_t number) const {
  for (;;) {
    const std::uint32_t id = SourceShards::random_id(number);
    if (id == 0 || !shard.entries.contains(id)) return id;
  }
}

Challenges::Challenges(const Limits& limits) : table_(std::make_unique<Table>(limits)) {}
Challenges::~Challenges() = default;

std::uint32_t Challenges::put(PendingChallenge entry, Now now) {
  Table& table = *table_;
  const Origin origin{source_network(entry.source), entry.transport == Transport::kUdp};
  const std::uint64_t cost = cost_of(entry);
  const std::uint32_t number = table.shard_of(entry.id, entry.connection, entry.source);
  Shard& shard = table.shards[number];

  const std::lock_guard guard(shard.lock);
  table.sweep(shard, now);
  if (origin.udp && entry.message.size() > kLargestUdpRequest) {
    table.refused.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  // One challenge a session: a new one takes the place of the one before it.
  const Key replaced = key_of(entry.id, entry.connection);
  if (const auto open = shard.entries.find(replaced); entry.id != 0 && open != shard.entries.end()) {
    if (is_protected(open->second.entry, entry)) return 0;
    table.remove(shard, replaced, table.evicted);
  }
  const bool room = entry.trusted ? table.reserve(origin.udp, cost) : table.make_room(shard, origin, cost);
  if (room && entry.id == 0) entry.id = table.choose_id(shard, number);
  if (!room || entry.id == 0) {
    if (room) table.bytes[origin.udp ? 1 : 0].fetch_sub(cost, std::memory_order_relaxed);
    table.refused.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }

  const std::uint32_t id = entry.id;
  const Key key = key_of(id, entry.connection);
  Kept kept{std::move(entry), cost, shard.ages.insert(shard.ages.end(), key), {}};
  if (!kept.entry.trusted) {
    Share& share = shard.shares[origin];
    share.bytes += cost;
    kept.by_origin = share.ages.insert(share.ages.end(), key);
  }
  shard.entries.emplace(key, std::move(kept));
  table.pending.fetch_add(1, std::memory_order_relaxed);
  table.put.fetch_add(1, std::memory_order_relaxed);
  return id;
}

std::optional<std::string> Challenges::repeated(const PendingChallenge& entry, Now now) const {
  Table& table = *table_;
  Shard& shard = table.shards[table.shard_of(entry.id, entry.connection, entry.source)];
  const std::lock_guard guard(shard.lock);
  const auto at = shard.entries.find(key_of(entry.id, entry.connection));
  if (at == shard.entries.end() || table.is_expired(at->second.entry, now)) return std::nullopt;
  const PendingChallenge& open = at->second.entry;
  if (open.envelope.request_id != entry.envelope.request_id || open.message != entry.message)
    return std::nullopt;
  return open.nonce;
}

std::optional<PendingChallenge> Challenges::take(std::uint32_t id, Now now, std::uint64_t connection,
                                                 const Address& source) {
  Table& table = *table_;
  Shard& shard = table.shards[id == 0 ? 0 : table.shard_of(id, connection, source)];
  const std::lock_guard guard(shard.lock);
  const auto at = shard.entries.find(key_of(id, connection));
  if (at == shard.entries.end()) return std::nullopt;
  const bool late = table.is_expired(at->second.entry, now);
  std::optional<PendingChallenge> entry = table.remove(shard, at);
  (late ? table.expired : table.taken).fetch_add(1, std::memory_order_relaxed);
  return late ? std::nullopt : std::move(entry);
}

void Challenges::sweep(Now now) {
  for (Shard& shard : table_->shards) {
    const std::lock_guard guard(shard.lock);
    table_->sweep(shard, now);
  }
}

Challenges::Counters Challenges::counters() const {
  const Table& table = *table_;
  Counters c;
  c.pending = table.pending.load(std::memory_order_relaxed);
  c.bytes = table.bytes[0].load(std::memory_order_relaxed) + table.bytes[1].load(std::memory_order_relaxed);
  c.put = table.put.load(std::memory_order_relaxed);
  c.taken = table.taken.load(std::memory_order_relaxed);
  c.expired = table.expired.load(std::memory_order_relaxed);
  c.evicted = table.evicted.load(std::memory_order_relaxed);
  c.refused = table.refused.load(std::memory_order_relaxed);
  return c;
}

}  // namespace idnode
