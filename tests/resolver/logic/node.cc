#include "tests/resolver/logic/node.h"

#include <cstdlib>
#include <utility>

#include "protocol/handle/admin.h"
#include "protocol/handle/proof.h"
#include "protocol/identifier.h"
#include "storage/keys.h"
#include "storage/record.h"
#include "tests/resolver/logic/session_client.h"

namespace idnode::logic_test {

Value value(std::uint32_t index, std::string type, std::string data, std::string_view permissions) {
  Value v;
  v.index = index;
  v.timestamp = 1'600'000'000;
  v.permissions = 0;
  for (const char each : permissions)
    v.permissions = static_cast<std::uint8_t>(v.permissions << 1 | (each == '1'));
  v.type = std::move(type);
  v.data = std::move(data);
  return v;
}

Value site_value(std::uint32_t index, std::string type, const handle::Site& site) {
  std::string data;
  handle::encode(site, data);
  return value(index, std::move(type), std::move(data));
}

Value admin_value(std::uint32_t index, Reference identity, std::uint16_t permissions) {
  handle::Admin admin;
  admin.identity = std::move(identity);
  admin.permissions = permissions;
  std::string data;
  handle::encode(admin, data);
  return value(index, "HS_ADMIN", std::move(data));
}

handle::Site site_at(std::string_view address, std::uint16_t port) {
  handle::Site site;
  handle::SiteServer server;
  server.address = handle::parse_address(address).value();
  server.interfaces.push_back({3, 1, port});
  site.servers.push_back(std::move(server));
  return site;
}

std::vector<std::uint32_t> Reply::indexes() const {
  std::vector<std::uint32_t> out;
  ValueWalk walk(response.values);
  for (ValueView each; walk.next(each);) out.push_back(each.index);
  return out;
}

std::vector<std::string> Reply::names() const {
  std::vector<std::string> out;
  handle::TextWalk walk(response.names);
  for (std::string_view each; walk.next(each);) out.emplace_back(each);
  return out;
}

Node::Node() : settings_(std::make_shared<Settings>()), identity_(std::make_shared<NodeIdentity>()) {
  identity_->site = site_at("127.0.0.1", 2641);
  handle::encode(identity_->site, identity_->site_octets);
  challenges = std::make_unique<Challenges>(settings_->limits);
  sessions = std::make_unique<Sessions>(settings_->limits);
  services.store = &store;
  services.routes = &routes;
  services.challenges = challenges.get();
  services.sessions = sessions.get();
  services.settings = settings_;
  services.identity = identity_;
  routes.replace(std::make_shared<RouteTable>());
  source.transport = Transport::kTcp;
  source.peer = parse_endpoint("192.0.2.7:40000").value();
  source.connection = 1;
  exchange = std::make_unique<Exchange>(services);
}

Settings& Node::settings() { return *settings_; }
NodeIdentity& Node::identity() { return *identity_; }

void Node::write(std::vector<Write> writes) {
  ++sequence_;
  for (Write& each : writes) {
    std::string before;
    const bool had = store.get(each.key, before, Depth::kDisk).value_or(false);
    stamp_record(each.image, sequence_, had ? parse_record(before)->sequence : 0, now.ms);
  }
  const std::vector<WriteView> views = views_of(writes);
  if (!store.apply_group(views, sequence_)) std::abort();
  const Committed committed_one{sequence_, now.ms, "", views};
  routes.publish(std::span(&committed_one, 1), identity_->site);
}

void Node::put(std::string_view name, const std::vector<Value>& values) {
  std::string encoded;
  encode_all(values, encoded);
  write({{record_key(name, settings_->node.case_sensitive),
          make_record(name, 0, static_cast<std::uint32_t>(values.size()), encoded)}});
}

void Node::remove(std::string_view name) {
  write({{record_key(name, settings_->node.case_sensitive), make_tombstone(name)}});
}

void Node::home(std::string_view prefix_handle) {
  write({{homed_key(prefix_handle), make_record(prefix_handle, 0, 0, {})}});
}

void Node::unhome(std::string_view prefix_handle) {
  write({{homed_key(prefix_handle), make_tombstone(prefix_handle)}});
}

CommitResult Node::commit(Mutation mutation) {
  if (!commits.empty()) {
    const CommitStatus status = commits.front();
    commits.pop_front();
    return {status, 0, now.ms};
  }
  for (const Read& read : mutation.reads) {
    std::string image;
    const bool there = store.get(read.key, image, Depth::kDisk).value_or(false);
    if ((there ? parse_record(image)->sequence : 0) != read.version) return {CommitStatus::kAgain, 0, now.ms};
  }
  write(std::move(mutation.writes));
  ++committed;
  return {CommitStatus::kCommitted, sequence_, now.ms};
}

std::vector<Reply> Node::send(std::string_view request) {
  std::vector<Reply> replies;
  const auto take = [&] {
    if (exchange->frame().empty()) return;
    std::string frame(exchange->frame());
    const handle::Envelope envelope = handle::decode_envelope(frame).value();
    if (envelope.encrypted) frame = session_client::decrypted(frame, session_key);
    Reply reply{std::make_shared<const std::string>(std::move(frame)), {}};
    reply.response =
        handle::decode_response(envelope, std::string_view(*reply.frame).substr(handle::kEnvelopeSize))
            .value();
    replies.push_back(std::move(reply));
  };
  // A buffer that is gone once start() has returned: whoever waits must have kept a copy.
  auto buffer = std::make_unique<std::string>(request);
  const std::string_view received = *buffer;
  steps.clear();
  Step step = exchange->start(handle::decode_envelope(received).value(),
                              received.substr(handle::kEnvelopeSize), source, now);
  if (step != Step::kDone) {
    exchange->keep();
    buffer->assign(buffer->size(), '\xee');
    buffer.reset();
  }
  while (step != Step::kDone) {
    steps.push_back(step);
    switch (step) {
      case Step::kCryptoPool:
      case Step::kReadPool:
        exchange->work();
        step = exchange->resume(now);
        break;
      case Step::kCommit: step = exchange->committed(commit(exchange->take_mutation()), now); break;
      case Step::kForward: {
        asked.push_back(exchange->question());
        ForwardAnswer answer;
        if (!others.empty()) {
          answer = others.front();
          others.pop_front();
        }
        step = exchange->forwarded(answer, now);
        break;
      }
      case Step::kMore:
        take();
        step = exchange->resume(now);
        break;
      case Step::kDone: break;
    }
  }
  take();
  return replies;
}

Reply Node::ask(std::string_view frame) {
  std::vector<Reply> replies = send(frame);
  return replies.size() == 1 ? std::move(replies.front()) : Reply{};
}

namespace {

std::string finish(handle::Request request, const Edit& edit) {
  if (edit) edit(request);
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

handle::Request plain(handle::OpCode op, std::string_view name, std::uint32_t flags) {
  handle::Request request;
  request.envelope.request_id = 7;
  request.header.opcode = static_cast<std::uint32_t>(op);
  request.header.flags = flags;
  request.name = name;
  return request;
}

}  // namespace

std::string resolve_frame(std::string_view name, const Filter& filter, std::uint32_t flags,
                          const Edit& edit) {
  std::string indexes;
  std::string types;
  handle::encode_indexes(filter.indexes, indexes);
  handle::encode_texts(filter.types, types);
  handle::Request request = plain(handle::OpCode::kResolve, name, flags);
  handle::ResolveBody body;
  body.indexes = {static_cast<std::uint32_t>(filter.indexes.size()), std::string_view(indexes).substr(4)};
  body.types = {static_cast<std::uint32_t>(filter.types.size()), std::string_view(types).substr(4)};
  request.body = body;
  return finish(std::move(request), edit);
}

std::string frame_of(handle::OpCode op, std::string_view name, handle::RequestBody body, std::uint32_t flags,
                     const Edit& edit) {
  handle::Request request = plain(op, name, flags);
  request.body = body;
  return finish(std::move(request), edit);
}

std::string answer_frame(const Reply& challenge, std::string_view identity, std::uint32_t index,
                         std::string_view secret, const Edit& edit) {
  const handle::Response& asked = challenge.response;
  const handle::Challenge question{
      asked.nonce, asked.request_digest.digest,
      handle::challenge_version(asked.envelope.version, asked.envelope.suggested)};
  const std::string proof = handle::answer_secret(question, secret).value();
  handle::ChallengeAnswerBody body;
  body.type = "HS_SECKEY";
  body.index = index;
  body.proof = proof;
  return frame_of(handle::OpCode::kAnswerChallenge, identity, body, handle::flag::kClientDefault,
                  [&](handle::Request& request) {
                    request.envelope.session_id = asked.envelope.session_id;
                    request.envelope.request_id = 8;
                    if (edit) edit(request);
                  });
}

}  // namespace idnode::logic_test
