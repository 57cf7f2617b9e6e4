// Drives one Exchange through what it needs from outside: pools, committer, upstream. The one way for UDP
// and TCP (protocol of the steps: resolver/logic/exchange.h).
//
// A drive belongs to one worker and is touched by its thread alone, except that a pool runs the exchange's
// work() while the worker keeps its hands off. Whoever finishes something outside holds the drive by a shared
// pointer and posts it back, so its owner may go away in between (abandon()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "resolver/logic/exchange.h"
#include "resolver/net/answer_cache.h"
#include "resolver/net/pools.h"
#include "resolver/net/probe.h"
#include "resolver/net/proof_budget.h"
#include "resolver/net/upstream.h"
#include "resolver/net/worker.h"
#include "storage/commit/committer.h"

namespace idnode {

// What exchanges of one worker need from outside. All outlive the worker's mailbox being closed.
struct Outside {
  std::shared_ptr<Mailbox> mailbox;
  Pool* crypto = nullptr;
  ProofBudget* budget = nullptr;  // null: proofs are computed as they come
  Pool* reads = nullptr;
  Committer* committer = nullptr;
  Upstream* upstream = nullptr;  // null: what would be forwarded fails (RC 2)
  Probe* probe = nullptr;
};

class Drive : public std::enable_shared_from_this<Drive> {
 public:
  Drive(std::shared_ptr<const Services> services, const Outside& outside);

  // True: the answer is there, frame() is valid until the next start(). False: call run() or give the drive
  // up. The views must live until then. What stood here before is forgotten.
  bool start(const handle::Envelope& envelope, std::string_view message, const Source& source, Now now,
             std::uint64_t started_us);
  // Goes on with what start() left. `on_turn` is called on the worker, never from within run() or more(),
  // when at_rest() has become true.
  void run(std::function<void()> on_turn);
  // Nothing is under way outside: the exchange is done, or has a frame of several (streaming()).
  bool at_rest() const { return step_ == Step::kDone || step_ == Step::kMore; }
  bool done() const { return step_ == Step::kDone; }
  bool streaming() const { return step_ == Step::kMore; }
  // After the frame of a stream has been taken: makes the next one.
  void more();
  // Nobody waits any more: on_turn will not be called.
  void abandon() { on_turn_ = nullptr; }

  std::string_view frame() const { return refused_ ? std::string_view(refusal_) : exchange_.frame(); }
  bool close() const { return !refused_ && exchange_.close(); }
  // Later requests of the same connection have to wait.
  bool holds() const { return !done() && holds_; }
  ExchangeRecord record() const;
  // RC 3 because a queue was full (decided here or by the committer): UDP sends nothing then.
  bool too_busy() const {
    return record().code == static_cast<std::uint32_t>(handle::ResponseCode::kTooBusy);
  }

  const handle::Envelope& envelope() const { return envelope_; }
  std::string_view message() const { return message_; }  // kept copy; empty before run()
  const Source& source() const { return source_; }
  std::uint64_t started_us() const { return started_us_; }
  const std::shared_ptr<const Services>& services() const { return services_; }

 private:
  void advance();
  bool from_cache();
  void submit_to(Pool* pool, Bite bite);
  void submit_crypto();
  void submitted(bool taken, Bite bite);
  void commit();
  void forward();
  void arrived(Step step);
  void refuse();
  void set(Step step);

  const std::shared_ptr<const Services> services_;
  const Outside& outside_;
  Exchange exchange_;
  Step step_ = Step::kDone;
  bool holds_ = false;
  bool refused_ = false;
  bool committed_ = false;  // a change of this exchange is durable
  std::function<void()> on_turn_;
  handle::Envelope envelope_;
  std::string message_;
  std::string_view borrowed_;  // the message between start() and run()
  Source source_;
  std::uint64_t started_us_ = 0;
  std::string refusal_;
};

}  // namespace idnode
