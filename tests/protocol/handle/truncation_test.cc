// Every cut of the body of every message among the golden vectors, with a header that announces the cut
// length and nothing behind it, in memory of exactly that size: refused, or one of the short forms listed
// here. (vector_test cuts whole messages and all other structures.)
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/handle/site.h"
#include "tests/protocol/vectors/loader.h"

namespace idnode::handle {
namespace {

struct Message {
  bool is_request = false;
  Envelope envelope;
  Header header;
  std::string_view body;
  Request request;  // of the whole, one of the two
  Response response;
  // Octets of the digest part in front of a response body.
  std::size_t digest_part() const {
    const bool in_front = response.request_digest.present && envelope.version.at_least(2, 1);
    return in_front ? 1 + response.request_digest.digest.size() : 0;
  }
  bool is_response(ResponseCode code) const { return !is_request && response.code() == code; }
};

struct LegalShort {
  const char* why;
  bool (*applies)(const Message& whole, std::size_t length);
};

constexpr LegalShort kLegal[] = {
    {"a resolution without the whole identity field (WIRE.md §25.2, §1 rule 4)",
     [](const Message& m, std::size_t length) {
       const auto* body = std::get_if<ResolveBody>(&m.request.body);
       return m.is_request && body != nullptr && body->has_identity &&
              length + 4 + body->identity.size() >= m.body.size();
     }},
    {"a session set-up without the two odd zero octets (§11 note 1)",
     [](const Message& m, std::size_t length) {
       const bool is_setup = m.header.opcode == static_cast<std::uint32_t>(OpCode::kSessionSetup);
       return is_setup && (m.is_request || m.is_response(ResponseCode::kSuccess)) &&
              length + 2 >= m.body.size();
     }},
    {"a dump that does not resume (§11)",
     [](const Message& m, std::size_t length) {
       const auto* body = std::get_if<DumpBody>(&m.request.body);
       return m.is_request && body != nullptr && length == 9;
     }},
    {"a create answer of an old server: nothing (§12)",
     [](const Message& m, std::size_t length) {
       return m.is_response(ResponseCode::kSuccess) && m.response.op() == OpCode::kCreate &&
              length == m.digest_part();
     }},
    {"a referral without values (§12)",
     [](const Message& m, std::size_t length) {
       return (m.is_response(ResponseCode::kServiceReferral) ||
               m.is_response(ResponseCode::kPrefixReferral)) &&
              length == m.digest_part() + 4 + m.response.name.size();
     }},
    {"an error without text (§12 note 2)",
     [](const Message& m, std::size_t length) { return m.response.has_text && length == m.digest_part(); }},
};

bool accepts(const Message& m, std::string_view cut) {
  if (m.is_request) return decode_request(m.envelope, cut, {}).has_value();
  const auto response = decode_response(m.envelope, cut);
  if (!response) return false;
  const bool is_site = response->code() == ResponseCode::kSuccess && response->op() == OpCode::kSiteInfo;
  return !is_site || decode_site(response->site).has_value();
}

Message read_whole(const vectors::Vector& v) {
  Message m;
  const std::string_view message = std::string_view(v.octets).substr(kEnvelopeSize);
  m.envelope = decode_envelope(v.octets).value();
  m.header = decode_header(message).value();
  m.is_request = m.header.response_code == 0;
  m.body = message.substr(kHeaderSize, m.header.body_length);
  if (m.is_request)
    m.request = decode_request(m.envelope, message, {}).value();
  else
    m.response = decode_response(m.envelope, message).value();
  return m;
}

struct Counts {
  std::size_t refused = 0;
  std::size_t legal = 0;
  std::size_t by_form[std::size(kLegal)] = {};
};

void cut_body(const Message& m, std::size_t length, const std::string& name, Counts& counts) {
  std::string octets;
  Header header = m.header;
  header.body_length = static_cast<std::uint32_t>(length);
  encode(header, octets);
  const std::size_t size = octets.size() + length;
  const std::unique_ptr<char[]> exact(new char[size]);
  std::memcpy(exact.get(), octets.data(), octets.size());
  if (length > 0) std::memcpy(exact.get() + octets.size(), m.body.data(), length);
  const auto* form = std::ranges::find_if(kLegal, [&](const LegalShort& l) { return l.applies(m, length); });
  const bool legal = form != std::end(kLegal);
  EXPECT_EQ(accepts(m, {exact.get(), size}), legal) << name << " body cut to " << length;
  ++(legal ? counts.legal : counts.refused);
  if (legal) ++counts.by_form[form - kLegal];
}

TEST(Truncation, EveryCutOfEveryBody) {
  Counts counts;
  for (const vectors::Vector& v : vectors::load(vectors::default_path())) {
    if (v.kind != "request" && v.kind != "response" && v.kind != "mac" && v.kind != "signed") continue;
    const Message m = read_whole(v);
    for (std::size_t length = 0; length < m.body.size(); ++length) cut_body(m, length, v.name, counts);
  }
  for (std::size_t i = 0; i < std::size(kLegal); ++i)
    EXPECT_GT(counts.by_form[i], 0U) << "no vector has the short form: " << kLegal[i].why;
  std::printf("truncations: %zu tried, %zu refused, %zu legal short forms (of bodies)\n",
              counts.refused + counts.legal, counts.refused, counts.legal);
  EXPECT_GT(counts.refused, 10'000U);
}

}  // namespace
}  // namespace idnode::handle
