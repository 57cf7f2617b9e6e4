#include "tests/resolver/logic/world.h"

#include <gtest/gtest.h>

#include "protocol/crypto/digest.h"
#include "protocol/handle/proof.h"
#include "storage/keys.h"
#include "storage/record.h"

namespace idnode::test {
namespace {

handle::RequestBody body_of(const Ask& ask, std::string& encoded) {
  using handle::OpCode;
  switch (ask.op) {
    case OpCode::kCreate:
    case OpCode::kAddValues:
    case OpCode::kModifyValues:
      encode_all(ask.values, encoded);
      return handle::ValuesBody{{static_cast<std::uint32_t>(ask.values.size()), encoded}};
    case OpCode::kRemoveValues:
      handle::encode_indexes(ask.indexes, encoded);
      return handle::IndexesBody{
          {static_cast<std::uint32_t>(ask.indexes.size()), std::string_view(encoded).substr(4)}};
    default: return handle::NameBody{};
  }
}

std::string frame_of(const Ask& ask) {
  handle::Request request;
  request.header.opcode = static_cast<std::uint32_t>(ask.op);
  request.header.flags = ask.flags;
  request.name = ask.name;
  std::string encoded;
  request.body = body_of(ask, encoded);
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

std::string proof_of(const Person& who, const handle::Challenge& challenge) {
  handle::Challenge asked = challenge;
  const std::string other(16, '?');
  if (who.lies) asked.nonce = other;
  std::string covered(asked.nonce);
  covered.append(asked.digest);
  if (who.weak) {
    std::string proof(1, '\1');
    return proof + *handle::proof_mac(1, who.secret, covered);
  }
  if (who.key) return handle::answer_public_key(asked, *who.key, who.identity).value_or("");
  return handle::answer_pbkdf2(asked, who.secret, "0123456789abcdef", 2, 160);
}

}  // namespace

bool Told::reads(std::string_view key) const {
  if (!mutation) return false;
  for (const Read& read : mutation->reads) {
    if (read.key == key) return true;
  }
  return false;
}

World::World() { reload(); }

void World::reload() {
  const auto table = Routes::load(memory_, {});
  ASSERT_TRUE(table);
  routes_.replace(*table);
}

void World::write(std::string key, std::string image) {
  std::string before;
  std::uint64_t previous = 0;
  if (memory_.get(key, before, Depth::kDisk).value_or(false)) previous = parse_record(before)->sequence;
  stamp_record(image, ++sequence_, previous, kNowMs);
  const Write one{std::move(key), std::move(image)};
  ASSERT_TRUE(memory_.apply({&one, 1}, sequence_));
}

void World::home(std::string_view prefix_handle) {
  write(homed_key(prefix_handle), make_record(prefix_handle, 0, 0, {}));
  reload();
}
void World::unhome(std::string_view prefix_handle) {
  write(homed_key(prefix_handle), make_tombstone(prefix_handle));
  reload();
}

void World::put(std::string_view name, const std::vector<Value>& values) {
  std::string encoded;
  encode_all(values, encoded);
  write(record_key(name, settings.node.case_sensitive),
        make_record(name, 0, static_cast<std::uint32_t>(values.size()), encoded));
  reload();
}
void World::erase(std::string_view name) {
  write(record_key(name, settings.node.case_sensitive), make_tombstone(name));
  reload();
}

Person World::person(std::string identity) {
  Person who;
  who.secret = "secret of " + identity;
  put(identity, {value(301, "HS_SECKEY", who.secret, kAdminRead | kAdminWrite)});
  who.identity = std::move(identity);
  return who;
}

Told World::decide(const Ask& ask, const Person* who) {
  const std::string frame = frame_of(ask);
  const auto envelope = handle::decode_envelope(frame);
  const auto request = handle::decode_request(*envelope, std::string_view(frame).substr(20), {});
  Told told;
  if (!request) return told;

  Services services;
  services.store = &store;
  services.routes = &routes_;
  services.settings = std::make_shared<Settings>(settings);
  services.identity = std::make_shared<NodeIdentity>();
  Context context(services);
  context.begin();
  context.take_routes(routes_.current());
  context.source.transport = Transport::kTcp;
  context.now = {kNowMs, 1'000};

  const std::string nonce = crypto::digest(crypto::Digest::kMd5, std::to_string(++nonces_));
  const std::string digest = crypto::digest(crypto::Digest::kSha256, request->covered);
  PresentedProof presented{nonce, digest, handle::kOurVersion, {}, {}, 0, {}};
  std::string proof;
  if (who != nullptr) {
    proof = proof_of(*who, {nonce, digest, handle::kOurVersion});
    presented.type = !who->type.empty() ? std::string_view(who->type) : who->key ? "HS_PUBKEY" : "HS_SECKEY";
    presented.identity = who->identity;
    presented.index = who->index;
    presented.proof = proof;
    context.presented = &presented;
  }

  for (;;) {
    const Outcome outcome = idnode::decide(*request, context);
    ++told.rounds;
    if (std::holds_alternative<Need>(outcome)) {
      EXPECT_TRUE(context.wants_records() || context.wants_proof()) << "it needs nothing";
      if (told.rounds > 30) return told;
      if (context.wants_proof()) ++told.proofs;
      if (context.wants_records()) context.load_cold();
      if (context.wants_proof()) context.check_proof();
      context.next_round();
      continue;
    }
    if (const auto* answer = std::get_if<Answer>(&outcome)) {
      told.code = answer->code;
      told.flags = answer->flags;
      told.name = answer->name;
    } else if (const auto* refuse = std::get_if<Refuse>(&outcome)) {
      told.code = refuse->code;
      told.text = refuse->text;
    } else if (std::holds_alternative<Challenge>(outcome)) {
      told.code = handle::ResponseCode::kAuthenticationNeeded;
    } else if (const auto* commit = std::get_if<Commit>(&outcome)) {
      told.code = commit->answer.code;
      told.flags = commit->answer.flags;
      told.name = commit->answer.name;
      told.mutation = commit->mutation;
      context.append_reads(*told.mutation);
    }
    return told;
  }
}

Told World::change(const Ask& ask, const Person* who) {
  Told told = decide(ask, who);
  if (told.mutation) {
    for (const Write& each : told.mutation->writes) write(each.key, each.image);
    reload();
  }
  return told;
}

bool World::exists(std::string_view name) const {
  std::string image;
  return memory_.get(record_key(name, settings.node.case_sensitive), image, Depth::kDisk).value_or(false) &&
         !parse_record(image)->tombstone;
}

std::vector<Value> World::values(std::string_view name) const {
  std::string image;
  if (!memory_.get(record_key(name, settings.node.case_sensitive), image, Depth::kDisk).value_or(false))
    return {};
  const auto record = parse_record(image);
  return to_values({record->count, record->values});
}

std::string World::spelling(std::string_view name) const {
  std::string image;
  if (!memory_.get(record_key(name, settings.node.case_sensitive), image, Depth::kDisk).value_or(false))
    return {};
  return std::string(parse_record(image)->name);
}

std::uint64_t World::created(std::string_view name) const {
  std::string image;
  if (!memory_.get(record_key(name, settings.node.case_sensitive), image, Depth::kDisk).value_or(false))
    return 0;
  return parse_record(image)->created;
}

Value value(std::uint32_t index, std::string type, std::string data, std::uint8_t permissions,
            std::uint32_t timestamp) {
  Value v;
  v.index = index;
  v.type = std::move(type);
  v.data = std::move(data);
  v.permissions = permissions;
  v.timestamp = timestamp;
  return v;
}

Value admin(std::uint32_t index, std::string handle, std::uint32_t key_index, std::uint16_t permissions) {
  handle::Admin a;
  a.permissions = permissions;
  a.identity = {std::move(handle), key_index};
  std::string data;
  handle::encode(a, data);
  return value(index, "HS_ADMIN", std::move(data));
}

Value group(std::uint32_t index, const std::vector<Reference>& members) {
  std::string data;
  handle::encode_vlist(members, data);
  return value(index, "HS_VLIST", std::move(data));
}

}  // namespace idnode::test
