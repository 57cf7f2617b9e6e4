#include "resolver/net/answer_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "protocol/bytes.h"
#include "protocol/identifier.h"
#include "protocol/value.h"

namespace idnode {

namespace {

std::vector<std::uint32_t> read_indexes(std::string_view list) {
  std::vector<std::uint32_t> indexes;
  if (list.empty()) return indexes;
  Reader r(list);
  const std::uint32_t n = r.count(4);
  for (std::uint32_t i = 0; i < n && r.ok(); ++i) indexes.push_back(r.u32());
  return indexes;
}

std::vector<std::string_view> read_types(std::string_view list) {
  std::vector<std::string_view> types;
  if (list.empty()) return types;
  Reader r(list);
  const std::uint32_t n = r.count(4);
  for (std::uint32_t i = 0; i < n && r.ok(); ++i) types.push_back(r.bytes());
  return types;
}

std::string name_key(std::string_view name) {
  return storage_form(expand_bare_prefix(name), /*case_sensitive=*/true);
}

// The values that the question's filters select (BEHAVIOUR.md §7.2): the union of indexes and types.
std::uint32_t select(const Question& question, ValueList all, std::string& out) {
  const std::vector<std::uint32_t> indexes = read_indexes(question.indexes);
  const std::vector<std::string_view> types = read_types(question.types);
  std::uint32_t count = 0;
  ValueWalk walk(all);
  ValueView value;
  while (walk.next(value)) {
    const bool wanted = std::ranges::find(indexes, value.index) != indexes.end() ||
                        std::ranges::any_of(types, [&](std::string_view type) {
                          return filter_matches_type(type, value.type);
                        });
    if (!wanted) continue;
    out.append(value.encoded);
    ++count;
  }
  return count;
}

}  // namespace

struct AnswerCache::Entry {
  std::string name;
  std::string filter;
  handle::ResponseCode code = handle::ResponseCode::kSuccess;
  bool verified = false;
  std::uint32_t value_count = 0;
  std::string values;
  std::string text;
  std::uint64_t expires_steady_ms = 0;
  std::uint64_t stale_steady_ms = 0;

  std::size_t octets() const {
    return sizeof(Entry) + name.size() + filter.size() + values.size() + text.size();
  }
};

CacheKey cache_key(const Question& question) {
  CacheKey key{name_key(question.name), {}};
  std::vector<std::uint32_t> indexes = read_indexes(question.indexes);
  std::vector<std::string> types;
  for (std::string_view type : read_types(question.types)) types.push_back(fold(type));
  if (indexes.empty() && types.empty()) return key;
  std::ranges::sort(indexes);
  indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  Writer w(key.filter);
  w.u32(static_cast<std::uint32_t>(indexes.size()));
  for (std::uint32_t index : indexes) w.u32(index);
  w.u32(static_cast<std::uint32_t>(types.size()));
  for (const std::string& type : types) w.bytes(type);
  return key;
}

std::uint32_t keep_seconds(const ForwardAnswer& answer, const CacheTimes& times, Now now) {
  using handle::ResponseCode;
  if (answer.code == ResponseCode::kHandleNotFound || answer.code == ResponseCode::kValuesNotFound) {
    return std::min(times.negative_seconds, kCacheHardCapSeconds);
  }
  if (answer.code != ResponseCode::kSuccess) return 0;
  std::uint32_t keep = std::min(times.positive_seconds, kCacheHardCapSeconds);
  ValueWalk walk({answer.value_count, answer.values});
  ValueView value;
  while (walk.next(value)) {
    if (!value.public_read() || has_type(value.type, "HS_SECKEY")) return 0;
    if ((value.ttl & 0x80000000U) != 0 && value.ttl_type == kTtlRelative) return 0;
    switch (value.ttl_type) {
      case kTtlRelative: keep = std::min(keep, value.ttl); break;
      case kTtlAbsolute:
        if (value.ttl <= now.seconds()) return 0;
        keep = std::min(keep, value.ttl - now.seconds());
        break;
      default: return 0;
    }
  }
  return keep;
}

AnswerCache::AnswerCache(const CacheBounds& bounds)
    : bounds_(bounds), seed_(std::uint64_t{std::random_device{}()} << 32 | std::random_device{}()) {
  const std::size_t sets = std::bit_ceil(std::max<std::size_t>(1, (bounds.entries + kWays - 1) / kWays));
  mask_ = sets - 1;
  sets_ = std::make_unique<Set[]>(sets);
}

AnswerCache::~AnswerCache() = default;

// Multiply and fold, keyed by the seed: who does not know it can not aim names at one set.
std::uint64_t AnswerCache::hash(std::string_view octets) const {
  std::uint64_t h = seed_ ^ (octets.size() * 0x9e3779b97f4a7c15U);
  while (!octets.empty()) {
    std::uint64_t word = 0;
    const std::size_t n = std::min<std::size_t>(8, octets.size());
    std::memcpy(&word, octets.data(), n);
    octets.remove_prefix(n);
    const auto product = static_cast<unsigned __int128>(h ^ word) * (0xbf58476d1ce4e5b9U ^ (seed_ << 1));
    h = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ (word << 1);
  }
  h ^= h >> 29;
  h *= 0x94d049bb133111ebU;
  return h ^ (h >> 32);
}

AnswerCache::Set& AnswerCache::set_of(std::string_view name) const { return sets_[hash(name) & mask_]; }

std::uint64_t AnswerCache::tag_of(std::string_view name, std::string_view filter) const {
  return std::rotl(hash(name), 17) ^ hash(filter) ^ 1U;
}

std::shared_ptr<const AnswerCache::Entry> AnswerCache::look(std::string_view name,
                                                            std::string_view filter) const {
  const std::uint64_t tag = tag_of(name, filter);
  if (tag == 0) return nullptr;
  for (const Slot& slot : set_of(name)) {
    if (slot.tag.load(std::memory_order_acquire) != tag) continue;
    std::shared_ptr<const Entry> entry = slot.entry.load();
    if (entry && entry->name == name && entry->filter == filter) return entry;
  }
  return nullptr;
}

bool AnswerCache::find(const Question& question, Now now, ForwardAnswer& answer, bool stale) const {
  if (!question.cacheable()) return false;
  const CacheKey key = cache_key(question);
  const bool certified = (question.flags & handle::flag::kCertify) != 0;
  const auto usable = [&](const std::shared_ptr<const Entry>& entry) {
    if (!entry || (certified && !entry->verified)) return false;
    return now.steady_ms < (stale ? entry->stale_steady_ms : entry->expires_steady_ms);
  };
  std::shared_ptr<const Entry> entry = look(key.name, key.filter);
  const bool exact = usable(entry);
  if (!exact) {
    if (key.filter.empty()) return false;
    entry = look(key.name, {});
    if (!usable(entry)) return false;
  }
  answer = {};
  answer.code = entry->code;
  answer.signature_verified = entry->verified;
  answer.text = entry->text;
  if (entry->code == handle::ResponseCode::kSuccess) {
    if (exact) {
      answer.value_count = entry->value_count;
      answer.values = entry->values;
    } else {
      answer.value_count = select(question, {entry->value_count, entry->values}, answer.values);
      if (answer.value_count == 0) answer.code = handle::ResponseCode::kValuesNotFound;
    }
  }
  answer.outcome = answer.code == handle::ResponseCode::kSuccess ? ForwardAnswer::Outcome::kAnswered
                                                                 : ForwardAnswer::Outcome::kNotFound;
  return true;
}

void AnswerCache::clear_slot(Slot& slot) {
  const std::shared_ptr<const Entry> entry = slot.entry.load();
  if (!entry) return;
  slot.tag.store(0, std::memory_order_release);
  slot.entry.store(nullptr);
  octets_.store(octets_.load(std::memory_order_relaxed) - entry->octets(), std::memory_order_relaxed);
  entries_.store(entries_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

// A sweep over the sets: what has expired goes first, and in a second round whatever comes.
void AnswerCache::make_room(std::size_t octets, Now now) {
  std::size_t looked = 0;
  const std::size_t sets = mask_ + 1;
  while (octets_.load(std::memory_order_relaxed) + octets > bounds_.octets && looked < 2 * sets) {
    for (Slot& slot : sets_[hand_]) {
      const std::shared_ptr<const Entry> entry = slot.entry.load();
      if (!entry || (looked < std::min<std::size_t>(sets, 64) && entry->stale_steady_ms > now.steady_ms)) {
        continue;
      }
      clear_slot(slot);
      evicted_.store(evicted_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    hand_ = (hand_ + 1) & mask_;
    ++looked;
  }
}

void AnswerCache::put(const Question& question, const ForwardAnswer& answer, const CacheTimes& times,
                      Now now) {
  using handle::ResponseCode;
  if (question.op != handle::OpCode::kResolve || !question.identity.empty() ||
      (question.flags & handle::flag::kPublicOnly) == 0) {
    return;
  }
  const bool absent = answer.code == ResponseCode::kHandleNotFound;
  if (answer.code != ResponseCode::kSuccess && answer.code != ResponseCode::kValuesNotFound && !absent)
    return;

  const CacheKey key = cache_key(question);
  auto entry = std::make_shared<Entry>();
  entry->name = key.name;
  // A name that does not exist does not for any filter.
  if (!absent) entry->filter = key.filter;

  // What the new answer contradicts goes, whether or not the answer itself is kept.
  Set& set = set_of(key.name);
  for (Slot& slot : set) {
    const std::shared_ptr<const Entry> old = slot.entry.load();
    if (!old || old->name != entry->name) continue;
    if (absent || old->code == ResponseCode::kHandleNotFound || old->filter == entry->filter)
      clear_slot(slot);
  }

  const std::uint32_t keep = keep_seconds(answer, times, now);
  if (keep == 0) return;
  entry->code = answer.code;
  entry->verified = answer.signature_verified;
  entry->value_count = answer.value_count;
  entry->values = answer.values;
  entry->text = answer.text;
  entry->expires_steady_ms = now.steady_ms + std::uint64_t{keep} * 1000;
  entry->stale_steady_ms =
      entry->expires_steady_ms +
      (answer.code == ResponseCode::kSuccess ? std::uint64_t{times.stale_seconds} * 1000 : 0);
  const std::size_t octets = entry->octets();
  if (octets > bounds_.entry_octets || octets > bounds_.octets) return;
  make_room(octets, now);

  Slot* place = nullptr;
  std::uint64_t soonest = 0;
  for (Slot& slot : set) {
    const std::shared_ptr<const Entry> old = slot.entry.load();
    if (!old) {
      place = &slot;
      break;
    }
    if (place == nullptr || old->expires_steady_ms < soonest) {
      place = &slot;
      soonest = old->expires_steady_ms;
    }
  }
  if (place->entry.load()) {
    clear_slot(*place);
    evicted_.store(evicted_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  const std::uint64_t tag = tag_of(entry->name, entry->filter);
  place->entry.store(std::move(entry));
  place->tag.store(tag, std::memory_order_release);
  octets_.store(octets_.load(std::memory_order_relaxed) + octets, std::memory_order_relaxed);
  entries_.store(entries_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  stored_.store(stored_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void AnswerCache::drop(std::string_view name) {
  const std::string key = name_key(name);
  for (Slot& slot : set_of(key)) {
    const std::shared_ptr<const Entry> entry = slot.entry.load();
    if (!entry || entry->name != key) continue;
    clear_slot(slot);
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

void AnswerCache::drop_prefix(std::string_view prefix) {
  const std::string folded = fold(prefix);
  const std::string prefix_handle = "0.NA/" + folded;
  for (std::size_t i = 0; i <= mask_; ++i) {
    for (Slot& slot : sets_[i]) {
      const std::shared_ptr<const Entry> entry = slot.entry.load();
      if (!entry || (split(entry->name).prefix != folded && entry->name != prefix_handle)) continue;
      clear_slot(slot);
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
}

void AnswerCache::clear() {
  for (std::size_t i = 0; i <= mask_; ++i) {
    for (Slot& slot : sets_[i]) clear_slot(slot);
  }
}

AnswerCache::Counters AnswerCache::counters() const {
  return {entries_.load(std::memory_order_relaxed), octets_.load(std::memory_order_relaxed),
          stored_.load(std::memory_order_relaxed), evicted_.load(std::memory_order_relaxed),
          dropped_.load(std::memory_order_relaxed)};
}

}  // namespace idnode
