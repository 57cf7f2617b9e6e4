#include <fmt/core.h>

#include <boost/json.hpp>
#include <chrono>

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

// The node prints one flat object: "name" or "name.label value" (resolver/app/metrics.h).
double number_of(const boost::json::object& numbers, std::string_view name) {
  const boost::json::value* value = numbers.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

// Seconds as "3d 4h", "5m 6s".
std::string duration(double seconds) {
  auto whole = static_cast<std::uint64_t>(seconds);
  if (whole >= 86'400) return fmt::format("{}d {}h", whole / 86'400, whole % 86'400 / 3'600);
  if (whole >= 3'600) return fmt::format("{}h {}m", whole / 3'600, whole % 3'600 / 60);
  return fmt::format("{}m {}s", whole / 60, whole % 60);
}

void append_numbers(const boost::json::object& numbers, Table& table) {
  static constexpr std::string_view kBuild = "idnode_build_info.";
  for (const auto& member : numbers) {
    if (member.key().starts_with(kBuild))
      table.add({"version", std::string(member.key().substr(kBuild.size()))});
  }
  double started = number_of(numbers, "idnode_start_time_seconds");
  double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (started > 0) table.add({"uptime", duration(std::max(0.0, now - started))});
  struct Row {
    const char* label;
    const char* path;
  };
  static constexpr Row kRows[] = {{"identifiers", "idnode_identifiers"},
                                  {"hosted prefixes", "idnode_prefixes.homed"},
                                  {"pointer prefixes", "idnode_prefixes.pointer"},
                                  {"store, octets", "idnode_store_bytes"},
                                  {"last change", "idnode_commit_sequence"},
                                  {"connections", "idnode_connections"},
                                  {"upstream servers away", "idnode_upstream_servers_open"},
                                  {"answers of others kept", "idnode_cache_entries"}};
  for (const Row& row : kRows) table.add({row.label, fmt::format("{:.0f}", number_of(numbers, row.path))});
  bool read_only = number_of(numbers, "idnode_commit_read_only") != 0;
  bool low_space = number_of(numbers, "idnode_commit_low_space") != 0;
  table.add({"writes", read_only   ? "refused: read-only until a restart"
                       : low_space ? "refused: the disk is nearly full"
                                   : "accepted"});
}

int run(Context& context) {
  Reply info = context.demand("site information", make_request(OpCode::kSiteInfo, "/"));
  auto site = handle::decode_site(info.response.site);
  if (!site) throw Stop(kRefusedByNode, "the node's site information cannot be read");
  std::string refusal;
  std::string numbers = status_json(context, refusal);
  if (context.options().json) {
    if (numbers.empty()) throw Stop(context.identity() == nullptr ? kUsage : kRefusedByNode, refusal);
    fmt::print("{}\n", numbers);
    return kDone;
  }
  Table table({"what", "value"});
  table.add({"server", to_text(context.server())});
  table.add({"site serial", std::to_string(site->serial)});
  table.add({"role in its site", site->primary ? "primary" : "mirror"});
  table.add({"protocol", fmt::format("{}.{}", site->version.major, site->version.minor)});
  if (!numbers.empty()) {
    boost::system::error_code error;
    boost::json::value root = boost::json::parse(numbers, error);
    if (!error && root.is_object()) append_numbers(root.get_object(), table);
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
