#include "tests/system/kill_clients.h"

#include <algorithm>
#include <cstdio>

#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;

constexpr std::uint32_t kValues = 3;
constexpr std::uint32_t kRecent = 40;  // records that are modified and deleted; older ones stay as they are
constexpr std::size_t kPipelined = 32;

}  // namespace

KillClient::KillClient(std::string prefix, int number, ClientIdentity identity)
    : prefix_(std::move(prefix)),
      number_(number),
      identity_(std::move(identity)),
      random_(static_cast<std::uint32_t>(number)) {}

std::string KillClient::name_of(std::uint32_t serial) const {
  return prefix_ + "/K-" + std::to_string(number_) + "-" + std::to_string(serial);
}

// The sizes differ from version to version, so that half of one does not fit into another.
std::vector<Value> KillClient::values_of(std::uint32_t serial, std::uint32_t version) const {
  std::vector<Value> values;
  for (std::uint32_t i = 1; i <= kValues; ++i) {
    std::string data =
        name_of(serial) + " version " + std::to_string(version) + " value " + std::to_string(i);
    data.append(version * 37 % 400 + i * 100, static_cast<char>('a' + version % 26));
    values.push_back(text_value(i, "TEXT", data));
  }
  return values;
}

KillClient::Kind KillClient::choose(std::uint32_t& serial) {
  serial = next_serial_ - 1 - random_() % std::max(1U, std::min(kRecent, next_serial_));
  const auto record = records_.find(serial);
  const bool there = next_serial_ > 0 && record != records_.end() && record->second.version != kGone;
  const std::uint32_t die = random_() % 100;
  if (!there || die < 40) {
    // Now and then a name that was deleted before.
    if (record == records_.end() || there || die < 20) serial = next_serial_++;
    return Kind::kCreate;
  }
  return die < 80 ? Kind::kModify : Kind::kDelete;
}

bool KillClient::change(Client& client, Kind kind, std::uint32_t serial) {
  Record& record = records_[serial];
  record.wanted = kind == Kind::kDelete ? kGone : ++next_version_;
  touched_.insert(serial);
  const std::string name = name_of(serial);
  const Code code =
      kind == Kind::kDelete
          ? ask_name(client, identity_, OpCode::kDelete, name)
          : ask_values(client, identity_, kind == Kind::kCreate ? OpCode::kCreate : OpCode::kModifyValues,
                       name, values_of(serial, record.wanted));
  if (code == 1) {
    record.version = record.wanted;
    ++word_.acked;
    ++(kind == Kind::kCreate ? word_.creates : kind == Kind::kModify ? word_.modifies : word_.deletes);
    return true;
  }
  record.uncertain = true;
  ++word_.uncertain;
  if (code >= kNoAnswer) return false;
  ++word_.unexpected;
  std::printf("UNEXPECTED %s: code %u\n", name.c_str(), code);
  return false;
}

void KillClient::write(const Endpoint& node, std::atomic<std::uint64_t>& acked, std::uint64_t most) {
  auto client = Client::open(node);
  if (!client) return;
  for (std::uint64_t i = 0; i < most; ++i) {
    std::uint32_t serial = 0;
    const Kind kind = choose(serial);
    if (!change(*client, kind, serial)) return;
    acked.fetch_add(1, std::memory_order_relaxed);
  }
}

std::vector<std::string> KillClient::present() const {
  std::vector<std::string> names;
  for (const auto& [serial, record] : records_)
    if (record.version != kGone) names.push_back(name_of(serial));
  return names;
}

// Which version stands there; not whole when the values do not belong together.
KillClient::Found KillClient::found(std::uint32_t serial, const Result<Reply>& reply) const {
  const Answer answer = to_answer(reply);
  if (answer.code == 100) return {.whole = true, .version = kGone};
  if (answer.code != 1 || answer.values.size() != kValues) return {};
  const std::string start = name_of(serial) + " version ";
  const std::string& data = answer.values.front().data;
  if (!data.starts_with(start)) return {};
  const auto version = static_cast<std::uint32_t>(std::strtoul(data.c_str() + start.size(), nullptr, 10));
  std::vector<Value> values = answer.values;
  for (Value& v : values) v.timestamp = 0;
  return {.whole = values == values_of(serial, version), .version = version};
}

void KillClient::judge(std::uint32_t serial, const Found& found) {
  Record& record = records_[serial];
  const bool old_one = found.whole && found.version == record.version;
  const bool new_one = found.whole && record.uncertain && found.version == record.wanted;
  if (!found.whole) {
    ++word_.torn;
    std::printf("TORN %s\n", name_of(serial).c_str());
  } else if (!old_one && !new_one) {
    ++word_.lost;
    std::printf("LOST %s: version %u, acknowledged %u\n", name_of(serial).c_str(), found.version,
                record.version);
  }
  if (new_one) ++word_.kept;
  // From here on what is there is what must stay.
  record = {.version = found.version, .wanted = found.version, .uncertain = false};
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

}  // namespace idnode
