#include "tests/scenario/messages.h"

#include <stdexcept>

#include "protocol/handle/request.h"

namespace idnode::scenario {
namespace {

using handle::OpCode;

std::uint32_t opcode_of(const std::string& word) {
  if (!word.empty() && std::isdigit(static_cast<unsigned char>(word[0])))
    return static_cast<std::uint32_t>(std::stoul(word));
  for (std::uint32_t code = 1; code <= 2001; ++code) {
    const handle::OperationName* row = handle::find_operation(code);
    if (row != nullptr && row->name == word) return code;
  }
  throw std::runtime_error("no operation " + word);
}

std::uint32_t flags_of(const Command& command) {
  static const std::map<std::string, std::uint32_t> names = {
      {"AT", handle::flag::kAuthoritative}, {"CT", handle::flag::kCertify},
      {"RE", handle::flag::kRecursive},     {"CA", handle::flag::kCacheCertify},
      {"PO", handle::flag::kPublicOnly},    {"RD", handle::flag::kReturnDigest},
      {"OV", handle::flag::kOverwrite},     {"MN", handle::flag::kMint},
      {"NR", handle::flag::kDoNotRefer},    {"EN", handle::flag::kEncrypt}};
  std::uint32_t flags = handle::flag::kClientDefault;
  for (const std::string& word : command.words) {
    if (word.size() < 3 || (word[0] != '+' && word[0] != '-')) continue;
    auto row = names.find(word.substr(1));
    if (row == names.end()) throw std::runtime_error("no flag " + word);
    flags = word[0] == '+' ? flags | row->second : flags & ~row->second;
  }
  return flags;
}

handle::Version version_of(const std::string& text) {
  std::size_t dot = text.find('.');
  return {static_cast<std::uint8_t>(std::stoi(text)),
          static_cast<std::uint8_t>(std::stoi(text.substr(dot + 1)))};
}

std::uint32_t number(const Command& command, std::string_view name, std::uint32_t otherwise) {
  auto text = command.option(name);
  return text ? static_cast<std::uint32_t>(std::stoul(*text)) : otherwise;
}

// The lists and octets that the views of a request point to while it is encoded.
struct Parts {
  std::string indexes, types, values, identity;
};

handle::RequestBody body_of(OpCode op, const Command& command, const Keys& keys,
                            const std::optional<AnswerFields>& answer, Parts& parts) {
  std::vector<std::uint32_t> indexes;
  for (const std::string& one : split_list(command.option("index").value_or("")))
    indexes.push_back(static_cast<std::uint32_t>(std::stoul(one)));
  handle::encode_indexes(indexes, parts.indexes);
  std::vector<std::string> types = split_list(command.option("type").value_or(""));
  handle::encode_texts(types, parts.types);
  handle::IndexList index_list{static_cast<std::uint32_t>(indexes.size()),
                               std::string_view(parts.indexes).substr(4)};
  handle::TextList type_list{static_cast<std::uint32_t>(types.size()),
                             std::string_view(parts.types).substr(4)};
  if (answer) return handle::ChallengeAnswerBody{answer->type, answer->index, answer->proof};
  switch (op) {
    case OpCode::kResolve:
      parts.identity = command.option("identity").value_or("");
      return handle::ResolveBody{index_list, type_list, command.option("identity").has_value(),
                                 parts.identity};
    case OpCode::kCreate:
    case OpCode::kAddValues:
    case OpCode::kModifyValues: {
      std::vector<Value> values = parse_values(command.block, keys);
      encode_all(values, parts.values);
      return handle::ValuesBody{{static_cast<std::uint32_t>(values.size()), parts.values}};
    }
    case OpCode::kRemoveValues: return handle::IndexesBody{index_list};
    case OpCode::kSessionSetup:
      return handle::SessionSetupBody{.mode = static_cast<std::uint16_t>(number(command, "mode", 4)),
                                      .index = 0xffffffff};
    case OpCode::kSessionKeyExchange: return handle::KeyExchangeBody{};
    case OpCode::kLogin: return handle::LoginBody{number(command, "as", 300)};
    case OpCode::kAnswerChallenge: return handle::ChallengeAnswerBody{"HS_SECKEY", 301, "proof"};
    case OpCode::kRetrieveTransactions: return handle::TransactionsBody{};
    case OpCode::kDumpHandles: return handle::DumpBody{};
    case OpCode::kVerifyAnswer: throw std::runtime_error("verify is written as `verify KEY INDEX:HANDLE`");
    default: return handle::NameBody{};
  }
}

Source source_of(const Command& command) {
  Source source;
  source.transport = command.has("udp") ? Transport::kUdp : Transport::kTcp;
  source.peer = {parse_ip(command.option("from").value_or("127.0.0.1")).value(), 40'000};
  source.connection = source.transport == Transport::kUdp ? 0 : number(command, "connection", 1);
  return source;
}

// Everything but operation, name and body.
handle::Request outline(const Command& command, std::uint32_t request_id, std::uint32_t session) {
  handle::Request request;
  request.envelope.version = version_of(command.option("version").value_or("2.11"));
  request.envelope.suggested = version_of(command.option("suggest").value_or("2.11"));
  request.envelope.request_id = number(command, "id", request_id);
  request.envelope.session_id = number(command, "session", session);
  request.envelope.encrypted = command.has("encrypted_bit");
  request.header.flags = flags_of(command);
  request.header.site_serial = static_cast<std::uint16_t>(number(command, "serial", handle::kUnknownSerial));
  request.header.recursion_count = static_cast<std::uint8_t>(number(command, "count", 0));
  request.header.response_code = number(command, "response", 0);
  request.header.expiration = 1'893'456'000;
  return request;
}

// A name as it is written, or `hex:...`.
std::string octets_of(const std::string& name) {
  return name.starts_with("hex:") ? from_hex(name.substr(4)).value() : name;
}

// `extra=HEX` puts octets behind the body (in front of the absent credential).
void extend(const Command& command, std::string& frame) {
  constexpr std::size_t kNoCredential = 4;
  const std::string extra = from_hex(command.option("extra").value_or("")).value();
  frame.insert(frame.size() - kNoCredential, extra);
  const std::size_t body = frame.size() - handle::kEnvelopeSize - handle::kHeaderSize - kNoCredential;
  Writer writer(frame);
  writer.patch_u32(handle::kEnvelopeSize + handle::kHeaderSize - 4, static_cast<std::uint32_t>(body));
  writer.patch_u32(handle::kEnvelopeSize - 4,
                   static_cast<std::uint32_t>(frame.size() - handle::kEnvelopeSize));
}

// `cut=N` takes N octets off the end of the message.
void cut(const Command& command, std::string& frame) {
  const std::size_t message = frame.size() - handle::kEnvelopeSize;
  const std::size_t left = message - std::min<std::size_t>(number(command, "cut", 0), message);
  frame.resize(handle::kEnvelopeSize + left);
  Writer(frame).patch_u32(handle::kEnvelopeSize - 4, static_cast<std::uint32_t>(left));
}

}  // namespace

std::unique_ptr<Sent> make_request(const Command& command, const Keys& keys, std::uint32_t request_id,
                                   const std::optional<AnswerFields>& answer) {
  auto sent = std::make_unique<Sent>();
  sent->source = source_of(command);
  handle::Request request = outline(command, request_id, answer ? answer->session : 0);
  request.header.opcode =
      answer ? static_cast<std::uint32_t>(OpCode::kAnswerChallenge) : opcode_of(command.word(1));
  const std::string name = octets_of(answer ? answer->identity : command.word(2));
  request.name = name;
  Parts parts;
  request.body = body_of(static_cast<OpCode>(request.header.opcode), command, keys, answer, parts);
  handle::encode_request(request, {}, sent->frame);
  if (command.option("extra")) extend(command, sent->frame);
  cut(command, sent->frame);
  return sent;
}

std::unique_ptr<Sent> with_frame(const Sent& sent, std::string frame) {
  auto other = std::make_unique<Sent>();
  other->frame = std::move(frame);
  other->source = sent.source;
  return other;
}

std::unique_ptr<Sent> make_set_up(const Command& command, const std::string& public_key,
                                  std::uint32_t request_id) {
  auto sent = std::make_unique<Sent>();
  sent->source = source_of(command);
  handle::Request request = outline(command, request_id, 0);
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kSessionSetup);
  const auto identity = handle::parse_reference(command.option("as").value_or("4294967295:")).value();
  const auto owner = handle::parse_reference(command.option("exchange").value_or("300:none")).value();
  request.name = identity.handle;
  request.body = handle::SessionSetupBody{.mode = static_cast<std::uint16_t>(number(command, "mode", 4)),
                                          .timeout_seconds = number(command, "timeout", 86'400),
                                          .index = identity.index,
                                          .public_key = public_key,
                                          .exchange_handle = owner.handle,
                                          .exchange_index = owner.index};
  handle::encode_request(request, {}, sent->frame);
  return sent;
}

std::unique_ptr<Sent> make_verify(const Command& command, const std::string& identity,
                                  const handle::VerifyBody& body, std::uint32_t request_id) {
  auto sent = std::make_unique<Sent>();
  sent->source = source_of(command);
  handle::Request request = outline(command, request_id, 0);
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kVerifyAnswer);
  const std::string name = octets_of(identity);
  request.name = name;
  request.body = body;
  handle::encode_request(request, {}, sent->frame);
  cut(command, sent->frame);
  return sent;
}

}  // namespace idnode::scenario
