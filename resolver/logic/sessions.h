// Sessions that clients have set up: keys, counters, who they are (BEHAVIOUR.md §8.11, WIRE.md §17).
//
// 64 locked shards; bounded in all and per source network (/24, /56). Ids are random, 31 bit and at least
// 0x01000000, the range that SDK clients do not choose from (WIRE.md §25.1); an id that such a client chose
// belongs to its connection. What is asked about session 0 never comes here.
//
// When a bound is reached a source loses its own: the one that was quiet longest among those that have proven
// nothing, and only then one that has. A source that holds none takes the place of somebody else's that has
// proven nothing and was quiet for a minute; else it is refused. Trusted sources have no share: only their
// time takes what is theirs. The source of a datagram may be forged: sessions set up by datagrams take a
// quarter of the table at most, and only the places of each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "protocol/address.h"
#include "protocol/crypto/exchange.h"
#include "protocol/handle/request.h"
#include "protocol/limits.h"
#include "protocol/value.h"
#include "resolver/logic/source.h"

namespace idnode {

// What never changes in the life of a session, and the counter of what the node has sent in it.
struct Session {
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  std::uint32_t id = 0;
  std::uint64_t connection = 0;  // of an id that the client chose; 0 for an id that was chosen here
  crypto::SessionAlgorithm algorithm = crypto::SessionAlgorithm::kAes;
  std::string key;           // K: keys the MAC, its first 16 octets the cipher
  Reference identity;        // as the set-up claims it, not proven; an empty handle: anonymous
  bool encrypt_all = false;  // messages that come in the clear are refused
  std::uint64_t idle_ms = 0;
  Address source;         // who set it up
  bool trusted = false;   // no share to keep to
  bool datagram = false;  // set up over UDP

  // The counter of the next MAC that the node makes; any thread.
  std::uint32_t next_counter() const { return sent_.fetch_add(1, std::memory_order_relaxed) + 1; }

 private:
  mutable std::atomic<std::uint32_t> sent_ = 0;
};

// How the MAC of a request stands.
enum class MacCheck : std::uint8_t {
  kGood,          // right, and its counter was new: both are taken note of
  kMissing,       // no credential
  kWrong,         // or made as versions below 2.7 do, which do not cover the session
  kUnacceptable,  // another kind of credential, or an algorithm that is not known
  kRepeated,      // right, but its counter was met before, is older than those remembered, or 0
  kGone,          // the session has ended meanwhile
};

class Sessions {
 public:
  // Counters of requests that a session remembers (BEHAVIOUR.md §8.11 rule 10).
  static constexpr std::size_t kWindow = 200;

  explicit Sessions(const Limits& limits);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // Takes the session in and, unless it has an id, chooses one; one with the same id and connection is
  // replaced. Null: every place is taken by others (RC 3), or there are no random octets.
  std::shared_ptr<const Session> open(std::unique_ptr<Session> session, Now now);

  struct Live {
    std::shared_ptr<const Session> session;
    bool authenticated = false;
    std::uint32_t index = 0;  // of the identity, once it is known by proof
  };
  // Counts as use. None: unknown or expired. The second form is for an id that a client chose, which is
  // looked for among those of its connection.
  std::optional<Live> find(std::uint32_t id, Now now);
  std::optional<Live> find(std::uint32_t id, std::uint64_t connection, const Address& source, Now now);

  // Takes note of the counter of a request whose MAC is right: kGood, kRepeated or kGone.
  MacCheck accept(const Session& session, std::uint32_t counter);
  // The session's identity has been proven; `index`: of the key that proved it.
  void authenticate(const Session& session, std::uint32_t index);
  void end(const Session& session);
  // Drops what has expired; called by a worker's timer. Each call looks at one shard.
  void sweep(Now now);

  struct Counters {
    std::uint64_t live = 0, opened = 0, ended = 0, expired = 0, evicted = 0, refused = 0;
  };
  Counters counters() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// Crypto pool, for a request that carries a credential. Verifies its MAC and, when it is right, spends its
// counter: to be called once a message.
MacCheck check_mac(Sessions& sessions, const Session& session, const handle::Request& request);

}  // namespace idnode
