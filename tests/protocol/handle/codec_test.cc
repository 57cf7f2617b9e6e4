// Rules of the codec that the golden vectors of single structures do not show.
#include <gtest/gtest.h>

#include <set>

#include "protocol/handle/admin.h"
#include "protocol/handle/fragment.h"
#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/handle/site.h"
#include "protocol/handle/status.h"
#include "tests/protocol/vectors/loader.h"

namespace idnode::handle {
namespace {

using vectors::Vector;

std::vector<Vector> malformed(std::string_view transport) {
  std::vector<Vector> out;
  for (Vector& v : vectors::load(vectors::default_path()))
    if (v.kind == "malformed" && vectors::text(v.fields, "transport") == transport)
      out.push_back(std::move(v));
  return out;
}

std::uint64_t required_code(const Vector& v) {
  const vectors::Object& required = vectors::object(v.fields, "required");
  return vectors::flag(required, "reply") ? vectors::number(required, "response_code") : 0;
}

// What must be answered 4 is refused here, what must not be answered is told apart as a response, and
// everything else decodes.
TEST(Codec, MalformedMessages) {
  std::size_t refused = 0, dropped = 0, decoded = 0;
  for (const Vector& v : malformed("tcp")) {
    const auto envelope = decode_envelope(v.octets);
    if (!envelope || envelope->length > kMaxMessage || envelope->encrypted) continue;  // framing, session
    const std::string_view rest = std::string_view(v.octets).substr(kEnvelopeSize);
    if (rest.size() < envelope->length) continue;  // never whole
    const auto request = decode_request(*envelope, rest.substr(0, envelope->length), {});
    const std::uint64_t code = required_code(v);
    if (code == 4) {
      EXPECT_FALSE(request.has_value()) << v.name;
      if (!request) EXPECT_NE(request.error(), Errc::kRefused) << v.name;
      ++refused;
    } else if (code == 0) {
      EXPECT_TRUE(!request && request.error() == Errc::kRefused) << v.name;
      ++dropped;
    } else {
      EXPECT_TRUE(request.has_value()) << v.name;
      ++decoded;
    }
  }
  EXPECT_GE(refused, 25U);
  EXPECT_GE(dropped, 3U);
  EXPECT_GE(decoded, 60U);
}

// 4 when answered so, 1 when a message is put together, 0 when nothing comes of the datagrams.
int outcome(const Vector& v) {
  std::vector<Assembly> open;
  for (const vectors::Json& each : vectors::list(v.fields, "packets")) {
    const std::string datagram = vectors::octets(each);
    const Datagram d = classify_datagram(datagram, true);
    if (d.arrival == Arrival::kMalformed) return 4;
    if (d.arrival == Arrival::kWhole) return decode_request(d.envelope, d.part, {}) ? 1 : 4;
    if (d.arrival != Arrival::kFragment) continue;
    if (open.empty()) open.emplace_back(d.envelope);
    if (!open.front().add(d.envelope, d.part)) continue;
    return decode_request(open.front().envelope(), open.front().take(), {}) ? 1 : 4;
  }
  return 0;
}

TEST(Codec, MalformedDatagrams) {
  std::size_t checked = 0;
  for (const Vector& v : malformed("udp")) {
    const std::uint64_t code = required_code(v);
    EXPECT_EQ(outcome(v), code == 4 ? 4 : code == 0 ? 0 : 1) << v.name;
    ++checked;
  }
  EXPECT_GE(checked, 12U);
}

TEST(Codec, OverlongDatagramLength) {
  Envelope envelope;
  envelope.length = kMaxMessage + 1;
  std::string datagram;
  encode(envelope, datagram);
  EXPECT_EQ(classify_datagram(datagram, true).arrival, Arrival::kMalformed);
  EXPECT_EQ(classify_datagram(datagram, false).arrival, Arrival::kDrop);
}

TEST(Codec, ResponseVersion) {
  struct Case {
    Version suggested, response;
  };
  for (const Case& c :
       {Case{{2, 11}, {2, 11}}, Case{{2, 12}, {2, 11}}, Case{{2, 255}, {2, 11}}, Case{{3, 0}, {2, 11}},
        Case{{2, 4}, {2, 4}}, Case{{5, 0}, {5, 0}}, Case{{1, 0}, {1, 0}}, Case{{0, 0}, {0, 0}}})
    EXPECT_EQ(response_version(c.suggested), c.response);
  EXPECT_FALSE((Version{5, 0}.at_least(2, 1)));
  EXPECT_TRUE((Version{3, 0}.at_least(2, 11)));
}

std::string resolution(std::string_view name) {
  Request request;
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kResolve);
  request.name = name;
  request.body = ResolveBody{};
  std::string frame;
  encode_request(request, {}, frame);
  return frame;
}

Result<Request> decode(std::string_view frame, const RequestLimits& limits) {
  return decode_request(decode_envelope(frame).value(), frame.substr(kEnvelopeSize), limits);
}

TEST(Codec, NameLimit) {
  const std::string frame = resolution(std::string(64, 'a'));
  EXPECT_TRUE(decode(frame, {.name_bytes = 64}));
  EXPECT_EQ(decode(frame, {.name_bytes = 63}).error(), Errc::kTooLarge);
}

TEST(Codec, ValueLimit) {
  std::string values;
  encode_all({Value{.index = 1}, Value{.index = 2}}, values);
  Request request;
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kCreate);
  request.body = ValuesBody{{2, values}};
  std::string frame;
  encode_request(request, {}, frame);
  EXPECT_TRUE(decode(frame, {.values = 2}));
  EXPECT_EQ(decode(frame, {.values = 1}).error(), Errc::kTooLarge);
}

TEST(Codec, FilterLimit) {
  std::string indexes;
  encode_indexes({1, 2, 3}, indexes);
  std::string types;
  encode_texts({"A", "B"}, types);
  Request request;
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kResolve);
  request.body = ResolveBody{.indexes = {3, std::string_view(indexes).substr(4)},
                             .types = {2, std::string_view(types).substr(4)}};
  std::string frame;
  encode_request(request, {}, frame);
  EXPECT_TRUE(decode(frame, {.values = 3}));
  EXPECT_EQ(decode(frame, {.values = 2}).error(), Errc::kTooLarge);
}

// Opcode 201 takes the digest behind an algorithm octet too (WIRE.md §11 note 4).
TEST(Codec, VerifyDigestForms) {
  Request request;
  request.header.opcode = static_cast<std::uint32_t>(OpCode::kVerifyAnswer);
  const std::string digest(20, 'd');
  request.body = VerifyBody{300, "nonce", digest, "proof"};
  std::string frame;
  encode_request(request, {}, frame);
  const std::size_t at = frame.find(std::string("\0\0\0\x14", 4) + digest);
  ASSERT_NE(at, std::string::npos);
  for (const auto& [first, ok] : {std::pair{'\2', true}, {'\1', false}, {'\4', false}}) {
    std::string other = frame;
    other.replace(at, 4, 1, first);
    Writer(other).patch_u32(kEnvelopeSize + 20, static_cast<std::uint32_t>(other.size() - 48));
    const auto got = decode(other, {});
    EXPECT_EQ(got.has_value(), ok) << int{first};
    if (ok) EXPECT_EQ(std::get<VerifyBody>(got->body).digest, digest);
  }
}

TEST(Codec, CredentialRoundTrip) {
  const Credential credential{true, 0, 0, 0, "", 7, "HS_MAC", "HMAC-SHA256", "a mac"};
  std::string out;
  encode(credential, out);
  EXPECT_EQ(decode_credential(out), credential);
  EXPECT_EQ(decode_credential(out + "more"), credential);
  EXPECT_EQ(decode_credential(std::string(3, '\x7f')), Credential{});
  EXPECT_FALSE(decode_credential(std::string_view(out).substr(0, out.size() - 1)));
}

// BEHAVIOUR §20.32: which codes a client knows.
TEST(Codec, OperationsAndCodes) {
  std::set<std::string_view> names;
  std::size_t known = 0;
  for (std::uint32_t opcode = 0; opcode < 3'000; ++opcode) {
    const OperationName* row = find_operation(opcode);
    if (row == nullptr) continue;
    ++known;
    EXPECT_TRUE(names.insert(row->name).second) << row->name;
    EXPECT_EQ(static_cast<std::uint32_t>(row->code), opcode);
  }
  EXPECT_EQ(known, 22U);
  EXPECT_EQ(find_operation(0), nullptr);
  std::set<std::uint32_t> standard;
  for (std::uint32_t code = 0; code < 1'000; ++code)
    if (is_standard(code)) standard.insert(code);
  EXPECT_EQ(standard.size(), 7U + 3 + 3 + 4 + 7 + 6);
  EXPECT_FALSE(is_standard(0) || is_standard(601) || is_standard(900));
}

// Codes that versions below 2.5 know by another number, or by none (WIRE.md §10). What is read is what such a
// client understands: 202 has become 201 for good, and 303 is its code 7.
TEST(Codec, CodesOfOldVersions) {
  struct Case {
    std::uint8_t minor;
    std::uint32_t code, wire, read;
  };
  for (const Case& c :
       {Case{4, 7, 303, 7}, Case{4, 202, 201, 201}, Case{4, 303, 303, 7}, Case{4, 201, 201, 201},
        Case{5, 7, 7, 7}, Case{5, 202, 202, 202}, Case{5, 303, 303, 303}, Case{5, 201, 201, 201}}) {
    Response response;
    response.envelope.version = {2, c.minor};
    response.header = {.opcode = static_cast<std::uint32_t>(OpCode::kModifyValues), .response_code = c.code};
    std::string frame;
    encode_response(response, {}, frame);
    const std::string_view message = std::string_view(frame).substr(kEnvelopeSize);
    EXPECT_EQ(decode_header(message)->response_code, c.wire) << c.code << " at 2." << int{c.minor};
    const auto read = decode_response(decode_envelope(frame).value(), message);
    ASSERT_TRUE(read) << c.code << " at 2." << int{c.minor};
    EXPECT_EQ(read->header.response_code, c.read) << c.code << " at 2." << int{c.minor};
  }
}

TEST(Codec, NoFailureIsASuccess) {
  for (std::uint16_t e = 1; e <= static_cast<std::uint16_t>(Errc::kClosed); ++e) {
    const ResponseCode code = code_of(Errc{e});
    EXPECT_TRUE(is_standard(static_cast<std::uint32_t>(code)) && code != ResponseCode::kSuccess) << e;
  }
}

TEST(Codec, References) {
  EXPECT_EQ(parse_reference("300:88.118/ADMIN"), (Reference{"88.118/ADMIN", 300}));
  EXPECT_EQ(parse_reference("0:a:b"), (Reference{"a:b", 0}));
  for (std::string_view bad : {"", ":x", "x:1", "300", "-1:x", "4294967296:x", " 1:x"})
    EXPECT_FALSE(parse_reference(bad)) << bad;
  EXPECT_EQ(to_text({"88.118/ADMIN", 300}), "300:88.118/ADMIN");

  EXPECT_TRUE(identity_matches({"ab.1/X", 0}, "AB.1/X", 300));
  EXPECT_TRUE(identity_matches({"ab.1/X", 300}, "AB.1/X", 300));
  EXPECT_FALSE(identity_matches({"ab.1/X", 300}, "AB.1/X", 0));
  EXPECT_FALSE(identity_matches({"ab.1/X", 300}, "AB.1/x", 300));
  EXPECT_TRUE(identity_matches({"0.NA/abc", 300}, "0.na/ABC", 300));
}

TEST(Codec, SiteAddresses) {
  const auto v4 = parse_address("10.1.2.3");
  ASSERT_TRUE(v4);
  EXPECT_EQ((std::string(v4->begin(), v4->end())), std::string(12, '\0') + "\x0a\1\2\3");
  EXPECT_EQ(parse_address("::ffff:10.1.2.3"), v4);
  for (std::string_view text : {"10.1.2.3", "::1", "2001:db8::5", "0.0.0.0"})
    EXPECT_EQ(address_text(parse_address(text).value()), text);
  for (std::string_view bad : {"", "10.1.2", "host", "1.2.3.4 ", "::1%lo"}) EXPECT_FALSE(parse_address(bad));
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0x", 9)));
}

}  // namespace
}  // namespace idnode::handle
