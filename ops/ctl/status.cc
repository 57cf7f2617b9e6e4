#include <fmt/core.h>

#include <boost/json.hpp>

#include "ops/ctl/commands.h"
#include "ops/ctl/table.h"
#include "protocol/handle/site.h"

namespace idnode::ctl {
namespace {

using handle::OpCode;
using handle::ResponseCode;

// The server's own numbers: value 2 of 0.SITE/status, for administrators (BEHAVIOUR.md §7.6). Empty when
// refused.
std::string status_json(Context& context, std::string& refusal) {
  if (context.identity() == nullptr) {
    refusal = "numbers need --as and --key of a node administrator";
    return {};
  }
  std::uint32_t flags = handle::flag::kClientDefault & ~handle::flag::kPublicOnly;
  Reply reply = context.ask(make_request(OpCode::kResolve, "0.SITE/status", handle::ResolveBody{}, flags),
                            context.identity());
  if (reply.code() != ResponseCode::kSuccess) {
    refusal = describe_refusal("0.SITE/status", reply);
    return {};
  }
  ValueWalk walk(reply.response.values);
  for (ValueView value; walk.next(value);) {
    if (value.index == 2) return std::string(value.data);
  }
  return {};
}

void append_rows(const boost::json::object& object, const std::string& path, Table& table) {
  for (const auto& member : object) {
    std::string name = path.empty() ? std::string(member.key()) : path + "." + std::string(member.key());
    if (member.value().is_object()) {
      append_rows(member.value().get_object(), name, table);
    } else if (member.value().is_string()) {
      table.add({name, std::string(member.value().get_string())});
    } else {
      table.add({name, boost::json::serialize(member.value())});
    }
  }
}

int run(Context& context) {
  Reply info = context.demand("site information", make_request(OpCode::kSiteInfo, "/"));
  auto site = handle::decode_site(info.response.site);
  if (!site) throw Stop(kRefusedByNode, "the node's site information cannot be read");
  std::string refusal;
  std::string numbers = status_json(context, refusal);
  if (context.options().json) {
    fmt::print("{}\n", numbers.empty() ? "{}" : numbers);
    return kDone;
  }
  Table table({"what", "value"});
  table.add({"server", to_text(context.server())});
  table.add({"site serial", std::to_string(site->serial)});
  table.add({"role", site->primary ? "primary" : "mirror"});
  table.add({"protocol", fmt::format("{}.{}", site->version.major, site->version.minor)});
  if (!numbers.empty()) {
    boost::system::error_code error;
    boost::json::value root = boost::json::parse(numbers, error);
    if (!error && root.is_object()) append_rows(root.get_object(), "", table);
  }
  fmt::print("{}", table.text());
  if (!refusal.empty()) context.say(refusal);
  return kDone;
}

}  // namespace

void add_status(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("status", "the node's version, roles, store and upstream");
  command->callback([&action] { action = [](Context& context) { return run(context); }; });
}

}  // namespace idnode::ctl
