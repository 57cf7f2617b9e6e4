// Questions that are under way: equal ones are one (BEHAVIOUR.md §17.2 rule 3). Upstream thread only. Pure.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "resolver/net/upstream.h"

namespace idnode {

struct Flight {
  std::string key;
  Question question;
  std::vector<Upstream::Done> waiters;
  bool finished = false;
  bool keep = true;               // false: the name was dropped from the cache meanwhile
  bool stale = false;             // who waited had an expired answer, who joins gets it at once
  std::optional<Address> source;  // source_unit() of whoever began it; none: not counted
};

// Operation, flags that change the answer, recursion count, route, token, name and filters (or the proof to
// check). Questions with equal keys have one answer.
std::string flight_key(const Question& question);

class Flights {
 public:
  // A flight of an equal question, or null.
  std::shared_ptr<Flight> find(const std::string& key) const;
  std::shared_ptr<Flight> begin(std::string key, Question question, std::optional<Address> source);
  void end(const Flight& flight);
  std::size_t size() const { return flights_.size(); }
  // Those that this source began.
  std::uint64_t of_source(const Address& source) const;
  std::vector<std::shared_ptr<Flight>> all() const;

  // What these flights bring is not kept: the cache was told to forget it.
  void forget(std::string_view name);
  void forget_prefix(std::string_view prefix);

 private:
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  std::map<Address, std::uint64_t> by_source_;
};

}  // namespace idnode
