#include "tests/protocol/vectors/build.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace idnode::vectors {

namespace {

template <class T>
T small(const Object& o, std::string_view key) {
  const std::uint64_t n = number(o, key);
  if (n > std::numeric_limits<T>::max()) throw std::runtime_error(std::string(key) + " is too large");
  return static_cast<T>(n);
}
std::uint32_t u32(const Object& o, std::string_view key) { return small<std::uint32_t>(o, key); }

// A list as the encoders of the codec write it, without the count.
std::string_view without_count(std::string encoded, Kept& kept) { return kept(encoded.substr(4)); }

std::string_view text_field(const Object& o, std::string_view key, Kept& kept) { return kept(text(o, key)); }
std::string_view octet_field(const Object& o, std::string_view key, Kept& kept) {
  return kept(octets(o, key));
}

handle::SessionSetupBody session_setup(const Object& b, Kept& kept) {
  handle::SessionSetupBody body;
  body.mode = small<std::uint16_t>(b, "mode");
  body.timeout_seconds = u32(b, "timeout");
  body.index = u32(b, "identity_index");
  if (has(b, "public_key")) body.public_key = octet_field(b, "public_key", kept);
  if (has(b, "exchange_key_handle")) {
    body.exchange_handle = text_field(b, "exchange_key_handle", kept);
    body.exchange_index = u32(b, "exchange_key_index");
  }
  return body;
}

handle::TransactionsBody transactions(const Object& b, Kept& kept) {
  handle::TransactionsBody body;
  body.marker = has(b, "pull_all_sources") && flag(b, "pull_all_sources") ? 1 : 0;
  if (body.marker == 1) {
    body.state = text_field(b, "replication_state_json", kept);
  } else {
    body.last_id = number(b, "last_txn_id");
    body.last_date_ms = number(b, "last_query_date");
  }
  body.hash_option = small<std::uint8_t>(b, "rcvr_hash_type");
  body.servers = u32(b, "num_servers");
  body.server = u32(b, "server_num");
  return body;
}

handle::DumpBody dump(const Object& b, Kept& kept) {
  handle::DumpBody body;
  body.hash_option = small<std::uint8_t>(b, "rcvr_hash_type");
  body.servers = u32(b, "num_servers");
  body.server = u32(b, "server_num");
  body.resumes = has(b, "starting_point");
  if (body.resumes) {
    body.start = text_field(b, "starting_point", kept);
    body.start_type = u32(b, "starting_point_type");
  }
  return body;
}

handle::ResolveBody resolve(const Object& b, Kept& kept) {
  handle::ResolveBody body;
  body.indexes = build_indexes(field(b, "indexes"), kept);
  body.types = build_texts(field(b, "types"), kept);
  body.has_identity = has(b, "auth");
  if (body.has_identity) body.identity = text_field(b, "auth", kept);
  return body;
}

handle::RequestBody request_body(handle::OpCode op, const Object& b, Kept& kept) {
  using handle::OpCode;
  switch (op) {
    case OpCode::kResolve: return resolve(b, kept);
    case OpCode::kCreate:
    case OpCode::kAddValues:
    case OpCode::kModifyValues: return handle::ValuesBody{build_values(field(b, "values"), kept)};
    case OpCode::kRemoveValues: return handle::IndexesBody{build_indexes(field(b, "indexes"), kept)};
    case OpCode::kAnswerChallenge:
      return handle::ChallengeAnswerBody{text_field(b, "auth_type", kept), u32(b, "user_index"),
                                         octet_field(b, "signed_response", kept)};
    case OpCode::kVerifyAnswer:
      return handle::VerifyBody{u32(b, "index"), octet_field(b, "nonce", kept),
                                octet_field(b, "request_digest", kept),
                                octet_field(b, "signed_response", kept)};
    case OpCode::kSessionSetup: return session_setup(b, kept);
    case OpCode::kSessionKeyExchange: return handle::KeyExchangeBody{octet_field(b, "encrypted_key", kept)};
    case OpCode::kRetrieveTransactions: return transactions(b, kept);
    case OpCode::kDumpHandles: return dump(b, kept);
    case OpCode::kLogin: return handle::LoginBody{u32(b, "index")};
    default: return handle::NameBody{};
  }
}

std::string_view request_name(const Object& b, Kept& kept) {
  for (std::string_view key : {"handle", "user_handle", "identity_handle"})
    if (has(b, key)) return text_field(b, key, kept);
  return {};
}

void success_body(const Object& b, Kept& kept, handle::Response& r) {
  using handle::OpCode;
  switch (r.op()) {
    case OpCode::kResolve:
      r.name = text_field(b, "handle", kept);
      r.has_values = true;
      r.values = build_values(field(b, "values"), kept);
      break;
    case OpCode::kSiteInfo: {
      std::string site;
      encode(build_site(object(b, "site")), site);
      r.site = kept(site);
      break;
    }
    case OpCode::kCreate:
      if (has(b, "handle")) r.name = text_field(b, "handle", kept);
      break;
    case OpCode::kListHandles:
    case OpCode::kListHomed: r.names = build_texts(field(b, "handles"), kept); break;
    case OpCode::kVerifyAnswer: r.verified = flag(b, "valid") ? 1 : 0; break;
    case OpCode::kSessionSetup:
      r.mode = small<std::uint16_t>(b, "mode");
      r.key_data = octet_field(b, "data", kept);
      break;
    case OpCode::kNextTransactionId: r.next_id = number(b, "next_txn_id"); break;
    case OpCode::kRetrieveTransactions: r.stream_flags = small<std::uint8_t>(b, "keep_alive_byte"); break;
    default: break;
  }
}

}  // namespace

handle::Envelope build_envelope(const Object& o) {
  handle::Envelope e;
  e.version = {small<std::uint8_t>(o, "major"), small<std::uint8_t>(o, "minor")};
  e.suggested = {small<std::uint8_t>(o, "suggest_major"), small<std::uint8_t>(o, "suggest_minor")};
  e.compressed = flag(o, "compressed");
  e.encrypted = flag(o, "encrypted");
  e.truncated = flag(o, "truncated");
  e.session_id = u32(o, "session_id");
  e.request_id = u32(o, "request_id");
  e.sequence = u32(o, "sequence");
  e.length = u32(o, "length");
  return e;
}

handle::Envelope as_decoded(handle::Envelope envelope) {
  if (envelope.suggested.major == 0) envelope.suggested = envelope.version;
  return envelope;
}

handle::Header build_header(const Object& o) {
  handle::Header h;
  h.opcode = u32(o, "op_code");
  h.response_code = u32(o, "response_code");
  h.flags = u32(o, "op_flags");
  h.site_serial = small<std::uint16_t>(o, "site_serial");
  h.recursion_count = small<std::uint8_t>(o, "recursion_count");
  h.expiration = u32(o, "expiration");
  h.body_length = u32(o, "body_length");
  return h;
}

std::vector<Reference> build_references(const Json& references) {
  std::vector<Reference> out;
  for (const Json& each : references.as_array()) {
    const Object& o = each.as_object();
    out.push_back({text(o, "handle"), u32(o, "index")});
  }
  return out;
}

Value build_value(const Json& v) {
  const Object& o = v.as_object();
  return {u32(o, "index"),
          u32(o, "timestamp"),
          small<std::uint8_t>(o, "ttl_type"),
          u32(o, "ttl"),
          small<std::uint8_t>(o, "permissions"),
          text(o, "type"),
          octets(o, "data"),
          build_references(field(o, "references"))};
}

ValueList build_values(const Json& values, Kept& kept) {
  std::string encoded;
  for (const Json& each : values.as_array()) encode(build_value(each), encoded);
  return {static_cast<std::uint32_t>(values.as_array().size()), kept(encoded)};
}

handle::Site build_site(const Object& o) {
  handle::Site s;
  s.format = small<std::uint16_t>(o, "data_format_version");
  s.version = {small<std::uint8_t>(o, "protocol_major"), small<std::uint8_t>(o, "protocol_minor")};
  s.serial = small<std::uint16_t>(o, "serial");
  s.primary = flag(o, "primary");
  s.multi_primary = flag(o, "multi_primary");
  s.hash_option = small<std::uint8_t>(o, "hash_option");
  s.hash_filter = octets(o, "hash_filter");
  for (const Json& each : list(o, "attributes"))
    s.attributes.emplace_back(text(each.as_object(), "name"), text(each.as_object(), "value"));
  for (const Json& each : list(o, "servers")) {
    const Object& from = each.as_object();
    handle::SiteServer server;
    server.id = u32(from, "server_id");
    const std::string address = octets(from, "address");
    if (address.size() != server.address.size()) throw std::runtime_error("an address of another size");
    std::ranges::copy(address, server.address.begin());
    server.public_key = octets(from, "public_key");
    for (const Json& at : list(from, "interfaces")) {
      const Object& i = at.as_object();
      server.interfaces.push_back(
          {small<std::uint8_t>(i, "type"), small<std::uint8_t>(i, "protocol"), u32(i, "port")});
    }
    s.servers.push_back(std::move(server));
  }
  return s;
}

handle::TextList build_texts(const Json& texts, Kept& kept) {
  std::vector<std::string> all;
  for (const Json& each : texts.as_array()) all.push_back(text(each));
  std::string encoded;
  handle::encode_texts(all, encoded);
  return {static_cast<std::uint32_t>(all.size()), without_count(encoded, kept)};
}

handle::IndexList build_indexes(const Json& indexes, Kept& kept) {
  std::vector<std::uint32_t> all;
  for (const Json& each : indexes.as_array()) all.push_back(static_cast<std::uint32_t>(number(each)));
  std::string encoded;
  handle::encode_indexes(all, encoded);
  return {static_cast<std::uint32_t>(all.size()), without_count(encoded, kept)};
}

handle::Request build_request(const Object& fields, Kept& kept) {
  handle::Request r;
  r.envelope = build_envelope(object(fields, "envelope"));
  r.header = build_header(object(fields, "header"));
  const Object& body = object(fields, "body");
  if (r.op() != handle::OpCode::kSessionKeyExchange) r.name = request_name(body, kept);
  r.body = request_body(r.op(), body, kept);
  return r;
}

handle::Response build_response(const Object& fields, Kept& kept) {
  handle::Response r;
  r.envelope = build_envelope(object(fields, "envelope"));
  r.header = build_header(object(fields, "header"));
  if (has(fields, "request_digest")) {
    const Object& digest = object(fields, "request_digest");
    r.request_digest = {true, small<std::uint8_t>(digest, "algorithm"), octet_field(digest, "digest", kept)};
  }
  const Object& b = object(fields, "body");
  // Below 2.5 code 303 is what is called 7 since.
  if (r.code() == handle::ResponseCode::kPrefixReferral && !r.envelope.version.at_least(2, 5))
    r.header.response_code = static_cast<std::uint32_t>(handle::ResponseCode::kReadOnly);
  switch (r.code()) {
    case handle::ResponseCode::kSuccess: success_body(b, kept, r); break;
    case handle::ResponseCode::kServiceReferral:
    case handle::ResponseCode::kPrefixReferral:
      r.name = text_field(b, "handle", kept);
      r.has_values = has(b, "values");
      if (r.has_values) r.values = build_values(field(b, "values"), kept);
      break;
    case handle::ResponseCode::kAuthenticationNeeded: r.nonce = octet_field(b, "nonce", kept); break;
    default: r.has_text = true; r.text = text_field(b, "message", kept);
  }
  return r;
}

}  // namespace idnode::vectors
