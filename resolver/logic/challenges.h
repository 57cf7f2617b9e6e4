// Pending challenges: what an answer (opcode 200) needs to find again (BEHAVIOUR.md §8.2, §8.3; design:
// "Pending challenges").
//
// 64 locked shards; bounded by octets in all and by entries and octets per source network (/24, /56); over
// its share a source loses its own oldest. UDP has a pool of its own. Taking one is atomic and single use.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/address.h"
#include "protocol/handle/envelope.h"
#include "protocol/limits.h"
#include "resolver/logic/sessions.h"
#include "resolver/logic/source.h"

namespace idnode {

struct PendingChallenge {
  std::uint32_t id =
      0;  // session id of the challenge: random, 31 bit, at least 0x01000000 unless it is a session's
  // Of an id that an SDK client chose: the same id is another one elsewhere. kInSession: of a session's id.
  std::uint64_t connection = 0;
  std::string nonce;   // 16 octets
  std::string digest;  // of the request's header and body
  std::uint8_t digest_algorithm = 3;
  handle::Version
      answer_version;  // lesser of the challenge's version and suggestion: chooses the proof's algorithm
  handle::Envelope envelope;  // of the stored request
  std::string message;        // the stored request: header, body, credential
  std::uint64_t created_steady_ms = 0;
  Address source;
  Transport transport = Transport::kTcp;
  bool trusted = false;                    // of the source: no share to keep to
  std::shared_ptr<const Session> session;  // in which the request came; null: none with a key
  MacCheck mac = MacCheck::kMissing;       // of that request
};

class Challenges {
 public:
  // Stands for the connection in what belongs to a session that may be used from any.
  static constexpr std::uint64_t kInSession = 0xffff'ffff;

  explicit Challenges(const Limits& limits);
  ~Challenges();
  Challenges(const Challenges&) = delete;
  Challenges& operator=(const Challenges&) = delete;

  // Chooses an id, keeps the entry, returns the id; 0 when it can not be kept (a request above 16 KiB on UDP,
  // every bound is reached by others, or the session's open challenge was made for a request with a good MAC
  // and this one has none): the caller answers RC 3.
  std::uint32_t put(PendingChallenge entry, Now now);
  // Removes and returns the entry; none when unknown, expired or used. Atomic: of two takers one gets it.
  // `connection`: as in the entry, 0 for ids that were chosen here; `source`: for an id that a client chose.
  std::optional<PendingChallenge> take(std::uint32_t id, Now now, std::uint64_t connection = 0,
                                       const Address& source = {});
  // The nonce of the open challenge of a session, when it was made for the very same message: what came twice
  // is challenged once (BEHAVIOUR.md §8.2 rule 5).
  std::optional<std::string> repeated(const PendingChallenge& entry, Now now) const;
  // Drops what has expired; called by a worker's timer.
  void sweep(Now now);

  struct Counters {
    std::uint64_t pending = 0, bytes = 0, put = 0, taken = 0, expired = 0, evicted = 0, refused = 0;
  };
  Counters counters() const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace idnode
