// A node without sockets for tests of administration: a store in memory, real routes, real keys and secrets,
// requests that went through the codec. What the exchange does around decide() is done here in a few lines.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/crypto/key.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/request.h"
#include "protocol/value.h"
#include "resolver/logic/context.h"
#include "resolver/logic/decide.h"
#include "storage/memory_store.h"
#include "tests/resolver/logic/slow_store.h"

namespace idnode::test {

// Somebody with a key or a secret.
struct Person {
  std::string identity{};
  std::uint32_t index = 301;
  std::string secret{};                     // HS_SECKEY
  std::optional<crypto::PrivateKey> key{};  // else HS_PUBKEY
  std::string type{};                       // of the answer; empty: what fits
  bool lies = false;                        // answers another challenge
  bool weak = false;                        // answers with MD5

  Person as(std::uint32_t other_index) const {
    Person p = *this;
    p.index = other_index;
    return p;
  }
  Person lying() const {
    Person p = *this;
    p.lies = true;
    return p;
  }
};

struct Ask {
  handle::OpCode op = handle::OpCode::kCreate;
  std::string name;
  std::vector<Value> values{};
  std::vector<std::uint32_t> indexes{};
  std::uint32_t flags = 0;
};

struct Told {
  handle::ResponseCode code = handle::ResponseCode::kNone;  // of the outcome; 402 for a challenge
  std::uint32_t flags = 0;
  std::string name;  // of the answer
  std::string text;
  std::optional<Mutation> mutation;  // reads taken in, as the driver does
  int rounds = 0;
  int proofs = 0;  // that were computed

  bool reads(std::string_view key) const;
};

inline constexpr std::uint64_t kNowMs = 1'700'000'000'000;
inline constexpr std::uint32_t kNow = 1'700'000'000;
inline constexpr std::uint32_t kThen = 1'600'000'000;

class World {
 public:
  World();

  Settings settings;
  SlowStore store{memory_};

  // Straight into the store, as a commit would.
  void home(std::string_view prefix_handle);
  void unhome(std::string_view prefix_handle);
  void put(std::string_view name, const std::vector<Value>& values);
  void erase(std::string_view name);
  // A record `identity` with its secret at 301; the secret is made of the name.
  Person person(std::string identity);

  // Decides, with a proof or without; nothing is written.
  Told decide(const Ask& ask, const Person* who = nullptr);
  // Decides and commits: the store and the routes have changed when it returns.
  Told change(const Ask& ask, const Person* who = nullptr);

  bool exists(std::string_view name) const;
  std::vector<Value> values(std::string_view name) const;
  std::string spelling(std::string_view name) const;
  std::uint64_t created(std::string_view name) const;

 private:
  void write(std::string key, std::string image);
  void reload();

  MemoryStore memory_;
  Routes routes_;
  std::uint64_t sequence_ = 0;
  std::uint64_t nonces_ = 0;
};

Value value(std::uint32_t index, std::string type, std::string data,
            std::uint8_t permissions = kDefaultPermissions, std::uint32_t timestamp = kThen);
Value admin(std::uint32_t index, std::string handle, std::uint32_t key_index,
            std::uint16_t permissions = handle::kAllPermissions);
Value group(std::uint32_t index, const std::vector<Reference>& members);

}  // namespace idnode::test
