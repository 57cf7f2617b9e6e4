#include <fmt/core.h>

#include <chrono>

#include "ops/ctl/commands.h"
#include "ops/ctl/table.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

namespace flag = handle::flag;

struct Arguments {
  std::string id;
  std::vector<std::string> types;
  std::vector<std::uint32_t> indexes;
  bool recursive = true;
  bool authoritative = false;
  bool certify = false;
  bool all_values = false;
};

std::uint32_t flags_of(const Arguments& arguments) {
  std::uint32_t flags = flag::kClientDefault;
  if (!arguments.recursive) flags &= ~flag::kRecursive;
  if (arguments.authoritative) flags |= flag::kAuthoritative;
  if (arguments.certify) flags |= flag::kCertify;
  if (arguments.all_values) flags &= ~flag::kPublicOnly;
  return flags;
}

int run(Context& context, const Arguments& arguments) {
  std::string indexes;
  handle::encode_indexes(arguments.indexes, indexes);
  std::string types;
  handle::encode_texts(arguments.types, types);
  handle::ResolveBody body{
      .indexes = {static_cast<std::uint32_t>(arguments.indexes.size()), std::string_view(indexes).substr(4)},
      .types = {static_cast<std::uint32_t>(arguments.types.size()), std::string_view(types).substr(4)},
      .has_identity = false,
      .identity = {}};
  auto started = std::chrono::steady_clock::now();
  Reply reply = context.ask(make_request(handle::OpCode::kResolve, arguments.id, body, flags_of(arguments)),
                            arguments.all_values ? context.identity() : nullptr);
  double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
  bool success = reply.code() == handle::ResponseCode::kSuccess;
  if (context.options().json) {
    fmt::print("{}\n",
               success ? rest::answer(1, arguments.id, reply.response.values)
                       : rest::error(reply.response.header.response_code, reply.response.text, arguments.id));
    if (!success) throw Stop(kRefusedByNode, describe_refusal(arguments.id, reply));
    return kDone;
  }
  if (!success) throw Stop(kRefusedByNode, describe_refusal(arguments.id, reply));
  bool authoritative = (reply.response.header.flags & flag::kAuthoritative) != 0;
  context.say(fmt::format("{}  ({} values, {}, {:.2f} ms)", arguments.id, reply.response.values.count,
                          authoritative ? "authoritative" : "not authoritative", ms));
  fmt::print("{}", values_table(reply.response.values));
  return kDone;
}

}  // namespace

void add_resolve(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("resolve", "what an identifier holds");
  command->add_option("ID", arguments->id, "identifier, or a bare prefix")->required();
  command->add_option("--type", arguments->types, "only values of this type (may be repeated)")
      ->allow_extra_args(false);
  command->add_option("--index", arguments->indexes, "only values of this index (may be repeated)")
      ->allow_extra_args(false);
  command->add_flag("--recursive,!--no-recursive", arguments->recursive, "let the node ask others (default)");
  command->add_flag("--authoritative", arguments->authoritative, "from primary sites, past caches");
  command->add_flag("--certify", arguments->certify, "ask for a signed answer");
  command->add_flag("--all-values", arguments->all_values, "restricted values too (needs --as)");
  command->callback(
      [&action, arguments] { action = [arguments](Context& context) { return run(context, *arguments); }; });
}

}  // namespace idnode::ctl
