#include "resolver/logic/responsible.h"

#include "protocol/handle/site_hash.h"
#include "protocol/identifier.h"

namespace idnode {
namespace {

constexpr std::string_view kPrefixStart = "0.NA/";
// Ancestors that are looked at: a name of two thousand dots must not cost two thousand look-ups.
constexpr int kMostAncestors = 64;

// The nearest ancestor of a prefix handle for which `wanted` holds; empty when there is none.
template <class Wanted>
std::string_view nearest_ancestor(std::string_view folded, Wanted wanted) {
  int left = kMostAncestors;
  for (std::string_view each = parent_prefix_handle(folded); !each.empty() && left-- > 0;
       each = parent_prefix_handle(each)) {
    if (wanted(each)) return each;
  }
  return {};
}

// Codes other than those of resolution carry referrals only to clients that know them (§6.2 rule 6).
bool understands_referral(const handle::Request& request) {
  return request.op() == handle::OpCode::kResolve || request.op() == handle::OpCode::kVerifyAnswer ||
         request.envelope.suggested.at_least(2, 10);
}

bool marked(Context& context, std::string_view folded_prefix_handle) {
  std::string& marker = context.buffer();
  return !nearest_ancestor(folded_prefix_handle, [&](std::string_view ancestor) {
            marker.assign(kPrefixStart).append(ancestor);
            return context.routes().is_homed(marker);
          }).empty();
}

}  // namespace

std::string_view folded_prefix_handle(Context& context, std::string_view name) {
  std::string& out = context.buffer();
  out.assign(kPrefixStart);
  append_storage_form(split(name).prefix, false, out);
  return out;
}

std::string_view folded_name(Context& context, std::string_view name) {
  std::string& out = context.buffer();
  append_storage_form(name, false, out);
  return out;
}

bool hashes_here(const Context& context, std::string_view name) {
  const handle::Site& site = context.node().site;
  if (site.servers.size() <= 1) return true;
  const std::size_t server =
      handle::server_of_site(name, static_cast<handle::HashOption>(site.hash_option), site.servers.size());
  return server == context.node().server;
}

bool is_hosted(Context& context, std::string_view name) {
  if (context.routes().is_homed(folded_prefix_handle(context, name))) return true;
  return is_derived_prefix_handle(name) && marked(context, folded_name(context, name));
}

const PrefixEntry* referral_of(Context& context, std::string_view name) {
  const PrefixEntry* found = nullptr;
  nearest_ancestor(folded_name(context, name), [&](std::string_view ancestor) {
    found = context.routes().find(ancestor);
    if (found != nullptr && found->referral_value_count == 0) found = nullptr;
    return found != nullptr;
  });
  return found;
}

std::optional<Outcome> responsible(const handle::Request& request, Context& context, std::string_view name) {
  if (!hashes_here(context, name))
    return Refuse{handle::ResponseCode::kNotResponsible, "another server of this site holds the name"};
  if (!is_hosted(context, name))
    return Refuse{handle::ResponseCode::kNotResponsible, "the prefix is not hosted here"};
  if (!is_derived_prefix_handle(name) || request.has(handle::flag::kDoNotRefer) ||
      !understands_referral(request))
    return std::nullopt;
  const PrefixEntry* own = context.routes().find(folded_name(context, name));
  if (own != nullptr && own->version != 0) return std::nullopt;
  const PrefixEntry* referral = referral_of(context, name);
  if (referral == nullptr) return std::nullopt;
  Answer answer;
  answer.code = handle::ResponseCode::kPrefixReferral;
  answer.has_values = true;
  answer.values = {referral->referral_value_count, referral->referral_values};
  return answer;
}

}  // namespace idnode
