#include "resolver/net/flight.h"

#include "protocol/bytes.h"
#include "protocol/identifier.h"
#include "resolver/net/answer_cache.h"

namespace idnode {

std::string flight_key(const Question& question) {
  namespace flag = handle::flag;
  constexpr std::uint32_t kAsked = flag::kAuthoritative | flag::kCertify | flag::kPublicOnly |
                                   flag::kDoNotRefer | flag::kRecurseWithIdentity;
  const CacheKey key = cache_key(question);
  std::string out;
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(question.op));
  w.u32(question.flags & kAsked);
  w.u8(question.recursion_count);
  w.u8(question.has_identity ? 1 : 0);
  w.bytes(question.identity);
  w.bytes(question.route ? question.route->prefix_handle : std::string{});
  w.u64(question.route ? question.route->version : 0);
  w.bytes(key.name);
  w.bytes(question.op == handle::OpCode::kVerifyAnswer ? question.verify_body : key.filter);
  return out;
}

std::shared_ptr<Flight> Flights::find(const std::string& key) const {
  const auto it = flights_.find(key);
  return it == flights_.end() ? nullptr : it->second;
}

std::shared_ptr<Flight> Flights::begin(std::string key, Question question, std::optional<Address> source) {
  auto flight = std::make_shared<Flight>();
  flight->key = key;
  flight->question = std::move(question);
  flight->source = source;
  flights_.emplace(std::move(key), flight);
  if (source) ++by_source_[*source];
  return flight;
}

void Flights::end(const Flight& flight) {
  if (flights_.erase(flight.key) == 0 || !flight.source) return;
  const auto it = by_source_.find(*flight.source);
  if (--it->second == 0) by_source_.erase(it);
}

std::uint64_t Flights::of_source(const Address& source) const {
  const auto it = by_source_.find(source);
  return it == by_source_.end() ? 0 : it->second;
}

std::vector<std::shared_ptr<Flight>> Flights::all() const {
  std::vector<std::shared_ptr<Flight>> list;
  list.reserve(flights_.size());
  for (const auto& [key, flight] : flights_) list.push_back(flight);
  return list;
}

void Flights::forget(std::string_view name) {
  const std::string form = storage_form(expand_bare_prefix(name), true);
  for (const auto& [key, flight] : flights_) {
    if (storage_form(expand_bare_prefix(flight->question.name), true) == form) flight->keep = false;
  }
}

void Flights::forget_prefix(std::string_view prefix) {
  const std::string prefix_handle = "0.NA/" + fold(prefix);
  for (const auto& [key, flight] : flights_) {
    const std::string_view name = flight->question.name;
    if (prefix_handle_of(name) == prefix_handle || equal_folded(expand_bare_prefix(name), prefix_handle)) {
      flight->keep = false;
    }
  }
}

}  // namespace idnode
