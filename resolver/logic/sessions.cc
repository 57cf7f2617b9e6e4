#include "resolver/logic/sessions.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/crypto/mac.h"
#include "protocol/handle/message_auth.h"
#include "resolver/logic/source_shards.h"

namespace idnode {
namespace {

// A session that has proven nothing and was quiet for so long gives way when the table is full.
constexpr std::uint64_t kStaleMs = 60'000;

struct Key {
  std::uint32_t id = 0;
  std::uint64_t connection = 0;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const { return mix(key.connection ^ std::uint64_t{key.id} << 32); }
};

struct Entry {
  std::shared_ptr<const Session> session;
  std::uint64_t used_ms = 0;
  bool authenticated = false;
  std::uint32_t index = 0;
  std::vector<std::uint32_t> seen;  // ascending, the kWindow largest

  bool expired(Now now) const {
    return now.steady_ms > used_ms && now.steady_ms - used_ms > session->idle_ms;
  }
};

// False: met before, or not above the smallest of a full window.
bool remember(std::vector<std::uint32_t>& seen, std::uint32_t counter) {
  const auto at = std::ranges::lower_bound(seen, counter);
  if (at != seen.end() && *at == counter) return false;
  if (seen.size() < Sessions::kWindow) {
    seen.insert(at, counter);
    return true;
  }
  if (at == seen.begin()) return false;
  // The smallest is forgotten: what stands between it and the new one moves down.
  const auto place = std::move(seen.begin() + 1, at, seen.begin());
  *place = counter;
  return true;
}

using Entries = std::unordered_map<Key, Entry, KeyHash>;

// A session and what its source network holds are in one shard under one lock: the low bits of an id that is
// chosen here are the shard of its source.
struct alignas(64) Shard {
  std::mutex lock;
  Entries entries;
  std::map<Address, std::vector<Key>> shares;
};

}  // namespace

Session::~Session() { crypto::wipe(key); }

struct Sessions::Table {
  explicit Table(const Limits& limits)
      : most(limits.sessions),
        most_datagrams(std::max<std::uint64_t>(1, limits.sessions / 4)),
        per_source(limits.sessions_per_source) {}

  const SourceShards numbers;
  std::array<Shard, SourceShards::kCount> shards;
  const std::uint64_t most;
  const std::uint64_t most_datagrams;
  const std::uint64_t per_source;
  std::atomic<std::uint64_t> live = 0, bound = 0, datagrams = 0, opened = 0, ended = 0, expired = 0,
                             evicted = 0, refused = 0;
  std::atomic<std::uint32_t> next_swept = 0;

  Shard& shard_of(const Session& session) {
    return shards[session.connection == 0 ? SourceShards::of_id(session.id)
                                          : numbers.of_source(session.source)];
  }

  bool reserve();
  void remove(Shard& shard, Entries::iterator at, std::atomic<std::uint64_t>& counter);
  bool evict(Shard& shard, std::vector<Key> candidates);
  bool evict_stale(Shard& shard, bool datagrams_only, Now now);
  bool evict_stale_elsewhere(const Shard& held, bool datagrams_only, Now now);
  bool make_room(Shard& shard, const Session& session, Now now);
  void sweep(Shard& shard, Now now);
  std::uint32_t choose_id(const Shard& shard, std::uint32_t number) const;
  std::optional<Live> find(Shard& shard, Key key, Now now);
  Entry* entry_of(Shard& shard, const Session& session);
};

bool Sessions::Table::reserve() {
  std::uint64_t before = live.load(std::memory_order_relaxed);
  do {
    if (before >= most) return false;
  } while (!live.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
  return true;
}

void Sessions::Table::remove(Shard& shard, Entries::iterator at, std::atomic<std::uint64_t>& counter) {
  const Session& session = *at->second.session;
  if (!session.trusted) {
    const auto share = shard.shares.find(source_network(session.source));
    std::erase(share->second, at->first);
    if (share->second.empty()) shard.shares.erase(share);
  }
  if (at->first.connection != 0) bound.fetch_sub(1, std::memory_order_relaxed);
  if (session.datagram) datagrams.fetch_sub(1, std::memory_order_relaxed);
  live.fetch_sub(1, std::memory_order_relaxed);
  counter.fetch_add(1, std::memory_order_relaxed);
  shard.entries.erase(at);
}

// The one of `candidates` that was quiet longest, those that have proven nothing before the others.
bool Sessions::Table::evict(Shard& shard, std::vector<Key> candidates) {
  auto victim = shard.entries.end();
  for (const Key& key : candidates) {
    const auto at = shard.entries.find(key);
    if (victim == shard.entries.end() || std::pair(at->second.authenticated, at->second.used_ms) <
                                             std::pair(victim->second.authenticated, victim->second.used_ms))
      victim = at;
  }
  if (victim == shard.entries.end()) return false;
  remove(shard, victim, evicted);
  return true;
}

bool Sessions::Table::evict_stale(Shard& shard, bool datagrams_only, Now now) {
  std::vector<Key> stale;
  for (const auto& [key, entry] : shard.entries) {
    if (datagrams_only && !entry.session->datagram) continue;
    if (!entry.authenticated && now.steady_ms > entry.used_ms + kStaleMs) stale.push_back(key);
  }
  return evict(shard, std::move(stale));
}

// The lock of `held` is held, so no other is waited for.
bool Sessions::Table::evict_stale_elsewhere(const Shard& held, bool datagrams_only, Now now) {
  for (Shard& shard : shards) {
    if (&shard == &held) continue;
    const std::unique_lock guard(shard.lock, std::try_to_lock);
    if (guard && evict_stale(shard, datagrams_only, now)) return true;
  }
  return false;
}

// Leaves one place taken for `session`.
bool Sessions::Table::make_room(Shard& shard, const Session& session, Now now) {
  const Address network = source_network(session.source);
  const auto held = [&] {
    const auto share = shard.shares.find(network);
    return session.trusted || share == shard.shares.end() ? std::vector<Key>{} : share->second;
  };
  const auto evict_own = [&] {
    std::vector<Key> own = held();
    if (session.datagram)
      std::erase_if(own, [&](const Key& key) { return !shard.entries.at(key).session->datagram; });
    return evict(shard, std::move(own));
  };
  const auto evict_one = [&] {
    return evict_own() || evict_stale(shard, session.datagram, now) ||
           evict_stale_elsewhere(shard, session.datagram, now);
  };
  while (per_source != 0 && held().size() >= per_source) {
    if (!evict_own()) return false;
  }
  // Workers that come together may pass the bound by one each.
  while (session.datagram && datagrams.load(std::memory_order_relaxed) >= most_datagrams) {
    if (!evict_one()) return false;
  }
  while (!reserve()) {
    if (!evict_one()) return false;
  }
  return true;
}

void Sessions::Table::sweep(Shard& shard, Now now) {
  for (auto at = shard.entries.begin(); at != shard.entries.end();) {
    const auto each = at++;
    if (each->second.expired(now)) remove(shard, each, expired);
  }
}

std::uint32_t Sessions::Table::choose_id(const Shard& shard, std::uint32_t number) const {
  for (;;) {
    const std::uint32_t id = SourceShards::random_id(number);
    if (id == 0 || !shard.entries.contains({id, 0})) return id;
  }
}

std::optional<Sessions::Live> Sessions::Table::find(Shard& shard, Key key, Now now) {
  const std::lock_guard guard(shard.lock);
  const auto at = shard.entries.find(key);
  if (at == shard.entries.end()) return std::nullopt;
  if (at->second.expired(now)) {
    remove(shard, at, expired);
    return std::nullopt;
  }
  Entry& entry = at->second;
  entry.used_ms = std::max(entry.used_ms, now.steady_ms);
  return Live{entry.session, entry.authenticated, entry.index};
}

// Under the shard's lock. Null when the session has ended, even if another has its id now.
Entry* Sessions::Table::entry_of(Shard& shard, const Session& session) {
  const auto at = shard.entries.find({session.id, session.connection});
  return at == shard.entries.end() || at->second.session.get() != &session ? nullptr : &at->second;
}

Sessions::Sessions(const Limits& limits) : table_(std::make_unique<Table>(limits)) {}
Sessions::~Sessions() = default;

std::shared_ptr<const Session> Sessions::open(std::unique_ptr<Session> session, Now now) {
  Table& table = *table_;
  const std::uint32_t number = table.numbers.of_source(session->source);
  Shard& shard = table.shards[number];
  const std::lock_guard guard(shard.lock);
  table.sweep(shard, now);
  if (const auto same = shard.entries.find({session->id, session->connection}); same != shard.entries.end())
    table.remove(shard, same, table.ended);
  bool room = table.make_room(shard, *session, now);
  if (room && session->id == 0) session->id = table.choose_id(shard, number);
  if (room && session->id == 0) {
    table.live.fetch_sub(1, std::memory_order_relaxed);
    room = false;
  }
  if (!room) {
    table.refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  const Key key{session->id, session->connection};
  Entry entry;
  entry.session = std::move(session);
  entry.used_ms = now.steady_ms;
  entry.index = entry.session->identity.index;
  if (!entry.session->trusted) shard.shares[source_network(entry.session->source)].push_back(key);
  if (entry.session->datagram) table.datagrams.fetch_add(1, std::memory_order_relaxed);
  if (key.connection != 0) table.bound.fetch_add(1, std::memory_order_relaxed);
  table.opened.fetch_add(1, std::memory_order_relaxed);
  return shard.entries.emplace(key, std::move(entry)).first->second.session;
}

std::optional<Sessions::Live> Sessions::find(std::uint32_t id, Now now) {
  return table_->find(table_->shards[SourceShards::of_id(id)], {id, 0}, now);
}

std::optional<Sessions::Live> Sessions::find(std::uint32_t id, std::uint64_t connection,
                                             const Address& source, Now now) {
  // Connections that never set one up, which is most of them, take no lock.
  if (table_->bound.load(std::memory_order_relaxed) == 0) return std::nullopt;
  return table_->find(table_->shards[table_->numbers.of_source(source)], {id, connection}, now);
}

MacCheck Sessions::accept(const Session& session, std::uint32_t counter) {
  Shard& shard = table_->shard_of(session);
  const std::lock_guard guard(shard.lock);
  Entry* const entry = table_->entry_of(shard, session);
  if (entry == nullptr) return MacCheck::kGone;
  return counter != 0 && remember(entry->seen, counter) ? MacCheck::kGood : MacCheck::kRepeated;
}

void Sessions::authenticate(const Session& session, std::uint32_t index) {
  Shard& shard = table_->shard_of(session);
  const std::lock_guard guard(shard.lock);
  Entry* const entry = table_->entry_of(shard, session);
  if (entry == nullptr) return;
  entry->authenticated = true;
  entry->index = index;
}

void Sessions::end(const Session& session) {
  Shard& shard = table_->shard_of(session);
  const std::lock_guard guard(shard.lock);
  if (table_->entry_of(shard, session) != nullptr)
    table_->remove(shard, shard.entries.find({session.id, session.connection}), table_->ended);
}

void Sessions::sweep(Now now) {
  Shard& shard =
      table_->shards[SourceShards::of_id(table_->next_swept.fetch_add(1, std::memory_order_relaxed))];
  const std::lock_guard guard(shard.lock);
  table_->sweep(shard, now);
}

Sessions::Counters Sessions::counters() const {
  const auto read = [](const std::atomic<std::uint64_t>& from) {
    return from.load(std::memory_order_relaxed);
  };
  const Table& t = *table_;
  return {read(t.live), read(t.opened), read(t.ended), read(t.expired), read(t.evicted), read(t.refused)};
}

MacCheck check_mac(Sessions& sessions, const Session& session, const handle::Request& request) {
  const handle::Credential& credential = request.credential;
  if (!credential.present) return MacCheck::kMissing;
  if (credential.type != "HS_MAC") return MacCheck::kUnacceptable;
  const handle::Envelope& envelope = request.envelope;
  if (!envelope.version.at_least(2, 7)) return MacCheck::kWrong;
  const handle::Coverage coverage{envelope.version, envelope.suggested, envelope.session_id,
                                  envelope.request_id, credential.counter};
  switch (handle::verify_mac(coverage, request.covered, session.key, credential.algorithm,
                             credential.signature)) {
    case handle::AuthResult::kValid: return sessions.accept(session, credential.counter);
    case handle::AuthResult::kWrong: return MacCheck::kWrong;
    case handle::AuthResult::kUnacceptable: break;
  }
  return MacCheck::kUnacceptable;
}

}  // namespace idnode
