// Eight clients change and read sixteen identifiers of a real node that is killed or paused in the middle of
// every round; what they saw must be explained by some order of single steps. Then 64 clients create one
// identifier at once, again and again: exactly one may succeed.
//
// IDNODE_LINEAR_ROUNDS (10) and IDNODE_RACES (200) set how often.
#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <thread>

#include "tests/system/asking.h"
#include "tests/system/linear/history.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;
using linear::History;
using linear::Kind;
using linear::Operation;
using linear::Outcome;
using std::chrono::milliseconds;

constexpr int kClients = 8;
constexpr int kNames = 16;
constexpr int kOperations = 300;  // of each client in a round
constexpr milliseconds kReturnWait{30'000};

int wish(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::atoi(text) : otherwise;
}

linear::Time now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string name_of(int round, int number) {
  return "88.118/LINEAR-" + std::to_string(round) + "-" + std::to_string(number);
}

std::vector<Value> values_of(std::uint32_t value) {
  return {text_value(1, "TEXT", std::to_string(value)), text_value(2, "TEXT", std::to_string(value))};
}

struct Seen {
  std::array<History, kNames> of;
  std::uint64_t operations = 0;
  std::uint64_t unknown = 0;
  std::uint64_t unexpected = 0;
};

// Asks one question and writes down what was seen. False when the connection is of no use any more.
bool one_step(Client& client, const ClientIdentity& who, const std::string& name, Operation op, Seen& seen,
              History& history) {
  op.asked = now();
  Code code = 0;
  switch (op.kind) {
    case Kind::kCreate: code = ask_values(client, who, OpCode::kCreate, name, values_of(op.value)); break;
    case Kind::kModify:
      code = ask_values(client, who, OpCode::kModifyValues, name, values_of(op.value));
      break;
    case Kind::kDelete: code = ask_name(client, who, OpCode::kDelete, name); break;
    case Kind::kRead: {
      const Answer answer = resolve(client, name);
      code = answer.code;
      if (code == 1 && (answer.values.size() != 2 || answer.values[0].data != answer.values[1].data)) {
        ++seen.unexpected;
        std::printf("UNEXPECTED %s: a record of two halves\n", name.c_str());
      }
      op.value = code == 1 ? static_cast<std::uint32_t>(std::stoul(answer.values.at(0).data)) : 0;
      break;
    }
  }
  ++seen.operations;
  const bool answered = code < kNoAnswer;
  const Code refusal = op.kind == Kind::kCreate ? 101 : 100;
  if (code == 1 || code == refusal) {
    op.answered = now();
    op.outcome = code == 1 ? Outcome::kDone : Outcome::kRefused;
  } else {
    ++seen.unknown;
    op.outcome = Outcome::kUnknown;
    if (answered) {
      ++seen.unexpected;
      std::printf("UNEXPECTED %s: code %u\n", name.c_str(), code);
    }
    if (op.kind == Kind::kRead) return false;  // says nothing
  }
  history.push_back(op);
  return answered;
}

std::optional<Client> connect_again(const NodeProcess& node) {
  const auto end = std::chrono::steady_clock::now() + kReturnWait;
  while (std::chrono::steady_clock::now() < end) {
    auto client = Client::open(node.endpoint());
    if (client) return std::move(*client);
    pause(milliseconds(5));
  }
  return std::nullopt;
}

void act(const NodeProcess& node, int round, int number, std::atomic<int>& done, Seen& seen) {
  std::mt19937 random(static_cast<std::uint32_t>(round * kClients + number));
  std::optional<Client> client;
  for (int i = 0; i < kOperations; ++i) {
    if (!client) client = connect_again(node);
    if (!client) return;
    const std::uint32_t die = random() % 100;
    const Operation op{.kind = die < 50   ? Kind::kRead
                               : die < 70 ? Kind::kModify
                               : die < 85 ? Kind::kCreate
                                          : Kind::kDelete,
                       .value = static_cast<std::uint32_t>(i * kClients + number + 1)};
    const auto which = static_cast<std::size_t>(random() % kNames);
    if (!one_step(*client, node.administrator(), name_of(round, static_cast<int>(which)), op, seen,
                  seen.of[which]))
      client.reset();
    done.fetch_add(1, std::memory_order_relaxed);
  }
}

// Killed and started again, or paused for a second.
void trouble(NodeProcess& node, int round) {
  if (round % 2 == 0) {
    node.kill();
    node.start();
    return;
  }
  node.freeze();
  pause(milliseconds(1'000));
  node.thaw();
}

Seen one_round(NodeProcess& node, int round) {
  std::array<Seen, kClients> each;
  std::atomic<int> done{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kClients; ++i)
      threads.emplace_back([&, i] { act(node, round, i, done, each[static_cast<std::size_t>(i)]); });
    wait_until([&] { return done.load() >= kClients * kOperations / 2; }, milliseconds(120'000),
               "half of a round");
    trouble(node, round);
  }
  Seen all;
  auto client = connect_again(node);
  if (!client) fail("the node does not come back");
  for (Seen& s : each) {
    all.operations += s.operations;
    all.unknown += s.unknown;
    all.unexpected += s.unexpected;
    for (std::size_t k = 0; k < kNames; ++k)
      all.of[k].insert(all.of[k].end(), s.of[k].begin(), s.of[k].end());
  }
  for (std::size_t k = 0; k < kNames; ++k)
    one_step(*client, node.administrator(), name_of(round, static_cast<int>(k)), {.kind = Kind::kRead}, all,
             all.of[k]);
  return all;
}

// An answer that a node must not give, written into a history that a node did give.
bool control(const History& history) {
  History spoiled = history;
  linear::Time last = 0;
  std::uint32_t present = 0;
  for (const Operation& op : spoiled) {
    last = std::max(last, op.asked);
    if (op.answered != linear::kOpen) last = std::max(last, op.answered);
    if (op.kind == Kind::kRead && op.outcome == Outcome::kDone) present = op.value;
  }
  spoiled.push_back({.kind = Kind::kDelete, .asked = last + 1, .answered = last + 2});
  spoiled.push_back({.kind = Kind::kRead, .value = present + 1, .asked = last + 3, .answered = last + 4});
  return !linear::linearizable(spoiled);
}

bool run_rounds(NodeProcess& node, int rounds) {
  std::uint64_t operations = 0;
  std::uint64_t unknown = 0;
  std::uint64_t unexpected = 0;
  int histories = 0;
  int bad = 0;
  int controls = 0;
  const linear::Time begun = now();
  for (int round = 0; round < rounds; ++round) {
    const Seen seen = one_round(node, round);
    operations += seen.operations;
    unknown += seen.unknown;
    unexpected += seen.unexpected;
    for (const History& history : seen.of) {
      ++histories;
      controls += control(history) ? 1 : 0;
      if (linear::linearizable(history)) continue;
      ++bad;
      std::printf("NOT LINEARIZABLE, round %d:\n%s", round, linear::describe(history).c_str());
    }
  }
  const double seconds = static_cast<double>(now() - begun) / 1e9;
  std::printf(
      "linear: clients=%d names=%d rounds=%d operations=%llu unknown=%llu histories=%d bad=%d "
      "planted_seen=%d "
      "per_second=%.0f\n",
      kClients, kNames, rounds, static_cast<unsigned long long>(operations),
      static_cast<unsigned long long>(unknown), histories, bad, controls,
      static_cast<double>(operations) / seconds);
  const auto load = static_cast<std::uint64_t>(rounds) * kClients * kOperations;
  return rounds > 0 && operations >= load && unknown * 100 < operations && unexpected == 0 && bad == 0 &&
         controls == histories;
}

constexpr int kRacers = 64;
constexpr int kRaceThreads = 8;

// The proof that answers a challenge, as a frame.
std::string answer_frame(const Reply& challenge, const ClientIdentity& who) {
  const AnswerMade answer(challenge, who);
  handle::Request request = answer.request;
  request.envelope.request_id = 1;
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

struct Racer {
  Client client;
  std::string frame;
  Code code = 0;
};

// All are challenged first, then all prove at once.
void race(std::vector<Racer>& racers, const ClientIdentity& who, const std::string& name) {
  std::barrier line(kRaceThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kRaceThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = t; i < kRacers; i += kRaceThreads) {
        Racer& racer = racers[static_cast<std::size_t>(i)];
        const EncodedValues values(values_of(static_cast<std::uint32_t>(i) + 1));
        const auto challenge = racer.client.ask(make_request(OpCode::kCreate, name, values.body()));
        racer.frame = code_of(challenge) == 402 ? answer_frame(*challenge, who) : "";
      }
      line.arrive_and_wait();
      for (int i = t; i < kRacers; i += kRaceThreads) {
        Racer& racer = racers[static_cast<std::size_t>(i)];
        racer.code = kNoAnswer;
        if (!racer.frame.empty() && !racer.client.send_octets(racer.frame)) racer.frame.clear();
      }
      for (int i = t; i < kRacers; i += kRaceThreads) {
        Racer& racer = racers[static_cast<std::size_t>(i)];
        if (!racer.frame.empty()) racer.code = code_of(racer.client.receive_any());
      }
    });
}

bool run_races(NodeProcess& node, int races) {
  std::vector<Racer> racers;
  for (int i = 0; i < kRacers; ++i) racers.push_back({.client = node.connect(), .frame = {}, .code = 0});
  int wrong = 0;
  for (int r = 0; r < races; ++r) {
    const std::string name = "88.118/RACE-" + std::to_string(r);
    race(racers, node.administrator(), name);
    int made = 0;
    int refused = 0;
    int winner = -1;
    for (int i = 0; i < kRacers; ++i) {
      const Code code = racers[static_cast<std::size_t>(i)].code;
      made += code == 1;
      refused += code == 101;
      if (code == 1) winner = i;
    }
    const Answer there = resolve(racers[0].client, name);
    const bool right = made == 1 && refused == kRacers - 1 && there.code == 1 &&
                       there.values.at(0).data == std::to_string(winner + 1);
    if (right) continue;
    ++wrong;
    std::printf("RACE %d: %d created, %d refused\n", r, made, refused);
  }
  std::printf("races: races=%d clients=%d wrong=%d\n", races, kRacers, wrong);
  return races > 0 && wrong == 0;
}

int run() {
  NodeProcess node({"88.118"}, {{"limits", {{"trusted", "[\"127.0.0.0/8\"]"}}}});
  node.start();
  const bool races = run_races(node, wish("IDNODE_RACES", 200));
  const bool rounds = run_rounds(node, wish("IDNODE_LINEAR_ROUNDS", 10));
  const int code = node.stop();
  if (code != 0) std::printf("exit code %d: %s\n", code, node.said().c_str());
  return races && rounds && code == 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return idnode::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "linear_node_test: %s\n", e.what());
    return 1;
  }
}
