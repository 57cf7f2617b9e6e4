// `idload conform`: black-box conformance. A table of requests, good and bad, each on a connection of its
// own, with the answer that WIRE.md §29 and BEHAVIOUR.md require. Reads only: nothing on the node is changed.
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/options.h"
#include "protocol/handle/fragment.h"
#include "resolver/net/client.h"

namespace idnode::load {
namespace {

using handle::OpCode;

constexpr std::size_t kMajorAt = 0;
constexpr std::size_t kSuggestedAt = 2;
constexpr std::size_t kSessionAt = 4;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kOpcodeAt = 20;
constexpr std::size_t kCodeAt = 24;
constexpr std::size_t kExpirationAt = 36;
constexpr std::size_t kBodyLengthAt = 40;
constexpr std::size_t kNameLengthAt = 44;

// What comes back: a code, silence, or the end of the connection.
constexpr std::uint32_t kSilence = 10'000;
constexpr std::uint32_t kEnd = 10'001;

enum class Then : std::uint8_t { kOpen, kClosed, kEither };

struct Row {
  const char* name;
  std::string octets;
  std::vector<std::uint32_t> codes;  // any of them is right
  Then then = Then::kOpen;           // what becomes of the connection
  bool udp = false;
  // More that must hold of the answer; its text says what.
  std::function<std::optional<std::string>(const handle::Response&)> more = {};
};

std::string frame(std::uint32_t op, std::string_view name,
                  std::uint32_t flags = handle::flag::kClientDefault) {
  handle::Request request = make_request(static_cast<OpCode>(op), name, {}, flags);
  request.envelope.request_id = 0x1d10ad;
  request.header.expiration = 0xffff'fff0;
  std::string out;
  handle::encode_request(request, {}, out);
  return out;
}
std::string resolution(std::string_view name, std::uint32_t flags = handle::flag::kClientDefault) {
  return frame(1, name, flags);
}
std::string with_u32(std::string octets, std::size_t at, std::uint32_t v) {
  Writer(octets).patch_u32(at, v);
  return octets;
}
std::string with_octet(std::string octets, std::size_t at, unsigned v) {
  octets[at] = static_cast<char>(v);
  return octets;
}
std::string other_version(std::string octets, unsigned major, unsigned minor) {
  octets = with_octet(with_octet(std::move(octets), kMajorAt, major), kMajorAt + 1, minor);
  return with_octet(with_octet(std::move(octets), kSuggestedAt, major), kSuggestedAt + 1, minor);
}

std::optional<std::string> has_values(const handle::Response& r) {
  if (r.values.count == 0) return "holds no values";
  return std::nullopt;
}
std::optional<std::string> has_digest(const handle::Response& r) {
  if (!r.request_digest.present) return "holds no request digest";
  return std::nullopt;
}
std::optional<std::string> is_site(const handle::Response& r) {
  if (r.site.empty()) return "holds no site";
  return std::nullopt;
}

std::vector<Row> answered_rows(const std::string& known) {
  const std::string asked = resolution(known);
  const std::string unknown = known + "-idload-conform-none";
  return {
      {"resolve", asked, {1}, Then::kOpen, false, has_values},
      {"resolve over UDP", asked, {1}, Then::kOpen, true, has_values},
      {"resolve, digest wanted",
       resolution(known, handle::flag::kReturnDigest),
       {1},
       Then::kOpen,
       false,
       has_digest},
      {"resolve twice on one connection", asked + asked, {1}, Then::kOpen, false, has_values},
      {"resolve an absent identifier", resolution(unknown), {100}},
      {"resolve an absent identifier over UDP", resolution(unknown), {100}, Then::kOpen, true},
      {"site information", frame(2, "/"), {1}, Then::kOpen, false, is_site},
      {"site information over UDP", frame(2, "/"), {1}, Then::kOpen, true, is_site},
      {"resolve, version 2.1", other_version(asked, 2, 1), {1}, Then::kOpen, false, has_values},
      {"resolve, version 9.9", other_version(asked, 9, 9), {1}, Then::kOpen, false, has_values},
      {"resolve, compressed flag",
       with_octet(asked, kSuggestedAt, 0x82),
       {1},
       Then::kOpen,
       false,
       has_values},
      {"resolve, expired", with_u32(asked, kExpirationAt, 1), {1}, Then::kOpen, false, has_values},
      {"resolve, session with the top bit set", with_u32(asked, kSessionAt, 0x8000'0000), {1}},
      {"resolve, name that is not UTF-8", resolution(known + "\xff"), {102}},
      {"resolve, empty name", resolution(""), {301}},
      {"create without proof", frame(100, unknown), {4, 202, 402}},
      {"delete without proof", frame(101, known), {402}},
      {"delete of an absent identifier", frame(101, unknown), {100, 402}},
  };
}

std::vector<Row> refused_rows(const std::string& known) {
  const std::string asked = resolution(known);
  return {
      {"unknown operation", with_u32(asked, kOpcodeAt, 9'999), {4}},
      {"unknown operation, all bits", with_u32(asked, kOpcodeAt, 0xffff'ffff), {4}},
      {"unknown operation over UDP", with_u32(asked, kOpcodeAt, 9'999), {4}, Then::kOpen, true},
      {"operation 0", with_u32(asked, kOpcodeAt, 0), {4}},
      {"operation 106", with_u32(asked, kOpcodeAt, 106), {5}},
      {"session that nobody opened", with_u32(asked, kSessionAt, 0x7fff'1234), {500}},
      {"encrypted without session", with_octet(asked, kSuggestedAt, 0x42), {501}},
      {"answer to no challenge", frame(200, known), {4, 405}},
      {"body longer than the message", with_u32(asked, kBodyLengthAt, 5'000), {4}},
      {"body length with the top bit set", with_u32(asked, kBodyLengthAt, 0x8000'0010), {4}},
      {"body length 0", with_u32(asked, kBodyLengthAt, 0), {4}},
      {"name longer than the body", with_u32(asked, kNameLengthAt, 5'000), {4}},
      {"name length with the top bit set", with_u32(asked, kNameLengthAt, 0x8000'0001), {4}},
      {"name length over UDP", with_u32(asked, kNameLengthAt, 5'000), {4}, Then::kOpen, true},
  };
}

std::vector<Row> framing_rows(const std::string& known) {
  const std::string asked = resolution(known);
  return {
      {"a response", with_u32(asked, kCodeAt, 1), {kSilence, kEnd}, Then::kEither},
      {"a response over UDP", with_u32(asked, kCodeAt, 1), {kSilence}, Then::kEither, true},
      {"length 0", with_u32(asked.substr(0, handle::kEnvelopeSize), kLengthAt, 0), {4}, Then::kClosed},
      {"length with the top bit set", with_u32(asked, kLengthAt, 0x8000'0000), {4}, Then::kClosed},
      {"length above the greatest", with_u32(asked, kLengthAt, handle::kMaxMessage + 1), {4}, Then::kClosed},
      {"text of another protocol", "GET / HTTP/1.1\r\nHost: id.example\r\n\r\n", {4}, Then::kClosed},
      {"64 octets ff", std::string(64, '\xff'), {4}, Then::kClosed},
      {"envelope cut short over UDP", asked.substr(0, 12), {kSilence}, Then::kEither, true},
      {"envelope and header cut short over UDP", asked.substr(0, 30), {4}, Then::kEither, true},
  };
}

struct Verdict {
  bool held = false;
  std::string text;  // what came instead
};

std::string text_of_answer(std::uint32_t code) {
  if (code == kSilence) return "nothing came";
  if (code == kEnd) return "the connection ended without an answer";
  return fmt::format("code {}", code);
}

Verdict judge(const Row& row, const ConformOptions& options) {
  const std::chrono::milliseconds wait(static_cast<std::int64_t>(options.timeout * 1'000));
  auto client = Client::open(
      options.target, {.udp = row.udp, .connect_wait = wait, .answer_wait = wait, .udp_waits = {wait}});
  if (!client) throw Stop{kUnreachable, to_text(options.target) + " cannot be reached: is it running there?"};
  if (!client->send_octets(row.octets)) return {false, "the octets could not be sent"};
  auto reply = client->receive_any();
  if (!reply && reply.error() == Errc::kRefused) return {false, "nobody listens there"};
  if (!reply && reply.error() == Errc::kMalformed) return {false, "octets that are no response"};
  const std::uint32_t code = reply                             ? reply->response.header.response_code
                             : reply.error() == Errc::kTimeout ? kSilence
                                                               : kEnd;
  if (std::find(row.codes.begin(), row.codes.end(), code) == row.codes.end())
    return {false, text_of_answer(code)};
  if (reply && row.more)
    if (auto wrong = row.more(reply->response)) return {false, *wrong};
  if (row.udp || row.then == Then::kEither) return {true, {}};
  if (row.then == Then::kClosed)
    return client->wait_closed(wait) ? Verdict{true, {}} : Verdict{false, "the connection stayed open"};
  // Still good for a further request.
  if (!client->send_octets(resolution(options.known))) return {false, "the connection was closed"};
  auto again = client->receive_any();
  if (!again) return {false, "the connection was not good for a further request"};
  return {true, {}};
}

void print(const Row& row, const Verdict& verdict, bool json) {
  const char* held = verdict.held ? "true" : "false";
  if (json)
    fmt::print("{{\"case\":\"{}\",\"held\":{},\"got\":\"{}\"}}\n", row.name, held, verdict.text);
  else if (!verdict.held)
    fmt::print("FAILED {}: {}\n", row.name, verdict.text);
}

}  // namespace

int run(const ConformOptions& options) {
  unsigned cases = 0;
  unsigned failed = 0;
  for (const auto& rows :
       {answered_rows(options.known), refused_rows(options.known), framing_rows(options.known)}) {
    for (const Row& row : rows) {
      const Verdict verdict = judge(row, options);
      print(row, verdict, options.json);
      ++cases;
      failed += verdict.held ? 0 : 1;
    }
  }
  if (!options.json) fmt::print("conform: cases={} failed={}\n", cases, failed);
  return failed == 0 ? kRight : kWrong;
}

}  // namespace idnode::load
