#include "resolver/logic/question.h"

#include <variant>

#include "protocol/bytes.h"
#include "protocol/handle/request.h"

namespace idnode {
namespace {

constexpr std::uint32_t kPassedOn = handle::flag::kAuthoritative | handle::flag::kCertify |
                                    handle::flag::kPublicOnly | handle::flag::kDoNotRefer |
                                    handle::flag::kCacheCertify | handle::flag::kRecurseWithIdentity;

void write_list(std::uint32_t count, std::string_view encoded, std::string& out) {
  Writer writer(out);
  writer.u32(count);
  writer.raw(encoded);
}

}  // namespace

Question make_question(const handle::Request& request, std::shared_ptr<const PrefixEntry> route) {
  Question question;
  question.op = request.op();
  question.name = request.name;
  question.flags = request.header.flags & kPassedOn;
  question.recursion_count = static_cast<std::uint8_t>(request.header.recursion_count + 1);
  question.route = std::move(route);
  if (const auto* body = std::get_if<handle::ResolveBody>(&request.body)) {
    write_list(body->indexes.count, body->indexes.encoded, question.indexes);
    write_list(body->types.count, body->types.encoded, question.types);
    question.has_identity = body->has_identity;
    question.identity = body->identity;
  } else {
    // A verdict about a proof is only worth something signed.
    question.flags |= handle::flag::kCertify;
    question.verify_body = request.covered.substr(handle::kHeaderSize);
  }
  return question;
}

}  // namespace idnode
