#include "resolver/net/drive.h"

#include <optional>

#include "resolver/net/clock.h"

namespace idnode {

Drive::Drive(std::shared_ptr<const Services> services, const Outside& outside)
    : services_(std::move(services)), outside_(outside), exchange_(*services_) {}

bool Drive::start(const handle::Envelope& envelope, std::string_view message, const Source& source, Now now,
                  std::uint64_t started_us) {
  envelope_ = envelope;
  borrowed_ = message;
  source_ = source;
  started_us_ = started_us;
  refused_ = false;
  committed_ = false;
  set(exchange_.start(envelope, message, source, now));
  if (step_ == Step::kForward) from_cache();
  return done();
}

void Drive::run(std::function<void()> on_turn) {
  message_.assign(borrowed_);
  borrowed_ = {};
  exchange_.keep();
  on_turn_ = std::move(on_turn);
  advance();
}

void Drive::more() {
  set(exchange_.resume(clock_now()));
  advance();
}

ExchangeRecord Drive::record() const {
  ExchangeRecord record = exchange_.record();
  if (refused_) record.code = static_cast<std::uint32_t>(handle::ResponseCode::kTooBusy);
  return record;
}

void Drive::set(Step step) {
  step_ = step;
  holds_ = step != Step::kDone && (step == Step::kMore || exchange_.holds_connection());
}

bool Drive::from_cache() {
  if (outside_.upstream == nullptr || !exchange_.question().cacheable()) return false;
  ForwardAnswer answer;
  const Now now = clock_now();
  if (!outside_.upstream->cache().find(exchange_.question(), now, answer)) return false;
  set(exchange_.forwarded(answer, now));
  return true;
}

// Hands the exchange to whoever it needs. Returns with the drive at rest or on its way.
void Drive::advance() {
  while (step_ == Step::kForward && (from_cache() || outside_.upstream == nullptr)) {
    // Nobody to ask: the client may try elsewhere (RC 2).
    if (step_ == Step::kForward) set(exchange_.forwarded(ForwardAnswer{}, clock_now()));
  }
  switch (step_) {
    case Step::kDone:
    case Step::kMore: return;
    case Step::kCryptoPool: return submit_crypto();
    case Step::kReadPool: return submit_to(outside_.reads, Bite::kReadQueue);
    case Step::kCommit: return commit();
    case Step::kForward: return forward();
  }
}

void Drive::submit_to(Pool* pool, Bite bite) {
  submitted(pool->submit([self = shared_from_this(), mailbox = outside_.mailbox]() mutable {
    self->exchange_.work();
    mailbox->post([drive = std::move(self)] { drive->arrived(drive->exchange_.resume(clock_now())); });
  }),
            bite);
}

// Proofs within the shares of their source and of the identity that they are for.
void Drive::submit_crypto() {
  if (outside_.budget == nullptr || !exchange_.proves())
    return submit_to(outside_.crypto, Bite::kCryptoQueue);
  const ExchangeRecord record = exchange_.record();
  ProofBudget::Over over = ProofBudget::Over::kNobody;
  const std::optional<ProofBudget::Ticket> ticket =
      outside_.budget->admit(services_->settings->limits,
                             {.source = source_.peer.address,
                              .udp = source_.transport == Transport::kUdp,
                              .trusted = source_.trusted,
                              .identity = record.identity_handle,
                              .index = record.identity_index},
                             steady_us(), over);
  if (over != ProofBudget::Over::kNobody)
    outside_.probe->bite(over == ProofBudget::Over::kSource ? Bite::kProofCpuSource
                                                            : Bite::kProofCpuIdentity);
  if (!ticket) return refuse();
  auto task = [self = shared_from_this(), mailbox = outside_.mailbox, budget = outside_.budget,
               ticket = *ticket]() mutable {
    const std::uint64_t before = thread_cpu_us();
    self->exchange_.work();
    budget->charge(self->services_->settings->limits, ticket, thread_cpu_us() - before,
                   self->exchange_.proof_held(), steady_us());
    mailbox->post([drive = std::move(self)] { drive->arrived(drive->exchange_.resume(clock_now())); });
  };
  submitted(ticket->delay_us == 0
                ? outside_.crypto->submit(std::move(task))
                : outside_.crypto->submit_later(std::chrono::microseconds(ticket->delay_us), std::move(task)),
            Bite::kCryptoQueue);
}

void Drive::submitted(bool taken, Bite bite) {
  if (taken) return;
  outside_.probe->bite(bite);
  if (!committed_) return refuse();
  // What is durable is not answered "too busy": the signature is made here, late rather than wrong.
  exchange_.work();
  set(exchange_.resume(clock_now()));
  advance();
}

void Drive::commit() {
  outside_.committer->submit(
      exchange_.take_mutation(),
      [self = shared_from_this(), mailbox = outside_.mailbox](const CommitResult& result) mutable {
        mailbox->post([drive = std::move(self), result] {
          drive->committed_ = result.status == CommitStatus::kCommitted;
          drive->arrived(drive->exchange_.committed(result, clock_now()));
        });
      });
}

void Drive::forward() {
  const auto charged = source_.trusted ? std::nullopt : std::optional(source_unit(source_.peer.address));
  outside_.upstream->ask(
      exchange_.question(),
      [self = shared_from_this(), mailbox = outside_.mailbox](ForwardAnswer answer) mutable {
        mailbox->post([drive = std::move(self), a = std::move(answer)] {
          drive->arrived(drive->exchange_.forwarded(a, clock_now()));
        });
      },
      charged);
}

void Drive::arrived(Step step) {
  set(step);
  advance();
  if (!at_rest() || !on_turn_) return;
  const auto turn = on_turn_;  // the owner may let go of this drive, and so of its function, meanwhile
  turn();
}

void Drive::refuse() {
  refused_ = true;
  refusal_.clear();
  append_refusal(*services_, envelope_, message_, handle::ResponseCode::kTooBusy, {}, clock_now(), refusal_);
  set(Step::kDone);
}

}  // namespace idnode
