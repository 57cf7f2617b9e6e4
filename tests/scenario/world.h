// The node under a scenario: everything real but network and clock.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/crypto/key.h"
#include "protocol/handle/response.h"
#include "resolver/logic/exchange.h"
#include "storage/commit/committer.h"
#include "storage/memory_store.h"
#include "tests/resolver/logic/slow_store.h"
#include "tests/scenario/script.h"

namespace idnode::scenario {

// A private key of one of the kinds, or a secret.
struct Key {
  std::optional<crypto::PrivateKey> key;
  std::string secret;
  std::string stored() const;  // what an HS_PUBKEY or HS_SECKEY value holds
};

// What the network would have carried back for one message.
struct Received {
  std::vector<std::string> frames;          // whole TCP frames
  std::vector<handle::Response> responses;  // decoded, views into `frames`
  bool closed = false;
};

class World {
 public:
  // `resident`: with the memory tier in front of the store.
  World(std::string folder, bool resident);
  ~World();

  void set(const std::string& name, const std::string& value);
  void start();  // after the settings
  bool started() const { return committer_ != nullptr; }

  void home(const std::string& name);
  void record(const std::string& name, const std::vector<Value>& values);
  void pass(std::uint64_t seconds) { now_.ms += seconds * 1000, now_.steady_ms += seconds * 1000; }
  Now now() const { return now_; }

  // What the committer says from now on: "committed" (what it really does), or a failure of its queue or
  // disk.
  void play_commits(const std::string& word);
  // `broken NAME...`: reads of these records fail from now on; `home:NAME` of entries of the table of homed
  // prefixes; `walks`: lists.
  void break_reads(const std::vector<std::string>& words);

  // Drives one message to its end. What the listener and the settings say about a source is filled in.
  // `session_key`: of the session that encrypted answers belong to.
  Received drive(const std::string& frame, Source source, const std::string& session_key = {});
  std::uint64_t committed() const { return store_->applied(); }  // grows with every change of the store

  struct Canned {
    bool silent = false;
    ForwardAnswer answer;
  };
  std::map<std::string, Canned> upstream;  // by folded name
  std::optional<Question> last_question;
  const NodeIdentity& identity() const { return *services_.identity; }
  const Settings& settings() const { return *settings_; }

 private:
  void commit_now(Mutation mutation);
  CommitResult submit_and_wait(Mutation mutation);
  ForwardAnswer ask(const Question& question);

  std::string folder_;
  const bool with_resident_;
  std::shared_ptr<Settings> settings_ = std::make_shared<Settings>();
  Now now_{1'700'000'000'000, 1'000'000};
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<test::SlowStore> store_;  // over it
  std::optional<CommitStatus> played_;
  bool primary_ = true;
  bool has_key_ = true;
  bool takes_queries_ = true;
  bool takes_administration_ = true;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Resident> resident_;
  std::unique_ptr<Committer> committer_;
  Routes routes_;
  std::unique_ptr<Challenges> challenges_;
  std::unique_ptr<Sessions> sessions_;
  Services services_;
};

}  // namespace idnode::scenario
