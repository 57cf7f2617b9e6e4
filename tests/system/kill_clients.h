// Clients that write records through the protocol, know what was acknowledged to them, and can tell
// afterwards whether a node kept its word.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "resolver/net/client.h"

namespace idnode {

struct Word {
  std::uint64_t acked = 0;       // changes with an answer of 1
  std::uint64_t octets = 0;      // of their values
  std::uint64_t ambiguous = 0;   // answered with 1, but after the power was cut
  std::uint64_t uncertain = 0;   // no answer, a refusal, or ambiguous: done or not done, both are right
  std::uint64_t kept = 0;        // of those: found done
  std::uint64_t refused = 0;     // answers of 7
  std::uint64_t resumed = 0;     // changes acknowledged on a connection that was refused before
  std::uint64_t lost = 0;        // an acknowledged change is not there
  std::uint64_t torn = 0;        // a record that is neither the old nor the new one
  std::uint64_t unexpected = 0;  // an answer that is neither 1 nor the death of the node
  std::uint64_t creates = 0, adds = 0, modifies = 0, removes = 0, deletes = 0;

  Word& operator+=(const Word& other);
};

// What all clients of one life of a node share.
struct Life {
  std::atomic<std::uint64_t> acked{0};
  std::atomic<std::uint64_t> refused{0};
  // Set before the power is cut: an answer that was not there by then promises nothing.
  std::atomic<bool> cut{false};
  std::atomic<bool> over{false};  // the clients shall end
  bool refusals = false;          // whether a client goes on after an answer of 7
};

// One client with its own names: `<prefix>/K-<number>-<serial>`. A record has three values that all carry its
// version, so that any mixture shows, and at times a fourth that was added later. One thread at a time.
class KillClient {
 public:
  // `padding` octets, which do not compress, are added to each value.
  KillClient(std::string prefix, int number, ClientIdentity identity, std::size_t padding = 0);

  // Writes until the connection breaks or the life is over, at most so many changes.
  void write(const Endpoint& node, Life& life, std::uint64_t most = UINT64_MAX);
  // Resolves every record it touched since the last time (or, with `all`, every one ever) and compares.
  void verify(const Endpoint& node, bool all);
  // Resolves its records again and again until the life is over, and counts answers that are what must be
  // there, and others. Nothing may be uncertain.
  struct Reads {
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
  };
  Reads read(const Endpoint& node, const Life& life) const;

  const Word& word() const { return word_; }
  // Names of the records that must be there.
  std::vector<std::string> present() const;

 private:
  static constexpr std::uint32_t kGone = 0;
  struct State {
    std::uint32_t version = kGone;  // of the three values
    std::uint32_t extra = kGone;    // of the fourth
    bool operator==(const State&) const = default;
  };
  struct Record {
    State state;   // acknowledged
    State wanted;  // of the change under way
    bool uncertain = false;
  };
  enum class Kind { kCreate, kAdd, kModify, kRemove, kDelete };
  struct Found {
    bool whole = false;
    State state;
  };

  std::string name_of(std::uint32_t serial) const;
  std::string data_of(std::uint32_t serial, std::uint32_t version, std::uint32_t index) const;
  std::vector<Value> values_of(std::uint32_t serial, const State& state) const;
  Kind choose(std::uint32_t& serial);
  State after(Kind kind, const State& state);
  std::uint32_t ask(Client& client, Kind kind, std::uint32_t serial, const State& wanted);
  // False when the client must end.
  bool change(Client& client, Kind kind, std::uint32_t serial, Life& life);
  bool settle(Record& record, Kind kind, std::uint32_t serial, std::uint32_t code, Life& life);
  void count(Kind kind);
  Found found(std::uint32_t serial, const Result<Reply>& reply) const;
  void judge(std::uint32_t serial, const Found& found);

  std::string prefix_;
  int number_;
  ClientIdentity identity_;
  std::size_t padding_;
  std::mt19937 random_;
  std::map<std::uint32_t, Record> records_;
  std::uint32_t next_serial_ = 0;
  std::uint32_t next_version_ = 0;
  std::set<std::uint32_t> touched_;
  Word word_;
};

Word sum(const std::vector<KillClient>& clients);

// The number that an environment variable holds, or `usual`.
int count_from(const char* variable, int usual);

}  // namespace idnode
