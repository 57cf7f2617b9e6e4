#include "tests/scenario/run.h"

#include <cstdio>
#include <functional>
#include <set>
#include <sstream>
#include <stdexcept>

#include "protocol/crypto/exchange.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/proof.h"
#include "protocol/handle/request_digest.h"
#include "protocol/identifier.h"
#include "tests/resolver/logic/session_client.h"
#include "tests/scenario/messages.h"

namespace idnode::scenario {
namespace {

namespace flag = handle::flag;

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class A, class B>
void same(std::string_view what, const A& want, const B& got) {
  std::ostringstream text;
  if (want == got) return;
  text << what << ": expected " << want << ", got " << got;
  throw Failure(text.str());
}

class Runner {
 public:
  Runner(std::string folder, bool resident, std::set<std::string>& reached)
      : world_(std::move(folder), resident), reached_(reached) {}
  void run(const Command& command);

 private:
  void on_setting(const Command& c) { world_.set(c.word(1), c.word(2)); }
  void on_key(const Command& c);
  void on_home(const Command& c) { world_.home(c.word(1)); }
  void on_record(const Command& c) { world_.record(c.word(1), parse_values(c.block, keys_)); }
  void on_many(const Command& c);
  void on_verify(const Command& c);
  void on_clock(const Command& c) { world_.pass(std::stoul(c.word(1))); }
  void on_upstream(const Command& c);
  void on_send(const Command& c);
  void on_answer(const Command& c);
  void on_session(const Command& c);
  void on_again(const Command& c);
  void on_unchanged(const Command&);
  void on_expect(const Command& c);
  void on_forwarded(const Command& c);
  void on_commits(const Command& c) { world_.play_commits(c.word(1)); }
  void on_broken(const Command& c) { world_.break_reads(c.words); }

  void deliver(const Command& c, std::unique_ptr<Sent> sent);
  void note(std::string_view how);
  std::unique_ptr<Sent> in_session(const Command& c, std::unique_ptr<Sent> sent);
  void expect_flags(const Command& c, const handle::Response& response);
  void expect_envelope(const Command& c, const handle::Response& response);
  void expect_body(const Command& c);
  void expect_digest(const handle::Response& response);
  void expect_signature(const handle::Response& response);
  void expect_session(const Command& c, const handle::Response& response);
  void expect_values(const Command& c);

  World world_;
  std::set<std::string>& reached_;
  Keys keys_;
  std::uint32_t next_id_ = 1;
  std::unique_ptr<Sent> sent_;  // the last message
  std::string sent_by_;         // FILE:LINE
  std::string executed_;        // the last request that was no answer: what digests cover
  std::string last_answer_frame_;
  Received received_;
  std::optional<std::uint32_t> challenge_session_;
  std::map<std::string, session_client::Session> sessions_;
  session_client::Session* current_ = nullptr;  // of the last message
  std::uint64_t committed_ = 0;                 // before the last message
};

void Runner::on_key(const Command& c) {
  static std::map<std::string, crypto::PrivateKey> made;  // generating takes a while: one of a name in a run
  Key key;
  const std::string& kind = c.word(2);
  if (kind == "secret") {
    key.secret = c.word(3);
  } else {
    static const std::map<std::string, crypto::KeyKind> kinds = {{"rsa", crypto::KeyKind::kRsa},
                                                                 {"p256", crypto::KeyKind::kP256},
                                                                 {"ed25519", crypto::KeyKind::kEd25519}};
    auto found = kinds.find(kind);
    if (found == kinds.end()) throw std::runtime_error("no kind of key " + kind);
    std::string id = kind + " " + c.word(1);
    if (!made.contains(id)) made.emplace(id, crypto::PrivateKey::generate(found->second).value());
    key.key = made.at(id);
  }
  keys_[c.word(1)] = std::move(key);
}

void Runner::on_upstream(const Command& c) {
  World::Canned canned;
  if (c.word(2) == "silent") {
    canned.silent = true;
  } else {
    std::vector<Value> values = parse_values(c.block, keys_);
    canned.answer.code = static_cast<handle::ResponseCode>(std::stoul(c.word(2)));
    canned.answer.outcome = canned.answer.code == handle::ResponseCode::kHandleNotFound
                                ? ForwardAnswer::Outcome::kNotFound
                                : ForwardAnswer::Outcome::kAnswered;
    canned.answer.signature_verified = true;
    canned.answer.value_count = static_cast<std::uint32_t>(values.size());
    encode_all(values, canned.answer.values);
  }
  world_.upstream[fold(c.word(1))] = canned;
}

void Runner::deliver(const Command& c, std::unique_ptr<Sent> sent) {
  world_.last_question.reset();
  sent_ = std::move(sent);
  sent_by_ = c.file + ":" + std::to_string(c.line);
  committed_ = world_.committed();
  received_ = world_.drive(sent_->frame, sent_->source, current_ == nullptr ? std::string() : current_->key);
  note("seen");
}

void Runner::note(std::string_view how) {
  std::string cell;
  if (received_.responses.empty()) {
    cell =
        std::to_string(Reader(std::string_view(sent_->frame).substr(handle::kEnvelopeSize)).u32()) + "\tnone";
  } else {
    const handle::Header& header = received_.responses[0].header;
    cell = std::to_string(header.opcode) + "\t" + std::to_string(header.response_code);
  }
  reached_.insert(cell + "\t" + sent_by_ + "\t" + std::string(how));
}

// A message of the session that `in=` names, if any.
std::unique_ptr<Sent> Runner::in_session(const Command& c, std::unique_ptr<Sent> sent) {
  using session_client::Mac;
  static const std::map<std::string, Mac> macs = {{"good", Mac::kGood},
                                                  {"bad", Mac::kBad},
                                                  {"none", Mac::kNone},
                                                  {"other", Mac::kOtherKey},
                                                  {"signed", Mac::kSigned}};
  const auto name = c.option("in");
  current_ = nullptr;
  if (!name) return sent;
  current_ = &sessions_.at(*name);
  std::uint32_t counter = current_->counter + 1;
  if (const auto given = c.option("counter")) {
    counter = static_cast<std::uint32_t>(std::stoul(*given));
  } else {
    current_->counter = counter;
  }
  std::string frame =
      session_client::in_session(sent->frame, *current_, counter, macs.at(c.option("mac").value_or("good")));
  if (c.has("encrypted")) frame = session_client::encrypted(frame, *current_);
  if (c.has("spoiled")) frame.back() = static_cast<char>(frame.back() ^ 1);
  return with_frame(*sent, std::move(frame));
}

// `session NAME`: a set-up; what an answer agreed on is the session NAME from then on.
void Runner::on_session(const Command& c) {
  session_client::Offer offer;
  if (const auto given = c.option("group")) {
    // Numbers as they stand: p,g,y.
    const std::vector<std::string> numbers = split_list(*given);
    const auto octets = [](const std::string& text) {
      return text == "p" ? session_client::oakley_prime() : from_hex(text).value();
    };
    offer.public_key =
        crypto::serialize({octets(numbers.at(0)), octets(numbers.at(1)), octets(numbers.at(2))});
  } else {
    offer = session_client::make_offer(session_client::oakley_prime(), std::string("\x02"));
  }
  if (const auto raw = c.option("raw")) offer.public_key = *raw;
  auto sent = make_set_up(c, offer.public_key, next_id_++);
  executed_ = sent->frame;
  current_ = nullptr;
  deliver(c, std::move(sent));
  if (received_.responses.empty() || received_.responses[0].code() != handle::ResponseCode::kSuccess) return;
  if (c.option("mode").value_or("4") != "4") return;
  const auto agreed = session_client::accept(offer, received_.responses[0]);
  if (!agreed) throw Failure("the answer to the set-up does not add up");
  sessions_[c.word(1)] = *agreed;
}

// The same octets once more, perhaps from elsewhere.
void Runner::on_again(const Command& c) {
  auto sent = with_frame(*sent_, sent_->frame);
  if (const auto connection = c.option("connection")) sent->source.connection = std::stoul(*connection);
  deliver(c, std::move(sent));
}

// The last message has changed nothing in the store.
void Runner::on_unchanged(const Command&) { same("changes", committed_, world_.committed()); }

void Runner::on_send(const Command& c) {
  auto sent = make_request(c, keys_, next_id_++, std::nullopt);
  executed_ = sent->frame;
  deliver(c, in_session(c, std::move(sent)));
}

void Runner::on_answer(const Command& c) {
  if (c.has("again")) {
    auto sent = std::make_unique<Sent>();
    sent->frame = last_answer_frame_;
    sent->source = sent_->source;
    deliver(c, std::move(sent));
    return;
  }
  if (!challenge_session_ && (received_.responses.empty() ||
                              received_.responses[0].code() != handle::ResponseCode::kAuthenticationNeeded)) {
    throw Failure("there is no challenge to answer");
  }
  note("expected");
  const handle::Response& challenge = received_.responses.at(0);
  const Key& key = keys_.at(c.word(1));
  auto identity = handle::parse_reference(c.word(2));
  if (!identity) throw std::runtime_error("no identity: " + c.word(2));
  handle::Challenge question{
      challenge.nonce, challenge.request_digest.digest,
      handle::challenge_version(challenge.envelope.version, challenge.envelope.suggested)};
  auto proof = key.key ? handle::answer_public_key(question, *key.key, identity->handle)
                       : handle::answer_secret(question, key.secret);
  AnswerFields fields{c.option("type").value_or(key.key ? "HS_PUBKEY" : "HS_SECKEY"), identity->handle,
                      identity->index, proof.value(), challenge.envelope.session_id};
  if (c.has("bad")) fields.proof.back() = static_cast<char>(fields.proof.back() ^ 1);
  auto sent = in_session(c, make_request(c, keys_, next_id_++, fields));
  last_answer_frame_ = sent->frame;
  deliver(c, std::move(sent));
}

void Runner::on_many(const Command& c) {
  unsigned long count = std::stoul(c.word(1));
  std::vector<Value> values = parse_values(c.block, keys_);
  for (unsigned long i = 1; i <= count; ++i) {
    std::string name = c.word(2);
    name.replace(name.find('%'), 1, std::to_string(i));
    world_.record(name, values);
  }
}

void Runner::on_verify(const Command& c) {
  std::string nonce(16, 'n');
  std::string digest(32, 'd');
  const Key& key = keys_.at(c.word(1));
  auto identity = handle::parse_reference(c.word(2));
  if (!identity) throw std::runtime_error("no identity: " + c.word(2));
  std::string proof = handle::answer_secret({nonce, digest, handle::kOurVersion}, key.secret).value();
  if (c.has("bad")) proof.back() = static_cast<char>(proof.back() ^ 1);
  auto sent =
      make_verify(c, identity->handle, handle::VerifyBody{identity->index, nonce, digest, proof}, next_id_++);
  executed_ = sent->frame;
  deliver(c, in_session(c, std::move(sent)));
}

void Runner::expect_flags(const Command& c, const handle::Response& response) {
  static const std::pair<const char*, std::uint32_t> names[] = {
      {"AT", flag::kAuthoritative}, {"OV", flag::kOverwrite},  {"MN", flag::kMint},
      {"RD", flag::kReturnDigest},  {"CN", flag::kContinuous}, {"CT", flag::kCertify}};
  for (const auto& [name, bit] : names) {
    bool is = (response.header.flags & bit) != 0;
    if (c.has(name) && !is) throw Failure(std::string(name) + " is clear");
    if (c.has(std::string("!") + name) && is) throw Failure(std::string(name) + " is set");
  }
}

void Runner::expect_envelope(const Command& c, const handle::Response& response) {
  same("request id", handle::decode_envelope(sent_->frame)->request_id, response.envelope.request_id);
  if (auto opcode = c.option("opcode")) same("opcode", std::stoul(*opcode), response.header.opcode);
  if (auto serial = c.option("serial"))
    same("serial", std::stoul(*serial), static_cast<unsigned long>(response.header.site_serial));
  if (auto count = c.option("count"))
    same("recursion count", std::stoul(*count), static_cast<unsigned long>(response.header.recursion_count));
  if (auto session = c.option("session")) {
    if (*session == "new") {
      if (response.envelope.session_id < 0x01000000 || response.envelope.session_id > 0x7fffffff)
        throw Failure("session id is not a new one");
    } else {
      const bool named = sessions_.contains(*session);
      same("session id", named ? sessions_.at(*session).id : std::stoul(*session),
           response.envelope.session_id);
    }
  }
  if (auto version = c.option("version")) {
    same("version", *version,
         std::to_string(response.envelope.version.major) + "." +
             std::to_string(response.envelope.version.minor));
  }
}

void Runner::expect_digest(const handle::Response& response) {
  if (!response.request_digest.present) throw Failure("there is no request digest");
  // Header and body, as they were sent: all but the envelope and the length of the absent credential.
  constexpr std::size_t kNoCredential = 4;
  std::string_view covered = std::string_view(executed_).substr(handle::kEnvelopeSize);
  covered.remove_suffix(kNoCredential);
  std::string want = handle::request_digest(response.envelope.version, covered);
  same("request digest", to_hex(want), to_hex(response.request_digest.digest));
}

void Runner::expect_signature(const handle::Response& response) {
  if (!response.credential.present) throw Failure("the answer is not signed");
  handle::Coverage coverage{response.envelope.version, response.envelope.suggested,
                            response.envelope.session_id, response.envelope.request_id,
                            response.credential.counter};
  auto key = crypto::PublicKey::parse(world_.identity().site.servers[0].public_key);
  auto good = handle::verify_message(coverage, response.covered, *key, response.credential.algorithm,
                                     response.credential.signature);
  if (good != handle::AuthResult::kValid) throw Failure("the signature does not verify");
}

void Runner::expect_session(const Command& c, const handle::Response& response) {
  if (c.has("encrypted") && !response.envelope.encrypted) throw Failure("the answer is not encrypted");
  if (c.has("!encrypted") && response.envelope.encrypted) throw Failure("the answer is encrypted");
  if (c.has("!mac") && response.credential.present) throw Failure("the answer carries a credential");
  const auto mac = c.option("mac");
  if (!mac) return;
  if (current_ == nullptr || !session_client::has_mac(response, *current_))
    throw Failure("the answer carries no MAC of the session");
  same("counter", std::stoul(*mac), response.credential.counter);
}

void Runner::expect_values(const Command& c) {
  std::vector<Value> got = to_values(received_.responses.at(0).values);
  if (auto indexes = c.option("indexes")) {
    std::string list;
    for (const Value& value : got) list += (list.empty() ? "" : ",") + std::to_string(value.index);
    same("indexes", *indexes, list);
  }
  if (auto timestamp = c.option("timestamp")) {
    for (const Value& value : got) {
      bool is_new = value.timestamp == world_.now().seconds();
      if (is_new != (*timestamp == "new"))
        throw Failure("timestamp of index " + std::to_string(value.index) + " is not " + *timestamp);
    }
  }
  if (c.block.empty()) return;
  std::vector<Value> want = parse_values(c.block, keys_);
  same("number of values", want.size(), got.size());
  for (std::size_t i = 0; i < want.size(); ++i) same("value", describe(want[i]), describe(got[i]));
}

void Runner::expect_body(const Command& c) {
  const handle::Response& response = received_.responses.at(0);
  if (auto name = c.option("handle")) {
    if (name->ends_with("*")) {
      if (!response.name.starts_with(name->substr(0, name->size() - 1)))
        throw Failure("handle is " + std::string(response.name));
    } else {
      same("handle", *name, std::string(response.name));
    }
  }
  if (auto text = c.option("text")) {
    std::string wanted = *text;
    for (char& ch : wanted) ch = ch == '_' ? ' ' : ch;
    if (response.text.find(wanted) == std::string_view::npos)
      throw Failure("text is \"" + std::string(response.text) + "\"");
  }
  if (auto verified = c.option("verified"))
    same("verified", std::stoi(*verified), static_cast<int>(response.verified));
  if (c.has("site") && response.site != world_.identity().site_octets) throw Failure("not our site record");
  if (auto frames = c.option("frames")) same("frames", std::stoul(*frames), received_.frames.size());
  if (auto names = c.option("names")) {
    std::string list;
    for (const handle::Response& one : received_.responses) {
      handle::TextWalk walk(one.names);
      for (std::string_view name; walk.next(name);) list += (list.empty() ? "" : ",") + std::string(name);
    }
    same("names", *names, list);
  }
  for (std::size_t i = 0; i < received_.responses.size(); ++i) {
    bool more = (received_.responses[i].header.flags & flag::kContinuous) != 0;
    if (more != (i + 1 < received_.responses.size()))
      throw Failure("CN of message " + std::to_string(i + 1) + " is wrong");
  }
}

void Runner::on_expect(const Command& c) {
  if (c.has("close") && !received_.closed) throw Failure("the connection stays open");
  if (c.has("open") && received_.closed) throw Failure("the connection is closed");
  if (c.word(1) == "nothing") {
    if (!received_.frames.empty()) throw Failure("there is an answer: " + to_hex(received_.frames[0]));
    note("expected");
    return;
  }
  if (received_.responses.empty()) throw Failure("there is no answer");
  const handle::Response& response = received_.responses[0];
  if (std::stoul(c.word(1)) != response.header.response_code) {
    throw Failure("expected code " + c.word(1) + ", got " + std::to_string(response.header.response_code) +
                  " \"" + std::string(response.text) + "\"");
  }
  expect_envelope(c, response);
  expect_flags(c, response);
  expect_body(c);
  if (c.option("indexes") || c.option("timestamp") || !c.block.empty()) expect_values(c);
  if (c.has("digest")) expect_digest(response);
  if (c.has("signed")) expect_signature(response);
  expect_session(c, response);
  note("expected");
}

void Runner::on_forwarded(const Command& c) {
  if (c.word(1) == "nothing") {
    if (world_.last_question) throw Failure("a question for " + world_.last_question->name + " went out");
    return;
  }
  if (!world_.last_question) throw Failure("no question went out");
  if (auto name = c.option("name")) same("name", *name, world_.last_question->name);
  if (auto count = c.option("count"))
    same("count", std::stoul(*count), static_cast<unsigned long>(world_.last_question->recursion_count));
  if (c.has("routed") && world_.last_question->route == nullptr) throw Failure("it has no route");
  if (c.has("!routed") && world_.last_question->route != nullptr) throw Failure("it has a route");
  if (c.has("AT") && (world_.last_question->flags & flag::kAuthoritative) == 0) throw Failure("AT is clear");
}

void Runner::run(const Command& command) {
  struct Row {
    const char* name;
    void (Runner::*run)(const Command&);
    bool needs_node;
  };
  static constexpr Row kRows[] = {
      {"setting", &Runner::on_setting, false},   {"key", &Runner::on_key, false},
      {"home", &Runner::on_home, true},          {"record", &Runner::on_record, true},
      {"clock", &Runner::on_clock, true},        {"many", &Runner::on_many, true},
      {"verify", &Runner::on_verify, true},      {"upstream", &Runner::on_upstream, false},
      {"send", &Runner::on_send, true},          {"answer", &Runner::on_answer, true},
      {"expect", &Runner::on_expect, true},      {"forwarded", &Runner::on_forwarded, true},
      {"commits", &Runner::on_commits, true},    {"broken", &Runner::on_broken, true},
      {"session", &Runner::on_session, true},    {"again", &Runner::on_again, true},
      {"unchanged", &Runner::on_unchanged, true}};
  for (const Row& row : kRows) {
    if (command.word(0) != row.name) continue;
    if (row.needs_node && !world_.started()) world_.start();
    (this->*row.run)(command);
    return;
  }
  throw std::runtime_error("no command " + command.word(0));
}

}  // namespace

void run_file(const std::string& path, const std::string& folder, bool resident, Tally& tally) {
  ++tally.files;
  int line = 0;
  try {
    Runner runner(folder, resident, tally.reached);
    for (const Command& command : read_script(path)) {
      line = command.line;
      ++tally.commands;
      try {
        runner.run(command);
      } catch (const Failure& failure) {
        ++tally.failed;
        if (!tally.silent) std::printf("%s:%d: %s\n", path.c_str(), line, failure.what());
      }
    }
  } catch (const std::exception& e) {
    ++tally.failed;
    std::printf("%s:%d: %s\n", path.c_str(), line, e.what());
  }
}

}  // namespace idnode::scenario
