// One message from its octets to its answer: the one path that UDP, TCP, HTTP tunnel and the tests call.
//
// An exchange decides (logic/decide) and says what it needs from outside; whoever drives it (a worker, a
// scenario test) gets that and calls on. It never blocks, except in work(), which the driver calls on the
// pool that was asked for.
//
//   step = exchange.start(...);
//   if (step != Step::kDone) exchange.keep();
//   while (step != Step::kDone) do what it names and take the next step:
//
// - kCryptoPool, kReadPool: exchange.work() on that pool, then on the worker exchange.resume(now).
// - kCommit: committer.submit(exchange.take_mutation(), done), then exchange.committed(result, now).
// - kForward: upstream.ask(exchange.question(), done), then exchange.forwarded(answer, now).
// - kMore (lists, TCP only): write exchange.frame(), then exchange.resume(now).
//
// At the end write exchange.frame() unless it is empty; close the connection if exchange.close().
//
// Used by one thread at a time. Reusable: start() forgets what was before and keeps buffers, so an answer
// that needs nothing from outside allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/handle/envelope.h"
#include "resolver/logic/question.h"
#include "resolver/logic/services.h"
#include "resolver/logic/source.h"
#include "storage/commit/committer.h"
#include "storage/commit/mutation.h"

namespace idnode {

enum class Step { kDone, kCryptoPool, kReadPool, kCommit, kForward, kMore };

// What the access log and the counters need (BEHAVIOUR.md §14.3). Views live until the next start().
struct ExchangeRecord {
  std::uint32_t opcode = 0;           // of the message that was answered (200 for a challenge answer)
  std::uint32_t original_opcode = 0;  // of the request that was executed
  std::uint32_t code = 0;             // response code; 0: nothing was sent
  bool once = false;                  // the same octets would be refused: a challenge or counter is used up
  handle::Version suggested;          // the client's
  std::string_view name;              // handle of the executed request, "" when unknown
  std::string_view identity_handle;   // tentative identity; empty without
  std::uint32_t identity_index = 0;
};

class Exchange {
 public:
  explicit Exchange(const Services& services);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // `message` is what follows the envelope (reassembled on UDP), envelope.length octets of it. Both must live
  // until the step is kDone or keep() was called.
  Step start(const handle::Envelope& envelope, std::string_view message, const Source& source, Now now);
  // Copies what start() was given, so that the exchange may outlive the receive buffer. Call once when
  // start() returned anything but kDone.
  void keep();

  // On the pool that the step named. Blocking disk reads or CPU work; touches nothing but this exchange and
  // const services.
  void work();
  Step resume(Now now);

  Mutation take_mutation();
  Step committed(const CommitResult& result, Now now);

  // Valid from kForward until forwarded().
  const Question& question() const;
  Step forwarded(const ForwardAnswer& answer, Now now);

  // A whole TCP frame (envelope included; UDP cuts it); empty: no answer. Valid until the next call.
  std::string_view frame() const;
  // The connection must be closed after the frame (or at once when there is none).
  bool close() const;
  // Whether, while the exchange is not done, later requests of the same connection have to wait: it waits in
  // the committer, or its proof is on the crypto pool (design: reads after a write on one connection see it).
  bool holds_connection() const;
  // Whether the crypto pool is wanted for what a stranger can ask for: a proof, a MAC, the key of a session;
  // and, after work(), whether that held. Seals of answers are not meant.
  bool proves() const;
  bool proof_held() const;
  const ExchangeRecord& record() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The answer to octets that could not become a request (WIRE.md §13, last paragraph, and §29): appends one
// frame. `message` may be short or empty.
void append_protocol_error(const Services& services, const handle::Envelope& envelope,
                           std::string_view message, handle::ResponseCode code, std::string_view text,
                           Now now, std::string& out);

// A ready refusal to a request that the transport does not want to run (RC 3 too busy, RC 2 over the UDP
// answer limits): as above, but with the request's opcode.
void append_refusal(const Services& services, const handle::Envelope& envelope, std::string_view message,
                    handle::ResponseCode code, std::string_view text, Now now, std::string& out);

}  // namespace idnode
