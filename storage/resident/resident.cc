#include "storage/resident/resident.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <ranges>
#include <utility>

#include "protocol/value.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode {
namespace {

// What a record takes on average, for the share of the index: 4 of 100 octets.
constexpr std::size_t kOctetsPerRecord = 320;
// Octets of a record that are fetched before they are needed: all of an ordinary one.
constexpr std::size_t kPrefetched = 320;
constexpr std::size_t kLine = 64;
constexpr std::size_t index_share(std::size_t bytes) { return bytes / kOctetsPerRecord; }

bool is_record(std::string_view key) {
  return !key.empty() && key.front() == static_cast<char>(Table::kRecords);
}

Fill make_fill(const FillTicket& ticket, std::string_view key, std::string_view image) {
  Fill fill{.ticket = ticket, .key = std::string(key), .values = {}, .stub = true};
  const auto record = parse_record(image);
  if (!record) return fill;
  std::uint32_t all = 0;
  ValueWalk walk({record->count, record->values});
  for (ValueView value; walk.next(value);) {
    ++all;
    if (!value.public_read()) continue;
    if (fill.values.size() + value.encoded.size() > Resident::kLargest) {
      fill.values.clear();
      fill.count = 0;
      return fill;
    }
    fill.values.append(value.encoded);
    ++fill.count;
  }
  fill.stub = fill.count == 0 || all != record->count;  // the store tells what is wrong with it
  fill.whole = fill.count == record->count;
  return fill;
}

}  // namespace

// In front of each record in the arena: then the key, then the values.
struct Resident::Head {
  std::uint32_t values_size;
  std::uint32_t key_size;
  std::uint16_t count;
  bool whole;
  bool stub;

  std::size_t size() const { return sizeof(Head) + key_size + values_size; }
};

Resident::Resident(std::size_t bytes, const HashKey& key)
    : hash_key_(key),
      index_(index_share(bytes)),
      arena_(bytes - std::min(bytes, index_.bytes())),
      written_(kCounters) {}

Resident::Head& Resident::head(std::uint64_t place) const {
  return *reinterpret_cast<Head*>(arena_.at(place));
}

std::string_view Resident::key_of(std::uint64_t place) const {
  return {arena_.at(place) + sizeof(Head), head(place).key_size};
}

Resident::Found Resident::find(std::string_view key, std::string& values) const {
  const std::uint64_t hash = this->hash(key);
  const Bucket* bucket = &index_.bucket(hash);
  const Readers::Inside inside(readers_);
  const bool complete = complete_.load(std::memory_order_seq_cst);
  for (; bucket != nullptr; bucket = index_.next(*bucket)) {
    for (const Word& word : bucket->entries) {
      const Entry entry(word.load(std::memory_order_seq_cst));
      if (!entry.tagged(hash)) continue;
      if (entry.busy()) return {.kind = Kind::kStore};
      prefetch(entry.place(), kLine);
      if (key_of(entry.place()) != key) continue;
      const Head& record = head(entry.place());
      if (record.stub) return {.kind = Kind::kStore};
      values.assign(arena_.at(entry.place()) + sizeof(Head) + record.key_size, record.values_size);
      return {Kind::kValues, record.whole, record.count};
    }
  }
  // It must have been complete before the search, and nothing given up during it.
  return {.kind = complete && complete_.load(std::memory_order_seq_cst) ? Kind::kAbsent : Kind::kMiss};
}

void Resident::prefetch(std::uint64_t place, std::size_t from) const {
  for (; from < kPrefetched; from += kLine) __builtin_prefetch(arena_.at(place) + from);
}

std::uint64_t Resident::foresee(std::string_view key) const {
  const std::uint64_t hash = this->hash(key);
  __builtin_prefetch(&index_.bucket(hash));
  return hash;
}

// Places are only computed with, so nobody need be inside.
void Resident::fetch(std::uint64_t foreseen) const {
  for (const Word& word : index_.bucket(foreseen).entries) {
    const Entry entry(word.load(std::memory_order_relaxed));
    if (entry.tagged(foreseen)) prefetch(entry.place(), 0);
  }
}

FillTicket Resident::ticket(std::string_view key) const {
  const std::uint64_t hash = this->hash(key);
  return {hash, written_[counter_of(hash)].load(std::memory_order_seq_cst)};
}

void Resident::offer(const FillTicket& ticket, std::string_view key, std::string_view image) {
  fills_.offer(make_fill(ticket, key, image));
}

bool Resident::load(const FillTicket& ticket, std::string_view key, std::string_view image) {
  if (loads_stopped_.load(std::memory_order_relaxed)) return false;
  Fill fill = make_fill(ticket, key, image);
  fill.loads = true;
  return fills_.load(std::move(fill));
}

std::vector<std::uint64_t> Resident::written() const { return {written_.begin(), written_.end()}; }

std::vector<std::string> Resident::loaded() {
  if (!fills_.drain()) return {};
  std::lock_guard lock(late_mutex_);
  if (late_.empty()) all_loaded_.store(true, std::memory_order_release);  // work() looks at it
  return std::exchange(late_, {});
}

ResidentCounters Resident::counters() const {
  return {.records = records_.load(std::memory_order_relaxed),
          .record_bytes = record_bytes_.load(std::memory_order_relaxed),
          .room_bytes = arena_.bytes(),
          .filled = filled_.load(std::memory_order_relaxed),
          .dropped = fills_.dropped() + late_fills_.load(std::memory_order_relaxed),
          .evicted = evicted_.load(std::memory_order_relaxed),
          .complete = complete_.load(std::memory_order_relaxed)};
}

Word* Resident::find_word(std::uint64_t hash, std::string_view key) {
  return index_.find(hash, [&](Entry entry) { return key_of(entry.place()) == key; });
}

void Resident::stage(std::span<const WriteView> writes) {
  for (const WriteView& write : writes) {
    if (is_record(write.key)) stage(write);
  }
}

void Resident::stage(const WriteView& write) {
  const std::uint64_t hash = this->hash(write.key);
  const auto record = parse_record(write.image);
  const bool gone = record && record->tombstone;
  staged_.push_back({hash, write.key, gone});
  Word* const word = find_word(hash, write.key);
  if (!gone) return insert(make_fill({hash, 0}, write.key, write.image), word, true);
  if (word != nullptr) word->store(Entry(word->load(std::memory_order_relaxed)).pending().word());
}

// The store has them: what was read from it before is old from here on. Of several writes of one key the last
// counts; the others then find no busy entry.
void Resident::publish() {
  for (const Staged& each : std::views::reverse(staged_)) {
    written_[counter_of(each.hash)].fetch_add(1);
    Word* const word = find_word(each.hash, each.key);
    if (word == nullptr) continue;
    const Entry entry(word->load(std::memory_order_relaxed));
    if (!entry.busy()) continue;
    if (each.gone) {
      remove(*word);
    } else {
      word->store(entry.settled().word());
    }
  }
  staged_.clear();
}

bool Resident::work() {
  arena_.reclaim(readers_);
  fills_.take(taken_);
  for (const Fill& fill : taken_) take_up(fill);
  if (!taken_.empty()) {
    taken_.clear();
    fills_.settle();
  }
  if (all_loaded_.exchange(false) && !lost_) complete_.store(true);
  if (const auto sparse = arena_.sparsest(); sparse && arena_.free_segments() != 0) {
    clear(*sparse, true);
  } else if (arena_.free_segments() == 0 && !arena_.waiting()) {
    if (const auto oldest = arena_.oldest()) clear(*oldest, false);
  }
  return arena_.waiting();
}

void Resident::take_up(const Fill& fill) {
  if (written_[counter_of(fill.ticket.hash)].load(std::memory_order_relaxed) != fill.ticket.counter) {
    late_fills_.fetch_add(1, std::memory_order_relaxed);
    if (!fill.loads) return;
    std::lock_guard lock(late_mutex_);
    return late_.push_back(fill.key);
  }
  if (find_word(fill.ticket.hash, fill.key) != nullptr) return;
  if (fill.loads && arena_.room() < kSpare + Arena::kUnit + kLargest) {
    lost_ = true;
    return loads_stopped_.store(true, std::memory_order_relaxed);
  }
  insert(fill, nullptr, false);
  filled_.fetch_add(1, std::memory_order_relaxed);
}

// Puts the record where `word` says, or under a new one.
void Resident::insert(const Fill& fill, Word* word, bool busy) {
  const std::uint64_t hash = fill.ticket.hash;
  const std::uint64_t place = put(fill);
  if (place != 0 && word == nullptr) word = index_.vacancy(hash);
  if (place == 0 || word == nullptr) {
    not_complete();
    if (place != 0) arena_.release(place, head(place).size());
    if (word != nullptr) remove(*word);
    return;
  }
  const Entry before(word->load(std::memory_order_relaxed));
  word->store(Entry::make(hash, place, busy).word());
  if (before.empty()) {
    records_.fetch_add(1, std::memory_order_relaxed);
  } else {
    arena_.release(before.place(), head(before.place()).size());
  }
  record_bytes_.store(arena_.live_bytes(), std::memory_order_relaxed);
}

// 0: no room.
std::uint64_t Resident::put(const Fill& fill) {
  const Head made{.values_size = static_cast<std::uint32_t>(fill.values.size()),
                  .key_size = static_cast<std::uint32_t>(fill.key.size()),
                  .count = static_cast<std::uint16_t>(fill.count),
                  .whole = fill.whole,
                  .stub = fill.stub};
  const auto place =
      made.size() <= Arena::kSegment / 2 ? arena_.allocate(made.size()) : std::optional<std::uint64_t>();
  if (!place) return 0;
  char* to = arena_.at(*place);
  std::memcpy(to, &made, sizeof made);
  to += sizeof made;
  std::ranges::copy(fill.key, to);
  std::ranges::copy(fill.values, to + fill.key.size());
  return *place;
}

void Resident::remove(Word& word) {
  const Entry entry(word.load(std::memory_order_relaxed));
  word.store(0);
  arena_.release(entry.place(), head(entry.place()).size());
  records_.fetch_sub(1, std::memory_order_relaxed);
  record_bytes_.store(arena_.live_bytes(), std::memory_order_relaxed);
}

// Moves what is in use elsewhere (`keep`) or gives it up. Not between stage() and publish().
void Resident::clear(std::size_t segment, bool keep) {
  if (!keep) not_complete();
  const auto [from, to] = arena_.written(segment);
  for (std::uint64_t place = from; place < to; place += Arena::taken(head(place).size())) {
    const std::uint64_t hash = this->hash(key_of(place));
    Word* const word = index_.find(hash, [place](Entry entry) { return entry.place() == place; });
    if (word == nullptr) continue;
    if (!keep) {
      remove(*word);
      evicted_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    const std::size_t size = head(place).size();
    const auto moved = arena_.allocate(size);
    if (!moved) return;
    std::memcpy(arena_.at(*moved), arena_.at(place), size);
    word->store(Entry::make(hash, *moved, false).word());
    arena_.release(place, size);
  }
  arena_.retire(segment);
}

void Resident::not_complete() {
  lost_ = true;
  complete_.store(false);
}

}  // namespace idnode
