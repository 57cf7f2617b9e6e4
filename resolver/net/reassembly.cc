#include "resolver/net/reassembly.h"

namespace idnode {
namespace {

// What a train costs before its first octet: itself and one string a fragment it announces (the parts are
// indexed by sequence, and the highest may come first).
std::uint64_t bookkeeping(std::uint32_t length) {
  return 512 + std::uint64_t{handle::fragments_of(length)} * sizeof(std::string);
}

}  // namespace

std::size_t Reassembly::KeyHash::operator()(const Key& key) const {
  std::size_t h = AddressHash{}(key.peer.address);
  for (const std::uint64_t part : {std::uint64_t{key.peer.port} << 32 | key.request_id,
                                   std::uint64_t{key.session_id} << 32 | key.length})
    h = (h ^ part) * 0x9e3779b97f4a7c15ULL, h ^= h >> 29;
  return h;
}

Reassembly::Added Reassembly::add(const Endpoint& peer, bool limited, const handle::Datagram& datagram,
                                  const Limits& limits, std::uint64_t now_ms, handle::Envelope& envelope,
                                  std::string& message) {
  const handle::Envelope& e = datagram.envelope;
  const Key key{.peer = peer, .request_id = e.request_id, .session_id = e.session_id, .length = e.length};
  const std::lock_guard lock(mutex_);
  Added added;
  added.expired = drop_expired(limits, now_ms);
  auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    std::uint64_t& of_source = by_source_[source_unit(peer.address)];
    if (limited && of_source >= limits.udp_reassembly_per_source) {
      added.outcome = Outcome::kSourceFull;
      return added;
    }
    ++of_source;
    trains_.push_back(
        {.key = key, .assembly = handle::Assembly(e), .first_ms = now_ms, .charged = bookkeeping(e.length)});
    held_ += trains_.back().charged;
    found = by_key_.emplace(key, std::prev(trains_.end())).first;
  }
  const Trains::iterator train = found->second;
  const std::size_t before = train->assembly.held();
  const bool whole = train->assembly.add(e, datagram.part);
  train->charged += train->assembly.held() - before;
  held_ += train->assembly.held() - before;
  if (whole) {
    envelope = train->assembly.envelope();
    message = train->assembly.take();
    drop(train);
    added.outcome = Outcome::kWhole;
  }
  while (limits.udp_reassembly_bytes != 0 && held_ > limits.udp_reassembly_bytes && !trains_.empty()) {
    drop(trains_.begin());
    ++added.evicted;
  }
  return added;
}

void Reassembly::drop(Trains::iterator train) {
  held_ -= train->charged;
  const auto source = by_source_.find(source_unit(train->key.peer.address));
  if (source != by_source_.end() && --source->second == 0) by_source_.erase(source);
  by_key_.erase(train->key);
  trains_.erase(train);
}

std::uint64_t Reassembly::drop_expired(const Limits& limits, std::uint64_t now_ms) {
  std::uint64_t dropped = 0;
  while (!trains_.empty() && now_ms - trains_.front().first_ms >= limits.udp_reassembly_seconds * 1'000) {
    drop(trains_.begin());
    ++dropped;
  }
  return dropped;
}

std::uint64_t Reassembly::sweep(const Limits& limits, std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  return drop_expired(limits, now_ms);
}

std::uint64_t Reassembly::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

std::uint64_t Reassembly::trains() const {
  const std::lock_guard lock(mutex_);
  return trains_.size();
}

}  // namespace idnode
