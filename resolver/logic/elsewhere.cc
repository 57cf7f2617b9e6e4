#include "resolver/logic/elsewhere.h"

#include <algorithm>
#include <variant>

#include "protocol/identifier.h"
#include "resolver/logic/responsible.h"

namespace idnode {
namespace {

// Who would have to be asked.
struct Target {
  enum class Kind {
    kNobody,    // a prefix of ours that is not hosted now
    kUnknown,   // a prefix below ours that nobody has registered
    kRoute,     // sites that we know
    kUpstream,  // the national node
  };
  Kind kind = Kind::kUpstream;
  std::shared_ptr<const PrefixEntry> route;
};

// A prefix record with the sites of `referral` in place of its own: prefixes below it live there.
std::shared_ptr<const PrefixEntry> below(const PrefixEntry& referral) {
  auto entry = std::make_shared<PrefixEntry>();
  entry->prefix_handle = referral.prefix_handle;
  entry->version = referral.version;
  ValueWalk walk({referral.referral_value_count, referral.referral_values});
  for (ValueView value; walk.next(value);) {
    if (Result<handle::Site> site = handle::decode_site(value.data); site)
      entry->sites.push_back(std::move(*site));
  }
  return entry->sites.empty() ? nullptr : entry;
}

Target referred(const PrefixEntry* referral) {
  if (referral != nullptr) {
    if (auto route = below(*referral); route != nullptr) return {Target::Kind::kRoute, std::move(route)};
  }
  return {};
}

Target target_of(Context& context, std::string_view name) {
  const std::string_view prefix = folded_prefix_handle(context, name);
  if (std::shared_ptr<const PrefixEntry> entry = context.route(prefix);
      entry != nullptr && entry->version != 0) {
    if (entry->ours) return {Target::Kind::kNobody, nullptr};
    if (!entry->sites.empty()) return {Target::Kind::kRoute, std::move(entry)};
    // Known, but without a site of its own: the national node may have one.
    return {};
  }
  if (!is_hosted(context, prefix)) return {};
  Target target = referred(referral_of(context, prefix));
  if (target.kind == Target::Kind::kUpstream) target.kind = Target::Kind::kUnknown;
  return target;
}

// A request of an upstream server that would go back to it (§17.2 rule 11).
bool comes_back(const Context& context) {
  const Address& from = context.source.peer.address;
  return !from.is_loopback() &&
         std::ranges::any_of(context.settings().upstream.servers,
                             [&](const Endpoint& each) { return each.address == from; });
}

Outcome ask(const handle::Request& request, Context& context, Target target) {
  if (request.header.recursion_count + 1U > context.settings().limits.recursion)
    return Refuse{handle::ResponseCode::kRecursionTooHigh, "the request has passed too many nodes"};
  return Forward{std::move(target.route)};
}

bool speaks_industrial(const handle::Request& request, const Context& context) {
  const auto* body = std::get_if<handle::ResolveBody>(&request.body);
  const SessionState& session = context.session;
  return (body != nullptr && body->has_identity) || session.kind == SessionState::Kind::kConnection ||
         (session.live != nullptr && session.live->connection != 0);
}

bool is_code(const Outcome& outcome, handle::ResponseCode code) {
  const auto* answer = std::get_if<Answer>(&outcome);
  return answer != nullptr && answer->code == code;
}

Outcome refer(const handle::Request& request, const Context& context, const Target& target, Outcome refusal) {
  const bool can = target.kind == Target::Kind::kRoute && target.route->site_value_count != 0 &&
                   request.op() == handle::OpCode::kResolve &&
                   context.settings().upstream.send_service_referral &&
                   request.envelope.suggested.at_least(2, 5) && !speaks_industrial(request, context);
  if (!can) return refusal;
  Answer answer;
  answer.code = handle::ResponseCode::kServiceReferral;
  answer.has_values = true;
  answer.values = {target.route->site_value_count, target.route->site_values};
  return answer;
}

}  // namespace

Outcome elsewhere(const handle::Request& request, Context& context, std::string_view name, Outcome refusal) {
  const bool recurse = context.source.may_recurse && request.has(handle::flag::kRecursive);
  if (is_code(refusal, handle::ResponseCode::kPrefixReferral)) {
    const bool old = !request.envelope.suggested.at_least(2, 10) &&
                     context.settings().compat.legacy_prefix_referral && context.source.may_recurse;
    Target target = recurse || old ? referred(referral_of(context, name)) : Target{};
    return target.kind == Target::Kind::kRoute ? ask(request, context, std::move(target)) : refusal;
  }
  if (const auto* refused = std::get_if<Refuse>(&refusal);
      refused == nullptr || refused->code != handle::ResponseCode::kNotResponsible)
    return refusal;
  // Another server of our own site holds it: no service to be found elsewhere.
  if (is_hosted(context, name)) return refusal;

  Target target = target_of(context, name);
  if (target.kind == Target::Kind::kNobody) return refusal;
  if (!recurse) return refer(request, context, target, std::move(refusal));
  if (target.kind == Target::Kind::kUnknown)
    return Refuse{handle::ResponseCode::kHandleNotFound, "nobody has registered the prefix", false};
  if (target.kind == Target::Kind::kUpstream &&
      (context.settings().upstream.servers.empty() || comes_back(context)))
    return refusal;
  return ask(request, context, std::move(target));
}

}  // namespace idnode
