#include "resolver/logic/exchange.h"

#include <optional>
#include <utility>
#include <variant>

#include "protocol/handle/admin.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/request.h"
#include "resolver/logic/authorize.h"
#include "resolver/logic/context.h"
#include "resolver/logic/decide.h"
#include "resolver/logic/listing.h"
#include "resolver/logic/respond.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr int kMostRounds = 20;
constexpr std::uint64_t kMostGatherMs = 2'000;
constexpr int kMostRetries = 5;
constexpr std::size_t kNonceSize = 16;
// Session ids of this node start here; below it are those that SDK clients choose (WIRE.md §25.1).
constexpr std::uint32_t kFirstOwnSession = 0x01000000;
constexpr std::uint32_t kNoSessionBit = 0x80000000;

template <class... F>
struct Overload : F... {
  using F::operator()...;
};

}  // namespace

struct Exchange::State {
  explicit State(const Services& s) : services(s), context(s) {}

  // What the exchange waits for.
  enum class Phase {
    kDone,
    kLoad,     // read pool: cold records
    kProof,    // crypto pool
    kSign,     // crypto pool
    kList,     // read pool: the next names
    kWritten,  // the driver writes a message of several
    kCommit,
    kForward,
  };

  const Services& services;
  Context context;
  Reply reply;
  Listing listing;
  Result<void> listed;

  // The message that came.
  handle::Envelope envelope;
  std::string_view message;
  std::string kept;                              // a copy, once keep() was called
  std::shared_ptr<const NodeIdentity> identity;  // the same
  handle::Request received;
  // The request that is executed: `received`, or the one whose challenge it answers.
  const handle::Request* request = nullptr;
  std::optional<PendingChallenge> pending;
  handle::Request stored;
  PresentedProof presented;

  Phase phase = Phase::kDone;
  int rounds = 0;
  int retries = 0;
  std::uint64_t gather_since = 0;
  bool holds = false;
  bool close = false;
  std::uint64_t generation = 0;

  Mutation mutation;
  Answer answer;  // of the mutation; its texts are in the two strings
  std::string answer_name, answer_values;
  Question question;
  std::string error;  // frame of an answer to octets that became no request
  ExchangeRecord record;

  void reset(const handle::Envelope& e, std::string_view m, const Source& source, Now now);
  void take_routes();
  Step begin();
  Step answer_challenge();
  Step execute(Addressee to);
  Step protocol_error(ResponseCode code, std::string_view text);

  Step run();
  Step gather();
  Step challenge();
  Step commit(Commit&& outcome);
  Step ask(Forward&& outcome);
  Step refuse(const Refuse& refusal);
  Step finish();
  Step drop();
  Step after_list();
  Step after_message();
  void name_the_record();
};

void Exchange::State::reset(const handle::Envelope& e, std::string_view m, const Source& source, Now now) {
  envelope = e;
  message = m;
  context.begin();
  context.source = source;
  context.now = now;
  listing.end();
  identity.reset();
  request = nullptr;
  pending.reset();
  phase = Phase::kDone;
  rounds = retries = 0;
  gather_since = now.steady_ms;
  holds = close = false;
  error.clear();
  record = {};
  record.suggested = e.suggested;
  take_routes();
}

void Exchange::State::take_routes() {
  // The number first: a table that is replaced in between is only taken once more.
  const std::uint64_t current = services.routes->generation();
  if (current == generation) return;
  generation = current;
  context.take_routes(services.routes->current());
}

Step Exchange::State::protocol_error(ResponseCode code, std::string_view text) {
  append_protocol_error(services, envelope, message, code, text, context.now, error);
  record.code = static_cast<std::uint32_t>(code);
  return Step::kDone;
}

// P1 (BEHAVIOUR.md §4.4, WIRE.md §29).
Step Exchange::State::begin() {
  if (envelope.encrypted) {
    const bool named = envelope.session_id != 0 && (envelope.session_id & kNoSessionBit) == 0;
    return named ? protocol_error(ResponseCode::kSessionTimeout, "there is no such session")
                 : protocol_error(ResponseCode::kSessionFailed, "an encrypted message without a session");
  }
  if (message.size() < handle::kHeaderSize) {
    close = true;
    return protocol_error(ResponseCode::kProtocolError, "the message is shorter than its header");
  }
  Reader start(message);
  const std::uint32_t opcode = start.u32();
  record.opcode = record.original_opcode = opcode;
  // A response: two nodes must not answer each other for ever.
  if (start.u32() != 0) return Step::kDone;

  const Limits& limits = context.settings().limits;
  const Result<handle::Request> decoded = handle::decode_request(
      envelope, message,
      {static_cast<std::uint32_t>(limits.name_bytes), static_cast<std::uint32_t>(limits.values)});
  if (!decoded) {
    const bool known = decoded.error() == Errc::kUnsupported && handle::find_operation(opcode) != nullptr;
    return known ? protocol_error(ResponseCode::kNotSupported, "this node does not offer the operation")
                 : protocol_error(ResponseCode::kProtocolError, "the message can not be read");
  }
  received = *decoded;
  request = &received;

  const std::uint32_t id = envelope.session_id;
  if (id != 0 && (id & kNoSessionBit) == 0) {
    const bool chosen_by_client = id < kFirstOwnSession && context.source.transport == Transport::kTcp &&
                                  context.settings().idis.connection_sessions;
    context.session.kind = chosen_by_client ? SessionState::Kind::kConnection : SessionState::Kind::kUnknown;
  }
  if (received.op() == handle::OpCode::kAnswerChallenge) return answer_challenge();
  return execute({envelope.request_id, context.session.kind == SessionState::Kind::kNone ? 0 : id});
}

// Opcode 200: the stored request runs again with the proof (BEHAVIOUR.md §8.3).
Step Exchange::State::answer_challenge() {
  const bool on_connection = context.session.kind == SessionState::Kind::kConnection;
  pending = services.challenges->take(envelope.session_id, context.now,
                                      on_connection ? context.source.connection : 0);
  reply.begin(received, {envelope.request_id, envelope.session_id}, *services.identity, context.now);
  if (!pending) return refuse({ResponseCode::kAuthenticationTimeout, "there is no such open challenge"});
  const Limits& limits = context.settings().limits;
  const Result<handle::Request> decoded = handle::decode_request(
      pending->envelope, pending->message,
      {static_cast<std::uint32_t>(limits.name_bytes), static_cast<std::uint32_t>(limits.values)});
  if (!decoded) return refuse({ResponseCode::kError, "the challenged request can not be read"});
  stored = *decoded;
  request = &stored;
  record.original_opcode = stored.header.opcode;

  const auto& body = std::get<handle::ChallengeAnswerBody>(received.body);
  presented = {pending->nonce, pending->digest, pending->answer_version, body.type, received.name,
               body.index,     body.proof};
  context.presented = &presented;
  if (!on_connection) context.session.kind = SessionState::Kind::kNone;
  return execute({envelope.request_id, on_connection ? envelope.session_id : 0});
}

Step Exchange::State::execute(Addressee to) {
  reply.begin(*request, to, *services.identity, context.now);
  return run();
}

Step Exchange::State::run() {
  if (++rounds > kMostRounds) return refuse({ResponseCode::kError, "the request needs too many look-ups"});
  context.next_round();
  return std::visit(
      Overload{
          [&](Answer&& each) {
            reply.answer(each);
            return finish();
          },
          [&](Refuse&& each) { return refuse(each); },
          [&](Challenge&&) { return challenge(); },
          [&](Forward&& each) { return ask(std::move(each)); },
          [&](Need&&) { return gather(); },
          [&](Commit&& each) { return commit(std::move(each)); },
          [&](Stream&& each) {
            listing.begin(*services.store, std::move(each));
            phase = Phase::kList;
            return Step::kReadPool;
          },
          [&](SetSession&&) { return refuse({ResponseCode::kNotSupported, "this node keeps no sessions"}); },
      },
      decide(*request, context));
}

Step Exchange::State::gather() {
  if (context.now.steady_ms - gather_since > kMostGatherMs)
    return refuse({ResponseCode::kTooBusy, "what the request needs could not be had in time"});
  if (context.wants_records()) {
    phase = Phase::kLoad;
    // A change, or the answer that runs one, will wait for its proof or commit: what comes later on the
    // connection must not overtake it while its records are fetched.
    holds = holds || pending.has_value() || request->op() != handle::OpCode::kResolve;
    return Step::kReadPool;
  }
  if (!context.wants_proof()) return refuse({ResponseCode::kError, "the request needs what can not be had"});
  phase = Phase::kProof;
  holds = true;
  return Step::kCryptoPool;
}

Step Exchange::State::challenge() {
  std::string nonce(kNonceSize, '\0');
  if (!context.random(nonce.data(), nonce.size())) return refuse({ResponseCode::kError, "no random octets"});
  PendingChallenge entry;
  if (context.session.kind == SessionState::Kind::kConnection) {
    entry.id = envelope.session_id;
    entry.connection = context.source.connection;
  }
  entry.nonce = nonce;
  entry.digest = reply.make_digest();
  entry.digest_algorithm = reply.digest_algorithm();
  entry.answer_version = handle::challenge_version(request->answer_version(), handle::kOurVersion);
  entry.envelope = request->envelope;
  entry.message = pending ? pending->message : std::string(message);
  entry.created_steady_ms = context.now.steady_ms;
  entry.source = context.source.peer.address;
  entry.transport = context.source.transport;
  entry.trusted = context.source.trusted;
  const std::uint32_t id = services.challenges->put(std::move(entry), context.now);
  if (id == 0) return refuse({ResponseCode::kTooBusy, "too many open challenges"});
  reply.challenge(nonce, id);
  return finish();
}

Step Exchange::State::commit(Commit&& outcome) {
  mutation = std::move(outcome.mutation);
  mutation.id.resize(kNonceSize);
  if (!context.random(mutation.id.data(), mutation.id.size()))
    return refuse({ResponseCode::kError, "no random octets"});
  mutation.source = to_text(context.source.peer.address);
  if (const Claimed claimed = claimed_identity(context); !claimed.identity.empty())
    mutation.actor = handle::to_text(Reference{std::string(claimed.identity), claimed.index});
  context.append_reads(mutation.reads);

  // What the answer points to does not outlive the wait.
  answer = outcome.answer;
  answer_name.assign(answer.name);
  answer_values.assign(answer.values.encoded);
  answer.name = answer_name;
  answer.values.encoded = answer_values;
  phase = Phase::kCommit;
  holds = true;
  return Step::kCommit;
}

Step Exchange::State::ask(Forward&& outcome) {
  question = make_question(*request, std::move(outcome.route));
  phase = Phase::kForward;
  return Step::kForward;
}

Step Exchange::State::refuse(const Refuse& refusal) {
  reply.refuse(refusal);
  return finish();
}

Step Exchange::State::finish() {
  listing.end();
  phase = reply.wants_signature() ? Phase::kSign : Phase::kDone;
  return phase == Phase::kSign ? Step::kCryptoPool : Step::kDone;
}

Step Exchange::State::drop() {
  phase = Phase::kDone;
  request = nullptr;
  return Step::kDone;
}

Step Exchange::State::after_list() {
  if (!listed) return refuse({ResponseCode::kError, "the names could not be read"});
  reply.names(listing.count(), listing.encoded(), listing.more());
  if (!reply.wants_signature()) return after_message();
  phase = Phase::kSign;
  return Step::kCryptoPool;
}

// A message is ready to be sent: the only one, or one of a list.
Step Exchange::State::after_message() {
  const bool more = listing.open() && listing.more() && reply.code() == ResponseCode::kSuccess;
  phase = more ? Phase::kWritten : Phase::kDone;
  if (!more) listing.end();
  return more ? Step::kMore : Step::kDone;
}

void Exchange::State::name_the_record() {
  if (request == nullptr) return;
  record.code = static_cast<std::uint32_t>(reply.code());
  // An answer without a challenge names an identity, not what it is about.
  const bool executed = request->op() != handle::OpCode::kAnswerChallenge;
  record.name = executed ? request->name : std::string_view();
  const Claimed claimed = claimed_identity(context);
  record.identity_handle = claimed.identity;
  record.identity_index = claimed.index;
}

Exchange::Exchange(const Services& services) : state_(std::make_unique<State>(services)) {}
Exchange::~Exchange() = default;

Step Exchange::start(const handle::Envelope& envelope, std::string_view message, const Source& source,
                     Now now) {
  state_->reset(envelope, message, source, now);
  return state_->begin();
}

void Exchange::keep() {
  State& s = *state_;
  s.identity = s.services.identity;
  s.kept.assign(s.message);
  s.message = s.kept;
  if (s.request == nullptr) return;
  // The same octets decode to the same request, now with views into the copy.
  const Limits& limits = s.context.settings().limits;
  if (const Result<handle::Request> again = handle::decode_request(
          s.envelope, s.message,
          {static_cast<std::uint32_t>(limits.name_bytes), static_cast<std::uint32_t>(limits.values)}))
    s.received = *again;
  if (!s.pending) return;
  if (const auto* body = std::get_if<handle::ChallengeAnswerBody>(&s.received.body)) {
    s.presented.type = body->type;
    s.presented.identity = s.received.name;
    s.presented.proof = body->proof;
  }
}

void Exchange::work() {
  State& s = *state_;
  switch (s.phase) {
    case State::Phase::kLoad: s.context.load_cold(); return;
    case State::Phase::kProof: s.context.check_proof(); return;
    case State::Phase::kSign: s.reply.sign(); return;
    case State::Phase::kList: s.listed = s.listing.read(); return;
    default: return;
  }
}

Step Exchange::resume(Now now) {
  State& s = *state_;
  s.context.now = now;
  switch (s.phase) {
    case State::Phase::kLoad: return s.context.wants_proof() ? s.gather() : s.run();
    case State::Phase::kProof: return s.run();
    case State::Phase::kSign: return s.after_message();
    case State::Phase::kList: return s.after_list();
    case State::Phase::kWritten: s.phase = State::Phase::kList; return Step::kReadPool;
    default: return Step::kDone;
  }
}

Mutation Exchange::take_mutation() { return std::move(state_->mutation); }

Step Exchange::committed(const CommitResult& result, Now now) {
  State& s = *state_;
  s.context.now = now;
  switch (result.status) {
    case CommitStatus::kCommitted: s.reply.answer(s.answer); return s.finish();
    case CommitStatus::kAgain:
      if (++s.retries > kMostRetries)
        return s.refuse({ResponseCode::kTooBusy, "the record changes too often"});
      s.context.forget_records();
      s.take_routes();
      s.rounds = 0;
      s.gather_since = now.steady_ms;
      return s.run();
    case CommitStatus::kBusy:
      if (s.context.source.transport == Transport::kUdp) return s.drop();
      return s.refuse({ResponseCode::kTooBusy, "too many changes wait to be written"});
    case CommitStatus::kCeiling: return s.refuse({ResponseCode::kNotSupported, "a quota is used up"});
    case CommitStatus::kNoSpace: return s.refuse({ResponseCode::kReadOnly, "the disk is full"});
    case CommitStatus::kReadOnly:
      return s.refuse({ResponseCode::kReadOnly, "the node takes no changes until it is restarted"});
    case CommitStatus::kUnknown: break;
  }
  return s.refuse({ResponseCode::kReadOnly, "the disk failed: the change may or may not be there"});
}

const Question& Exchange::question() const { return state_->question; }

Step Exchange::forwarded(const ForwardAnswer& answer, Now now) {
  State& s = *state_;
  s.context.now = now;
  s.reply.forwarded(answer);
  return s.finish();
}

std::string_view Exchange::frame() const {
  const State& s = *state_;
  if (!s.error.empty()) return s.error;
  return s.request == nullptr ? std::string_view() : s.reply.frame();
}

bool Exchange::close() const { return state_->close; }
bool Exchange::holds_connection() const { return state_->phase != State::Phase::kDone && state_->holds; }

const ExchangeRecord& Exchange::record() const {
  state_->name_the_record();
  return state_->record;
}

}  // namespace idnode
