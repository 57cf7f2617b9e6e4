#include "resolver/logic/exchange.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "protocol/handle/admin.h"
#include "protocol/handle/message_cipher.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/request.h"
#include "resolver/logic/authorize.h"
#include "resolver/logic/context.h"
#include "resolver/logic/decide.h"
#include "resolver/logic/listing.h"
#include "resolver/logic/respond.h"
#include "resolver/logic/session_key.h"
#include "resolver/logic/settle.h"
#include "resolver/logic/source_shards.h"

namespace idnode {
namespace {

using handle::ResponseCode;

constexpr int kMostRounds = 20;
constexpr std::uint64_t kMostGatherMs = 2'000;
constexpr int kMostRetries = 5;
constexpr std::size_t kNonceSize = 16;
constexpr std::uint32_t kNoSessionBit = 0x80000000;

bool names_session(const handle::Envelope& envelope) {
  return envelope.session_id != 0 && (envelope.session_id & kNoSessionBit) == 0;
}

// Whether the MAC of a request in a session is looked at before anything is decided: so the counter of
// whatever could be repeated to some effect is spent, whatever the request is answered. Public resolution and
// what stands outside of the session do without (WIRE.md §17.6).
bool spends_counter(const handle::Request& request) {
  switch (request.op()) {
    case handle::OpCode::kResolve: return !request.has(handle::flag::kPublicOnly);
    case handle::OpCode::kSiteInfo:
    case handle::OpCode::kVerifyAnswer:
    case handle::OpCode::kSessionSetup:
    case handle::OpCode::kSessionKeyExchange: return false;
    default: return request.credential.present;
  }
}

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
    kOpen,     // crypto pool: the MAC of a message that came encrypted
    kProof,    // crypto pool: a proof, a MAC
    kKey,      // crypto pool: the key of a new session
    kSeal,     // crypto pool
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
  std::string decrypted;                         // what `message` is then
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
  SetSession offer;
  Result<MadeKey> made_key;
  std::string error;  // frame of an answer to octets that became no request
  ExchangeRecord record;

  void reset(const handle::Envelope& e, std::string_view m, const Source& source, Now now);
  void take_routes();
  Step begin();
  void look_up_session();
  std::optional<Step> decrypt();
  Step undecipherable();
  Step opened();
  Step dispatch();
  Step answer_challenge();
  Step execute(Addressee to);
  Step protocol_error(ResponseCode code, std::string_view text);

  Step run();
  Step gather();
  Step challenge();
  void note_proof();
  Step open_session();
  Step end_session();
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
  if (names_session(envelope)) look_up_session();
  const bool in_the_clear = !envelope.encrypted;
  if (!in_the_clear) {
    if (const std::optional<Step> end = decrypt()) return *end;
  }
  if (message.size() < handle::kHeaderSize) {
    if (!in_the_clear) return undecipherable();
    close = true;
    return protocol_error(ResponseCode::kProtocolError, "the message is shorter than its header");
  }
  Reader start(message);
  const std::uint32_t opcode = start.u32();
  record.opcode = record.original_opcode = opcode;
  // A response: two nodes must not answer each other for ever.
  if (start.u32() != 0) return in_the_clear ? Step::kDone : undecipherable();

  const Limits& limits = context.settings().limits;
  const Result<handle::Request> decoded = handle::decode_request(
      envelope, message,
      {static_cast<std::uint32_t>(limits.name_bytes), static_cast<std::uint32_t>(limits.values)});
  if (!decoded && !in_the_clear) return undecipherable();
  if (!decoded) {
    const bool known = decoded.error() == Errc::kUnsupported && handle::find_operation(opcode) != nullptr;
    return known ? protocol_error(ResponseCode::kNotSupported, "this node does not offer the operation")
                 : protocol_error(ResponseCode::kProtocolError, "the message can not be read");
  }
  received = *decoded;
  request = &received;

  if (in_the_clear && context.session.live != nullptr && context.session.live->encrypt_all)
    return protocol_error(ResponseCode::kSessionFailed, "everything in this session is to be encrypted");

  context.carrier = &received;
  if (in_the_clear) return dispatch();
  if (context.session_mac()) return opened();
  phase = Phase::kOpen;
  holds = true;
  return Step::kCryptoPool;
}

Step Exchange::State::dispatch() {
  if (received.op() == handle::OpCode::kAnswerChallenge) return answer_challenge();
  return execute(
      {envelope.request_id, context.session.kind == SessionState::Kind::kNone ? 0 : envelope.session_id});
}

// CBC lets anybody change what he cannot read, and append to it: a MAC that is wrong, or octets behind the
// end, show a message that was made out of others. Else the answers would be an oracle of the plain text. The
// reference client sends none before the session has proven something.
Step Exchange::State::opened() {
  const MacCheck mac = *context.session.mac;
  if (mac == MacCheck::kWrong || mac == MacCheck::kUnacceptable) return undecipherable();
  const std::string_view behind = message.substr(received.covered.size());
  Reader credential(behind);
  const std::uint32_t size = credential.u32();
  if (behind.size() >= sizeof(size) && size != credential.rest().size()) return undecipherable();
  return dispatch();
}

// P5, P6.
void Exchange::State::look_up_session() {
  const std::uint32_t id = envelope.session_id;
  SessionState& session = context.session;
  const bool chosen_by_client = id < SourceShards::kSmallestId &&
                                context.source.transport == Transport::kTcp &&
                                context.settings().idis.connection_sessions;
  session.kind = chosen_by_client ? SessionState::Kind::kConnection : SessionState::Kind::kUnknown;
  if (services.sessions == nullptr) return;
  std::optional<Sessions::Live> found =
      chosen_by_client
          ? services.sessions->find(id, context.source.connection, context.source.peer.address, context.now)
          : services.sessions->find(id, context.now);
  if (!found) return;
  session.kind = SessionState::Kind::kLive;
  session.authenticated = found->authenticated;
  session.identity = {found->session->identity.handle, found->index};
  session.live = std::move(found->session);
}

// Everything that is wrong with an encrypted message looks the same from outside, whether its padding or what
// is inside (WIRE.md §18 rule 7).
Step Exchange::State::undecipherable() {
  envelope.encrypted = true;  // so that nothing of what was inside is told
  record.opcode = record.original_opcode = 0;
  request = nullptr;
  return protocol_error(ResponseCode::kSessionFailed, "the message can not be decrypted");
}

std::optional<Step> Exchange::State::decrypt() {
  if (!names_session(envelope))
    return protocol_error(ResponseCode::kSessionFailed, "an encrypted message without a session");
  if (context.session.live == nullptr)
    return protocol_error(ResponseCode::kSessionTimeout, "there is no such session");
  Result<std::string> plain = handle::decrypt_message(context.session.live->algorithm, envelope.version,
                                                      context.session.live->key, message);
  if (!plain) return undecipherable();
  decrypted = std::move(*plain);
  message = decrypted;
  envelope.encrypted = false;
  envelope.length = static_cast<std::uint32_t>(message.size());
  return std::nullopt;
}

// Opcode 200: the stored request runs again with the proof (BEHAVIOUR.md §8.3).
Step Exchange::State::answer_challenge() {
  SessionState& session = context.session;
  const bool on_connection =
      session.kind == SessionState::Kind::kConnection || (session.live && session.live->connection != 0);
  if (on_connection || session.live) {
    pending = services.challenges->take(envelope.session_id, context.now,
                                        on_connection ? context.source.connection : Challenges::kInSession,
                                        context.source.peer.address);
  } else {
    pending = services.challenges->take(envelope.session_id, context.now);
  }
  reply.begin(received, {envelope.request_id, envelope.session_id}, *services.identity, context.now,
              session.live.get());
  // The id may have become that of another session meanwhile.
  if (!pending || pending->session != session.live)
    return refuse({ResponseCode::kAuthenticationTimeout, "there is no such open challenge"});
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
  if (session.live) {
    session.mac = pending->mac;
  } else if (!on_connection) {
    session.kind = SessionState::Kind::kNone;
  }
  return execute({envelope.request_id, session.kind == SessionState::Kind::kNone ? 0 : envelope.session_id});
}

Step Exchange::State::execute(Addressee to) {
  reply.begin(*request, to, *services.identity, context.now, context.session.live.get());
  if (context.session.live && !context.session.mac && spends_counter(received) && !context.session_mac()) {
    phase = Phase::kProof;
    holds = true;
    return Step::kCryptoPool;
  }
  return run();
}

Step Exchange::State::run() {
  if (++rounds > kMostRounds) return refuse({ResponseCode::kError, "the request needs too many look-ups"});
  const SessionState& session = context.session;
  // What was done already is not done again, nor told how it would end now.
  if (session.authenticated && context.presented == nullptr && session.mac == MacCheck::kRepeated)
    return refuse(repeated_message());
  context.next_round();
  Outcome outcome = decide(*request, context);
  note_proof();
  return std::visit(Overload{
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
                        [&](SetSession&& each) {
                          offer = std::move(each);
                          phase = Phase::kKey;
                          holds = true;
                          return Step::kCryptoPool;
                        },
                        [&](EndSession&&) { return end_session(); },
                    },
                    std::move(outcome));
}

// The session's own identity has answered a challenge of it: from now on its MACs speak for that identity.
void Exchange::State::note_proof() {
  SessionState& session = context.session;
  if (!session.proven_index) return;
  services.sessions->authenticate(*session.live, *session.proven_index);
  session.proven_index.reset();
}

Step Exchange::State::open_session() {
  if (!made_key) return refuse({ResponseCode::kSessionFailed, "the key of the session could not be made"});
  auto session = std::make_unique<Session>();
  session->algorithm = made_key->algorithm;
  session->key = std::move(made_key->key);
  session->identity = std::move(offer.identity);
  session->encrypt_all = offer.encrypt_all;
  session->idle_ms = offer.idle_ms;
  session->source = context.source.peer.address;
  session->trusted = context.source.trusted;
  session->datagram = context.source.transport == Transport::kUdp;
  const SessionState& before = context.session;
  if (before.kind == SessionState::Kind::kConnection || (before.live && before.live->connection != 0)) {
    // The client has chosen its id; the session is of no use once the connection is gone.
    session->id = envelope.session_id;
    session->connection = context.source.connection;
    session->idle_ms = std::min(session->idle_ms, context.settings().limits.idle_seconds * 1'000);
  }
  const std::shared_ptr<const Session> opened = services.sessions->open(std::move(session), context.now);
  if (opened == nullptr) return refuse({ResponseCode::kTooBusy, "too many sessions"});
  Answer done;
  done.session_mode = static_cast<std::uint16_t>(offer.mode);
  done.key_data = made_key->data;
  reply.set_session_id(opened->id);
  reply.answer(done);
  return finish();
}

Step Exchange::State::end_session() {
  services.sessions->end(*context.session.live);
  reply.answer({});
  return finish();
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
  const SessionState& session = context.session;
  entry.session = session.live;
  if (session.kind == SessionState::Kind::kConnection || (session.live && session.live->connection != 0)) {
    entry.id = envelope.session_id;
    entry.connection = context.source.connection;
  } else if (session.live) {
    entry.id = envelope.session_id;
    entry.connection = Challenges::kInSession;
  }
  if (session.live) entry.mac = context.session_mac().value_or(MacCheck::kWrong);
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
  if (session.live) {
    if (const std::optional<std::string> open = services.challenges->repeated(entry, context.now)) {
      reply.challenge(*open, envelope.session_id);
      return finish();
    }
  }
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
  if (const Claimed claimed = claimed_identity(context); carries_proof(context) && !claimed.identity.empty())
    mutation.actor = handle::to_text(Reference{std::string(claimed.identity), claimed.index});
  context.append_reads(mutation);

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
  phase = reply.wants_seal() ? Phase::kSeal : Phase::kDone;
  return phase == Phase::kSeal ? Step::kCryptoPool : Step::kDone;
}

Step Exchange::State::drop() {
  phase = Phase::kDone;
  request = nullptr;
  return Step::kDone;
}

Step Exchange::State::after_list() {
  if (!listed) return refuse({ResponseCode::kError, "the names could not be read"});
  reply.names(listing.count(), listing.encoded(), listing.more());
  if (!reply.wants_seal()) return after_message();
  phase = Phase::kSeal;
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
  record.once = record.opcode != record.original_opcode || context.session.mac == MacCheck::kGood;
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
    case State::Phase::kOpen:
    case State::Phase::kProof: s.context.check_proof(); return;
    case State::Phase::kKey: s.made_key = make_session_key(s.offer, s.request->answer_version()); return;
    case State::Phase::kSeal: s.reply.seal(); return;
    case State::Phase::kList: s.listed = s.listing.read(); return;
    default: return;
  }
}

Step Exchange::resume(Now now) {
  State& s = *state_;
  s.context.now = now;
  switch (s.phase) {
    case State::Phase::kLoad: return s.context.wants_proof() ? s.gather() : s.run();
    case State::Phase::kOpen: return s.opened();
    case State::Phase::kProof: return s.run();
    case State::Phase::kKey: return s.open_session();
    case State::Phase::kSeal: return s.after_message();
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

bool Exchange::proves() const {
  const State::Phase phase = state_->phase;
  return phase == State::Phase::kOpen || phase == State::Phase::kProof || phase == State::Phase::kKey;
}

bool Exchange::proof_held() const {
  const State& s = *state_;
  if (s.phase == State::Phase::kKey) return s.made_key.has_value();
  return s.context.proof_held();
}

const ExchangeRecord& Exchange::record() const {
  state_->name_the_record();
  return state_->record;
}

}  // namespace idnode
