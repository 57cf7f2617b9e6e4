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
  std::uint64_t uncertain = 0;   // the node died under them: done or not done, both are right
  std::uint64_t kept = 0;        // of those: found done
  std::uint64_t lost = 0;        // an acknowledged change is not there
  std::uint64_t torn = 0;        // a record that is neither the old nor the new one
  std::uint64_t unexpected = 0;  // an answer that is neither 1 nor the death of the node
  std::uint64_t creates = 0, modifies = 0, deletes = 0;
};

// One client with its own names: `<prefix>/K-<number>-<serial>`. A record has three values that all carry its
// version, so that any mixture shows. One thread at a time.
class KillClient {
 public:
  KillClient(std::string prefix, int number, ClientIdentity identity);

  // Writes until the connection breaks, at most so many changes. `acked` counts across all clients.
  void write(const Endpoint& node, std::atomic<std::uint64_t>& acked, std::uint64_t most = UINT64_MAX);
  // Resolves every record it touched since the last time (or, with `all`, every one ever) and compares.
  void verify(const Endpoint& node, bool all);

  const Word& word() const { return word_; }
  // Names of the records that must be there.
  std::vector<std::string> present() const;

 private:
  static constexpr std::uint32_t kGone = 0;
  struct Record {
    std::uint32_t version = kGone;  // acknowledged
    std::uint32_t wanted = kGone;   // of the change under way
    bool uncertain = false;
  };
  enum class Kind { kCreate, kModify, kDelete };
  struct Found {
    bool whole = false;
    std::uint32_t version = kGone;
  };

  std::string name_of(std::uint32_t serial) const;
  std::vector<Value> values_of(std::uint32_t serial, std::uint32_t version) const;
  Kind choose(std::uint32_t& serial);
  // False when the node is gone.
  bool change(Client& client, Kind kind, std::uint32_t serial);
  Found found(std::uint32_t serial, const Result<Reply>& reply) const;
  void judge(std::uint32_t serial, const Found& found);

  std::string prefix_;
  int number_;
  ClientIdentity identity_;
  std::mt19937 random_;
  std::map<std::uint32_t, Record> records_;
  std::uint32_t next_serial_ = 0;
  std::uint32_t next_version_ = 0;
  std::set<std::uint32_t> touched_;
  Word word_;
};

}  // namespace idnode
