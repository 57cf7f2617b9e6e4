#include "protocol/handle/request.h"

namespace idnode::handle {
namespace {

constexpr std::size_t kIndexSize = 4;
constexpr std::size_t kSmallestText = 4;

// Digest in an opcode 201 body: raw behind an algorithm octet, or bytes, whose first octet is 0.
std::string_view read_verify_digest(Reader& r) {
  switch (r.u8()) {
    case 0: {
      const std::uint32_t high = r.u8();
      return r.take((high << 16) | r.u16());
    }
    case 1: return r.take(16);
    case 2: return r.take(20);
    case 3: return r.take(32);
    default: r.fail(Errc::kMalformed); return {};
  }
}

// What reads one kind of body. The request's envelope is decoded already.
using ReadBody = void (*)(Reader&, const RequestLimits&, Request&);

void read_name(Reader& r, const RequestLimits& limits, Request& request) {
  request.name = r.bytes();
  if (request.name.size() > limits.name_bytes) r.fail(Errc::kTooLarge);
}

void read_resolve(Reader& r, const RequestLimits& limits, Request& request) {
  read_name(r, limits, request);
  auto& body = request.body.emplace<ResolveBody>();
  body.indexes = read_indexes(r);
  body.types = read_texts(r);
  // A record has no more values than that; each value is compared with each entry.
  if (body.indexes.count > limits.values || body.types.count > limits.values) r.fail(Errc::kTooLarge);
  // Octets that are no whole identity field are extra octets, which are ignored.
  Reader trial = r;
  const std::string_view identity = trial.bytes();
  if (r.ok() && trial.ok()) {
    body.has_identity = true;
    body.identity = identity;
  }
}

void read_values_body(Reader& r, const RequestLimits& limits, Request& request) {
  read_name(r, limits, request);
  request.body = ValuesBody{read_values(r, limits.values)};
}

void read_indexes_body(Reader& r, const RequestLimits& limits, Request& request) {
  read_name(r, limits, request);
  request.body = IndexesBody{read_indexes(r)};
}

void read_answer(Reader& r, const RequestLimits& limits, Request& request) {
  auto& body = request.body.emplace<ChallengeAnswerBody>();
  body.type = r.bytes();
  read_name(r, limits, request);
  body.index = r.u32();
  body.proof = r.bytes();
}

void read_verify(Reader& r, const RequestLimits& limits, Request& request) {
  read_name(r, limits, request);
  auto& body = request.body.emplace<VerifyBody>();
  body.index = r.u32();
  body.nonce = r.bytes();
  body.digest = read_verify_digest(r);
  body.proof = r.bytes();
}

void read_session_setup(Reader& r, const RequestLimits& limits, Request& request) {
  auto& body = request.body.emplace<SessionSetupBody>();
  body.mode = r.u16();
  body.timeout_seconds = r.u32();
  read_name(r, limits, request);
  body.index = r.u32();
  if (body.mode == 1 || body.mode == 4) body.public_key = r.bytes();
  if (body.mode == 3) {
    body.exchange_handle = r.bytes();
    body.exchange_index = r.u32();
  }
}

void read_key_exchange(Reader& r, const RequestLimits&, Request& request) {
  request.body = KeyExchangeBody{r.bytes()};
}

void read_transactions(Reader& r, const RequestLimits&, Request& request) {
  auto& body = request.body.emplace<TransactionsBody>();
  if (request.envelope.version.at_least(2, 9)) body.marker = r.u8();
  if (body.marker == 0) {
    body.last_id = r.u64();
    body.last_date_ms = r.u64();
  } else if (body.marker == 1) {
    body.state = r.bytes();
  } else {
    r.fail(Errc::kMalformed);
  }
  body.hash_option = r.u8();
  body.servers = r.u32();
  body.server = r.u32();
}

void read_dump(Reader& r, const RequestLimits&, Request& request) {
  auto& body = request.body.emplace<DumpBody>();
  body.hash_option = r.u8();
  body.servers = r.u32();
  body.server = r.u32();
  body.resumes = r.ok() && !r.at_end();
  if (!body.resumes) return;
  body.start = r.bytes();
  body.start_type = r.u32();
}

void read_login(Reader& r, const RequestLimits& limits, Request& request) {
  read_name(r, limits, request);
  request.body = LoginBody{r.u32()};
}

// Answered "not supported" whatever stands in it.
void read_nothing(Reader&, const RequestLimits&, Request&) {}

ReadBody reader_of(OpCode op) {
  switch (op) {
    case OpCode::kResolve: return read_resolve;
    case OpCode::kSiteInfo:
    case OpCode::kDelete:
    case OpCode::kListHandles:
    case OpCode::kHomePrefix:
    case OpCode::kUnhomePrefix:
    case OpCode::kListHomed:
    case OpCode::kSessionTerminate:
    case OpCode::kNextTransactionId:
    case OpCode::kBackUp: return read_name;
    case OpCode::kCreate:
    case OpCode::kAddValues:
    case OpCode::kModifyValues: return read_values_body;
    case OpCode::kRemoveValues: return read_indexes_body;
    case OpCode::kListDerivedPrefixes: return read_nothing;
    case OpCode::kAnswerChallenge: return read_answer;
    case OpCode::kVerifyAnswer: return read_verify;
    case OpCode::kSessionSetup: return read_session_setup;
    case OpCode::kSessionKeyExchange: return read_key_exchange;
    case OpCode::kRetrieveTransactions: return read_transactions;
    case OpCode::kDumpHandles: return read_dump;
    case OpCode::kLogin: return read_login;
    case OpCode::kReserved: break;
  }
  return nullptr;
}

// Writes the body of a request: one call operator a kind of body.
struct BodyWriter {
  Writer& w;
  const Request& request;

  void operator()(const NameBody&) const {
    if (request.op() != OpCode::kListDerivedPrefixes) w.bytes(request.name);
  }
  void operator()(const ResolveBody& body) const {
    w.bytes(request.name);
    write_indexes(body.indexes);
    w.u32(body.types.count);
    w.raw(body.types.encoded);
    if (body.has_identity) w.bytes(body.identity);
  }
  void operator()(const ValuesBody& body) const {
    w.bytes(request.name);
    w.u32(body.values.count);
    w.raw(body.values.encoded);
  }
  void operator()(const IndexesBody& body) const {
    w.bytes(request.name);
    write_indexes(body.indexes);
  }
  void operator()(const ChallengeAnswerBody& body) const {
    w.bytes(body.type);
    w.bytes(request.name);
    w.u32(body.index);
    w.bytes(body.proof);
  }
  void operator()(const VerifyBody& body) const {
    w.bytes(request.name);
    w.u32(body.index);
    w.bytes(body.nonce);
    w.bytes(body.digest);
    w.bytes(body.proof);
  }
  void operator()(const SessionSetupBody& body) const {
    w.u16(body.mode);
    w.u32(body.timeout_seconds);
    w.bytes(request.name);
    w.u32(body.index);
    if (body.mode == 1 || body.mode == 4) w.bytes(body.public_key);
    if (body.mode == 3) {
      w.bytes(body.exchange_handle);
      w.u32(body.exchange_index);
    }
    w.u16(0);  // part of the format by an error of the reference (WIRE.md §11 note 1)
  }
  void operator()(const KeyExchangeBody& body) const { w.bytes(body.encrypted_key); }
  void operator()(const TransactionsBody& body) const {
    const bool marked = request.envelope.version.at_least(2, 9);
    if (marked) w.u8(body.marker);
    if (marked && body.marker == 1) {
      w.bytes(body.state);
    } else {
      w.u64(body.last_id);
      w.u64(body.last_date_ms);
    }
    write_receiver(body.hash_option, body.servers, body.server);
  }
  void operator()(const DumpBody& body) const {
    write_receiver(body.hash_option, body.servers, body.server);
    if (!body.resumes) return;
    w.bytes(body.start);
    w.u32(body.start_type);
  }
  void operator()(const LoginBody& body) const {
    w.bytes(request.name);
    w.u32(body.index);
  }

  void write_indexes(const IndexList& list) const {
    w.u32(list.count);
    w.raw(list.encoded);
  }
  void write_receiver(std::uint8_t hash_option, std::uint32_t servers, std::uint32_t server) const {
    w.u8(hash_option);
    w.u32(servers);
    w.u32(server);
  }
};

}  // namespace

std::uint32_t IndexList::operator[](std::uint32_t i) const {
  return Reader(encoded.substr(std::size_t{i} * kIndexSize, kIndexSize)).u32();
}

bool IndexList::contains(std::uint32_t index) const {
  Reader r(encoded);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (r.u32() == index) return true;
  }
  return false;
}

IndexList read_indexes(Reader& reader) {
  IndexList list;
  list.count = reader.count(kIndexSize);
  list.encoded = reader.take(std::size_t{list.count} * kIndexSize);
  return list;
}

TextList read_texts(Reader& reader) {
  TextList list;
  list.count = reader.count(kSmallestText);
  const std::size_t start = reader.position();
  for (std::uint32_t i = 0; i < list.count && reader.ok(); ++i) reader.bytes();
  list.encoded = reader.since(start);
  return reader.ok() ? list : TextList{};
}

bool TextWalk::next(std::string_view& text) {
  if (left_ == 0) return false;
  --left_;
  text = reader_.bytes();
  return reader_.ok();
}

Result<Request> decode_request(const Envelope& envelope, std::string_view message,
                               const RequestLimits& limits) {
  const Result<Header> header = decode_header(message);
  if (!header) return std::unexpected(header.error());
  if (header->response_code != 0) return std::unexpected(Errc::kRefused);
  const ReadBody read_body = reader_of(static_cast<OpCode>(header->opcode));
  if (read_body == nullptr) return std::unexpected(Errc::kUnsupported);

  Request request;
  request.envelope = envelope;
  request.header = *header;
  request.covered = message.substr(0, kHeaderSize + header->body_length);
  Reader body(request.covered.substr(kHeaderSize));
  read_body(body, limits, request);
  if (!body.ok()) return std::unexpected(body.error());
  const Result<Credential> credential = decode_credential(message.substr(request.covered.size()));
  if (!credential) return std::unexpected(credential.error());
  request.credential = *credential;
  return request;
}

void encode_request(const Request& request, std::string_view credential_octets, std::string& out) {
  const std::size_t start = out.size();
  Writer w(out);
  encode(request.envelope, out);
  Header header = request.header;
  if (!request.envelope.version.at_least(2, 1)) header.flags &= ~flag::kReturnDigest;
  encode(header, out);
  const std::size_t body = out.size();
  std::visit(BodyWriter{w, request}, request.body);
  w.patch_u32(body - 4, static_cast<std::uint32_t>(out.size() - body));
  if (!credential_octets.empty())
    w.raw(credential_octets);
  else if (request.op() != OpCode::kLogin)
    w.u32(0);
  w.patch_u32(start + kEnvelopeSize - 4, static_cast<std::uint32_t>(out.size() - start - kEnvelopeSize));
}

void encode_indexes(const std::vector<std::uint32_t>& indexes, std::string& out) {
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(indexes.size()));
  for (std::uint32_t each : indexes) w.u32(each);
}

void encode_texts(const std::vector<std::string>& texts, std::string& out) {
  Writer w(out);
  w.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& each : texts) w.bytes(each);
}

}  // namespace idnode::handle
