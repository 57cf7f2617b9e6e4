#include "tests/system/kill_clients.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;

constexpr std::uint32_t kValues = 3;
constexpr std::uint32_t kExtra = kValues + 1;  // index of the value that is added and removed
constexpr std::uint32_t kRecent = 40;          // records that are changed; older ones stay as they are
constexpr std::size_t kPipelined = 32;
constexpr std::uint64_t kMostPrinted = 5;  // lost and torn records of one client
constexpr Code kRefused = 7;

std::string noise(std::size_t size, std::uint64_t seed) {
  std::string octets;
  std::mt19937_64 random(seed);
  while (octets.size() < size) {
    for (std::uint64_t word = random(); word != 0; word >>= 6) octets += static_cast<char>('0' + (word & 63));
  }
  octets.resize(size);
  return octets;
}

}  // namespace

Word& Word::operator+=(const Word& other) {
  for (const auto member : {&Word::acked, &Word::octets, &Word::ambiguous, &Word::uncertain, &Word::kept,
                            &Word::refused, &Word::resumed, &Word::lost, &Word::torn, &Word::unexpected,
                            &Word::creates, &Word::adds, &Word::modifies, &Word::removes, &Word::deletes})
    this->*member += other.*member;
  return *this;
}

Word sum(const std::vector<KillClient>& clients) {
  Word total;
  for (const KillClient& c : clients) total += c.word();
  return total;
}

int count_from(const char* variable, int usual) {
  const char* wish = std::getenv(variable);
  const int count = wish == nullptr ? usual : std::atoi(wish);
  if (count <= 0) fail(std::string(variable) + ": not a count");
  return count;
}

KillClient::KillClient(std::string prefix, int number, ClientIdentity identity, std::size_t padding)
    : prefix_(std::move(prefix)),
      number_(number),
      identity_(std::move(identity)),
      padding_(padding),
      random_(static_cast<std::uint32_t>(number)) {}

std::string KillClient::name_of(std::uint32_t serial) const {
  return prefix_ + "/K-" + std::to_string(number_) + "-" + std::to_string(serial);
}

// The sizes differ from version to version, so that half of one does not fit into another.
std::string KillClient::data_of(std::uint32_t serial, std::uint32_t version, std::uint32_t index) const {
  std::string data =
      name_of(serial) + " version " + std::to_string(version) + " value " + std::to_string(index);
  data.append(version * 37 % 400 + index * 100, static_cast<char>('a' + version % 26));
  if (padding_ > 0) data += noise(padding_, (std::uint64_t{serial} << 32) + version * 8 + index);
  return data;
}

std::vector<Value> KillClient::values_of(std::uint32_t serial, const State& state) const {
  std::vector<Value> values;
  for (std::uint32_t i = 1; i <= kValues; ++i)
    values.push_back(text_value(i, "TEXT", data_of(serial, state.version, i)));
  if (state.extra != kGone)
    values.push_back(text_value(kExtra, "TEXT", data_of(serial, state.extra, kExtra)));
  return values;
}

KillClient::Kind KillClient::choose(std::uint32_t& serial) {
  serial = next_serial_ - 1 - random_() % std::max(1U, std::min(kRecent, next_serial_));
  const auto record = records_.find(serial);
  const bool known = next_serial_ > 0 && record != records_.end();
  const bool there = known && record->second.state.version != kGone && !record->second.uncertain;
  const std::uint32_t die = random_() % 100;
  if (!there || die < 35) {
    // Now and then a name that was deleted before.
    if (!known || there || record->second.uncertain || die < 20) serial = next_serial_++;
    return Kind::kCreate;
  }
  if (die < 60) return Kind::kModify;
  if (die < 82) return record->second.state.extra == kGone ? Kind::kAdd : Kind::kRemove;
  return Kind::kDelete;
}

KillClient::State KillClient::after(Kind kind, const State& state) {
  switch (kind) {
    case Kind::kCreate: return {.version = ++next_version_, .extra = kGone};
    case Kind::kAdd: return {.version = state.version, .extra = ++next_version_};
    case Kind::kModify: return {.version = ++next_version_, .extra = state.extra};
    case Kind::kRemove: return {.version = state.version, .extra = kGone};
    case Kind::kDelete: break;
  }
  return {};
}

Code KillClient::ask(Client& client, Kind kind, std::uint32_t serial, const State& wanted) {
  const std::string name = name_of(serial);
  if (kind == Kind::kDelete) return ask_name(client, identity_, OpCode::kDelete, name);
  if (kind == Kind::kRemove) return ask_remove(client, identity_, name, kExtra);
  std::vector<Value> values = values_of(serial, wanted);
  if (kind == Kind::kAdd) values.erase(values.begin(), values.begin() + kValues);
  if (kind == Kind::kModify) values.resize(kValues);
  for (const Value& v : values) word_.octets += v.data.size();
  const OpCode op = kind == Kind::kCreate ? OpCode::kCreate
                    : kind == Kind::kAdd  ? OpCode::kAddValues
                                          : OpCode::kModifyValues;
  return ask_values(client, identity_, op, name, values);
}

void KillClient::count(Kind kind) {
  switch (kind) {
    case Kind::kCreate: ++word_.creates; break;
    case Kind::kAdd: ++word_.adds; break;
    case Kind::kModify: ++word_.modifies; break;
    case Kind::kRemove: ++word_.removes; break;
    case Kind::kDelete: ++word_.deletes; break;
  }
}

bool KillClient::change(Client& client, Kind kind, std::uint32_t serial, Life& life) {
  Record& record = records_[serial];
  record.wanted = after(kind, record.state);
  touched_.insert(serial);
  return settle(record, kind, serial, ask(client, kind, serial, record.wanted), life);
}

// The answer is here; whether the power was still on is asked after that.
bool KillClient::settle(Record& record, Kind kind, std::uint32_t serial, Code code, Life& life) {
  const bool cut = life.cut.load();
  if (code == 1 && !cut) {
    record.state = record.wanted;
    ++word_.acked;
    count(kind);
    life.acked.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  record.uncertain = true;
  ++word_.uncertain;
  if (cut) {
    if (code == 1) ++word_.ambiguous;
    return false;
  }
  if (code >= kNoAnswer) return false;
  if (code == kRefused && life.refusals) {
    ++word_.refused;
    life.refused.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  ++word_.unexpected;
  std::printf("UNEXPECTED %s: code %u\n", name_of(serial).c_str(), code);
  return false;
}

void KillClient::write(const Endpoint& node, Life& life, std::uint64_t most) {
  auto client = Client::open(node);
  if (!client) return;
  bool was_refused = false;
  for (std::uint64_t i = 0; i < most && !life.over.load(std::memory_order_relaxed); ++i) {
    std::uint32_t serial = 0;
    const Kind kind = choose(serial);
    const std::uint64_t refused = word_.refused;
    if (!change(*client, kind, serial, life)) return;
    if (word_.refused != refused) {
      was_refused = true;
      pause(std::chrono::milliseconds(5));
    } else if (was_refused) {
      ++word_.resumed;
    }
  }
}

std::vector<std::string> KillClient::present() const {
  std::vector<std::string> names;
  for (const auto& [serial, record] : records_)
    if (record.state.version != kGone) names.push_back(name_of(serial));
  return names;
}

// Which versions stand there; not whole when the values do not belong together.
KillClient::Found KillClient::found(std::uint32_t serial, const Result<Reply>& reply) const {
  const Answer answer = to_answer(reply);
  if (answer.code == 100) return {.whole = true, .state = {}};
  if (answer.code != 1 || answer.values.size() < kValues || answer.values.size() > kExtra) return {};
  const std::string start = name_of(serial) + " version ";
  const auto version = [&](const Value& value) {
    if (!value.data.starts_with(start)) return kGone;
    return static_cast<std::uint32_t>(std::strtoul(value.data.c_str() + start.size(), nullptr, 10));
  };
  State state{.version = version(answer.values.front()), .extra = kGone};
  if (answer.values.size() == kExtra) state.extra = version(answer.values.back());
  std::vector<Value> values = answer.values;
  for (Value& v : values) v.timestamp = 0;
  return {.whole = values == values_of(serial, state), .state = state};
}

void KillClient::judge(std::uint32_t serial, const Found& found) {
  Record& record = records_[serial];
  const bool old_one = found.whole && found.state == record.state;
  const bool new_one = found.whole && record.uncertain && found.state == record.wanted;
  if (!found.whole) {
    if (++word_.torn <= kMostPrinted) std::printf("TORN %s\n", name_of(serial).c_str());
  } else if (!old_one && !new_one) {
    if (++word_.lost <= kMostPrinted) {
      std::printf("LOST %s: version %u+%u, acknowledged %u+%u\n", name_of(serial).c_str(),
                  found.state.version, found.state.extra, record.state.version, record.state.extra);
    }
  }
  if (new_one) ++word_.kept;
  // From here on what is there is what must stay.
  record = {.state = found.state, .wanted = found.state, .uncertain = false};
}

void KillClient::verify(const Endpoint& node, bool all) {
  std::vector<std::uint32_t> serials(touched_.begin(), touched_.end());
  if (all) {
    serials.clear();
    for (const auto& [serial, record] : records_) serials.push_back(serial);
  }
  auto client = Client::open(node);
  if (!client) fail("no connection for the check");
  for (std::size_t i = 0; i < serials.size(); i += kPipelined) {
    const std::size_t end = std::min(i + kPipelined, serials.size());
    for (std::size_t k = i; k < end; ++k)
      if (!client->send(make_request(OpCode::kResolve, name_of(serials[k])))) fail("the check cannot ask");
    for (std::size_t k = i; k < end; ++k) {
      const auto reply = client->receive();
      if (!reply) fail("the check gets no answer: " + std::string(name(reply.error())));
      judge(serials[k], found(serials[k], reply));
    }
  }
  touched_.clear();
}

KillClient::Reads KillClient::read(const Endpoint& node, const Life& life) const {
  Reads reads;
  auto client = Client::open(node);
  if (!client) return {.good = 0, .bad = 1};
  while (!life.over.load(std::memory_order_relaxed)) {
    for (const auto& [serial, record] : records_) {
      const Found found = this->found(serial, client->ask(make_request(OpCode::kResolve, name_of(serial))));
      ++(found.whole && found.state == record.state ? reads.good : reads.bad);
    }
    pause(std::chrono::milliseconds(2));
  }
  return reads;
}

}  // namespace idnode
