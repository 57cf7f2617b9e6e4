// Answers of one UDP socket that are sent again when their request is: those whose repeat could not be
// answered so a second time. A challenge is answered once, and a counter of a session counts once: the repeat
// of a client whose answer got lost would be told that there is no such challenge, or 505, though its change
// is made (BEHAVIOUR.md §8.3 rule 4; clients repeat the same octets after 0.5, 1 and 1.5 s, WIRE.md §5).
//
// That takes nothing from the counters (§8.11 rule 10): nothing is carried out again, the same octets go once
// more to the same peer, and only for ten seconds; a copy from elsewhere, later, or with anything changed in
// it gets 505, and so does every copy on a connection, where answers do not get lost.
//
// One worker's thread. Bounded by octets (the limit `udp_sent_answer_bytes`), of which a long request takes
// no more than a short one; the oldest goes first.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/address.h"
#include "protocol/handle/envelope.h"

namespace idnode {

class SentAnswers {
 public:
  SentAnswers() = default;
  SentAnswers(const SentAnswers&) = delete;
  SentAnswers& operator=(const SentAnswers&) = delete;

  static constexpr std::uint64_t kKeepMs = 10'000;

  struct Sent {
    Endpoint peer;
    std::uint32_t request_id = 0;
    std::uint32_t session_id = 0;
    std::string digest;  // SHA-256 of the message
    std::string frame;
    std::uint32_t opcode = 0;  // of the request and of the answer, both of which may be encrypted
    std::uint32_t code = 0;
    std::uint64_t at_ms = 0;
    std::size_t octets() const { return sizeof(Sent) + digest.size() + frame.size(); }
  };

  struct Answered {
    std::uint32_t opcode = 0;
    std::uint32_t code = 0;
    std::string_view frame;
  };
  // Keeps `answered` as what `message` of `peer` was answered, and at most `most_octets` in all. Returns how
  // many younger than kKeepMs had to go for it (itself, when it alone is too large).
  std::uint64_t put(const Endpoint& peer, const handle::Envelope& envelope, std::string_view message,
                    const Answered& answered, std::uint64_t most_octets, std::uint64_t now_ms);
  // The answer to the same octets from the same peer; null when there is none any more. Valid until put().
  const Sent* find(const Endpoint& peer, const handle::Envelope& envelope, std::string_view message,
                   std::uint64_t now_ms);
  bool empty() const { return answers_.empty(); }

 private:
  void drop_oldest();
  void drop_expired(std::uint64_t now_ms);

  std::deque<Sent> answers_;  // oldest first
  std::unordered_multimap<std::uint32_t, const Sent*> by_id_;
  std::size_t octets_ = 0;
};

}  // namespace idnode
