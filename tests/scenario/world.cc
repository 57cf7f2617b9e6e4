#include "tests/scenario/world.h"

#include <functional>
#include <future>
#include <stdexcept>

#include "protocol/crypto/random.h"
#include "protocol/identifier.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "tests/resolver/logic/session_client.h"

namespace idnode::scenario {
namespace {

bool yes(const std::string& value) {
  if (value == "on" || value == "true") return true;
  if (value == "off" || value == "false") return false;
  throw std::runtime_error("on or off is needed, not " + value);
}

std::vector<Network> networks(const std::string& list) {
  std::vector<Network> out;
  for (const std::string& one : split_list(list)) out.push_back(parse_network(one).value());
  return out;
}

std::vector<Reference> references(const std::string& list) {
  std::vector<Reference> out;
  for (const std::string& one : split_list(list)) out.push_back(handle::parse_reference(one).value());
  return out;
}

using Setter = std::function<void(Settings&, const std::string&)>;
const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> table = {
      {"case_sensitive", [](Settings& s, const std::string& v) { s.node.case_sensitive = yes(v); }},
      {"default_administrator",
       [](Settings& s, const std::string& v) { s.node.default_administrator = yes(v); }},
      {"prefixes", [](Settings& s, const std::string& v) { s.node.prefixes = split_list(v); }},
      {"administrators", [](Settings& s, const std::string& v) { s.node.administrators = references(v); }},
      {"udp_admin", [](Settings& s, const std::string& v) { s.listen.udp_admin = yes(v); }},
      {"connection_sessions", [](Settings& s, const std::string& v) { s.idis.connection_sessions = yes(v); }},
      {"clients", [](Settings& s, const std::string& v) { s.upstream.clients = networks(v); }},
      {"upstream",
       [](Settings& s, const std::string& v) {
         s.upstream.servers = yes(v) ? std::vector<Endpoint>{parse_endpoint("127.0.0.1:3641").value()}
                                     : std::vector<Endpoint>{};
       }},
      {"upstream_server",
       [](Settings& s, const std::string& v) { s.upstream.servers = {parse_endpoint(v).value()}; }},
      {"mode",
       [](Settings& s, const std::string& v) {
         s.upstream.mode =
             v == "forward" ? UpstreamSettings::Mode::kForward : UpstreamSettings::Mode::kIterate;
       }},
      {"send_service_referral",
       [](Settings& s, const std::string& v) { s.upstream.send_service_referral = yes(v); }},
      {"list_stored_keys", [](Settings& s, const std::string& v) { s.compat.list_stored_keys = yes(v); }},
      {"require_admin_value",
       [](Settings& s, const std::string& v) { s.compat.require_admin_value = yes(v); }},
      {"modify_overwrite_adds",
       [](Settings& s, const std::string& v) { s.compat.modify_overwrite_adds = yes(v); }},
      {"enforce_admin_write_on_remove",
       [](Settings& s, const std::string& v) { s.compat.enforce_admin_write_on_remove = yes(v); }},
      {"allow_list", [](Settings& s, const std::string& v) { s.compat.allow_list = yes(v); }},
      {"serve", [](Settings& s, const std::string& v) { s.replication.serve = yes(v); }},
      {"status_handle", [](Settings& s, const std::string& v) { s.compat.status_handle = yes(v); }},
      {"legacy_prefix_referral",
       [](Settings& s, const std::string& v) { s.compat.legacy_prefix_referral = yes(v); }},
      {"template_delimiter", [](Settings& s, const std::string& v) { s.compat.template_delimiter = v; }},
      {"recursion", [](Settings& s, const std::string& v) { s.limits.recursion = std::stoul(v); }},
      {"values", [](Settings& s, const std::string& v) { s.limits.values = std::stoul(v); }},
      {"challenge_bytes_per_source",
       [](Settings& s, const std::string& v) { s.limits.challenge_bytes_per_source = std::stoul(v); }},
      {"session_seconds",
       [](Settings& s, const std::string& v) { s.limits.session_seconds = std::stoul(v); }},
      {"sessions", [](Settings& s, const std::string& v) { s.limits.sessions = std::stoul(v); }},
      {"sessions_per_source",
       [](Settings& s, const std::string& v) { s.limits.sessions_per_source = std::stoul(v); }},
      {"challenge_seconds",
       [](Settings& s, const std::string& v) { s.limits.challenge_seconds = std::stoul(v); }},
  };
  return table;
}

// Generating an RSA key takes a while: one for all nodes of the run.
std::shared_ptr<const crypto::PrivateKey> node_key() {
  static const auto key =
      std::make_shared<const crypto::PrivateKey>(crypto::PrivateKey::generate(crypto::KeyKind::kRsa).value());
  return key;
}

std::shared_ptr<NodeIdentity> make_identity(const Settings& settings) {
  auto identity = std::make_shared<NodeIdentity>();
  identity->key = node_key();
  handle::Interface tcp{3, 1, 2641};
  handle::Interface udp{static_cast<std::uint8_t>(settings.listen.udp_admin ? 3 : 2), 0, 2641};
  identity->site.servers.push_back({.id = 1,
                                    .address = handle::parse_address("192.0.2.1").value(),
                                    .public_key = identity->key->public_key().serialize(),
                                    .interfaces = {tcp, udp}});
  handle::encode(identity->site, identity->site_octets);
  return identity;
}

}  // namespace

std::string Key::stored() const { return key ? key->public_key().serialize() : secret; }

World::World(std::string folder, bool resident) : folder_(std::move(folder)), with_resident_(resident) {
  settings_->upstream.clients = networks("127.0.0.0/8,::1");
  settings_->idis.connection_sessions = true;
}

World::~World() {
  committer_.reset();
  log_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void World::set(const std::string& name, const std::string& value) {
  if (started()) throw std::runtime_error("settings come first");
  if (name == "primary") {
    primary_ = yes(value);
    return;
  }
  if (name == "signing_key") {
    has_key_ = yes(value);
    return;
  }
  if (name == "listener") {
    takes_queries_ = value != "admin";
    takes_administration_ = value != "query";
    return;
  }
  auto setter = setters().find(name);
  if (setter == setters().end()) throw std::runtime_error("no setting " + name);
  setter->second(*settings_, value);
}

void World::start() {
  services_.settings = settings_;
  auto identity = make_identity(*settings_);
  identity->site.primary = primary_;
  if (!has_key_) identity->key = nullptr;
  services_.identity = identity;
  memory_ = std::make_unique<MemoryStore>();
  store_ = std::make_unique<test::SlowStore>(*memory_);
  std::filesystem::create_directories(folder_);
  auto opened = open_committed(folder_, *store_);
  if (!opened) throw std::runtime_error(opened.error().text);
  log_ = std::move(opened->log);
  if (with_resident_) resident_ = std::make_unique<Resident>(std::size_t{8} << 20, HashKey{1, 2});
  routes_.replace(Routes::load(*store_, services_.identity->site).value());
  committer_ = std::make_unique<Committer>(
      *store_, *log_, CommitLimits{},
      [this](std::span<const Committed> group) { routes_.publish(group, services_.identity->site); },
      resident_.get());
  challenges_ = std::make_unique<Challenges>(settings_->limits);
  sessions_ = std::make_unique<Sessions>(settings_->limits);
  services_.store = store_.get();
  services_.resident = resident_.get();
  services_.routes = &routes_;
  services_.challenges = challenges_.get();
  services_.sessions = sessions_.get();
  services_.started_ms = now_.ms;
  services_.status_json = [] { return std::string(R"({"played":true})"); };
}

CommitResult World::submit_and_wait(Mutation mutation) {
  std::promise<CommitResult> promise;
  auto result = promise.get_future();
  committer_->submit(std::move(mutation), [&](const CommitResult& r) { promise.set_value(r); });
  return result.get();
}

void World::commit_now(Mutation mutation) {
  mutation.id = crypto::random_octets(16).value();
  CommitResult result = submit_and_wait(std::move(mutation));
  if (result.status != CommitStatus::kCommitted)
    throw std::runtime_error("the scenario's own data was not committed");
}

void World::home(const std::string& name) {
  Mutation mutation;
  mutation.action = "home";
  mutation.writes.push_back({homed_key(name), make_record(name, 0, 0, "")});
  commit_now(std::move(mutation));
}

void World::record(const std::string& name, const std::vector<Value>& values) {
  std::string octets;
  for (Value value : values) {
    value.timestamp = now_.seconds();
    encode(value, octets);
  }
  Mutation mutation;
  mutation.action = "create";
  mutation.writes.push_back({record_key(name, settings_->node.case_sensitive),
                             make_record(name, 0, static_cast<std::uint32_t>(values.size()), octets)});
  commit_now(std::move(mutation));
}

ForwardAnswer World::ask(const Question& question) {
  last_question = question;
  auto canned = upstream.find(fold(question.name));
  ForwardAnswer answer;
  if (canned == upstream.end() || canned->second.silent) {
    answer.outcome = ForwardAnswer::Outcome::kTimeout;
    answer.code = handle::ResponseCode::kError;
    return answer;
  }
  return canned->second.answer;
}

void World::play_commits(const std::string& word) {
  static const std::map<std::string, std::optional<CommitStatus>> words = {
      {"committed", std::nullopt},          {"again", CommitStatus::kAgain},
      {"ceiling", CommitStatus::kCeiling},  {"busy", CommitStatus::kBusy},
      {"no_space", CommitStatus::kNoSpace}, {"read_only", CommitStatus::kReadOnly},
      {"unknown", CommitStatus::kUnknown}};
  auto found = words.find(word);
  if (found == words.end()) throw std::runtime_error("no committer says " + word);
  played_ = found->second;
}

void World::break_reads(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "walks") {
      store_->walks_fail = true;
    } else if (word.starts_with("home:")) {
      store_->broken.insert(homed_key(word.substr(5)));
    } else {
      store_->broken.insert(record_key(word, settings_->node.case_sensitive));
    }
  }
}

Received World::drive(const std::string& frame, Source source, const std::string& session_key) {
  source.may_recurse = any_contains(settings_->upstream.clients, source.peer.address);
  source.takes_queries = takes_queries_;
  source.takes_administration =
      takes_administration_ && (source.transport != Transport::kUdp || settings_->listen.udp_admin);
  Received received;
  auto envelope = handle::decode_envelope(frame);
  if (!envelope) throw std::runtime_error("the scenario's own frame is broken");
  Exchange exchange(services_);
  Step step = exchange.start(*envelope, std::string_view(frame).substr(handle::kEnvelopeSize), source, now_);
  if (step != Step::kDone) exchange.keep();
  auto take_frame = [&] {
    if (!exchange.frame().empty()) received.frames.emplace_back(exchange.frame());
  };
  for (int rounds = 0; step != Step::kDone; ++rounds) {
    if (rounds > 1000) throw std::runtime_error("an exchange that never ends");
    switch (step) {
      case Step::kCryptoPool:
      case Step::kReadPool:
        exchange.work();
        step = exchange.resume(now_);
        break;
      case Step::kCommit: {
        Mutation mutation = exchange.take_mutation();
        step = exchange.committed(
            played_ ? CommitResult{.status = *played_} : submit_and_wait(std::move(mutation)), now_);
        break;
      }
      case Step::kForward: step = exchange.forwarded(ask(exchange.question()), now_); break;
      case Step::kMore:
        take_frame();
        step = exchange.resume(now_);
        break;
      case Step::kDone: break;
    }
  }
  take_frame();
  received.closed = exchange.close();
  for (std::string& one : received.frames) {
    auto outer = handle::decode_envelope(one);
    if (outer->encrypted) one = session_client::decrypted(one, session_key);
    if (one.empty()) throw std::runtime_error("an answer that cannot be decrypted");
    auto response =
        handle::decode_response(outer.value(), std::string_view(one).substr(handle::kEnvelopeSize));
    if (!response) throw std::runtime_error("an answer that cannot be decoded: " + to_hex(one));
    received.responses.push_back(*response);
  }
  return received;
}

}  // namespace idnode::scenario
