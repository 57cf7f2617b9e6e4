#include <fmt/core.h>

#include "ops/ctl/commands.h"
#include "protocol/identifier.h"
#include "protocol/rest/decode.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

using handle::OpCode;

struct Arguments {
  std::string id;
  std::vector<std::string> values;
  std::string from;
  std::vector<std::uint32_t> indexes;
  bool overwrite = false;
};

std::vector<Value> values_of(const Arguments& arguments) {
  if (!arguments.from.empty()) {
    auto record = rest::decode_record(read_file(arguments.from));
    if (!record) throw Stop(kUsage, arguments.from + ": " + record.error());
    if (!record->handle.empty() && !equal_folded(record->handle, arguments.id)) {
      throw Stop(kUsage, fmt::format("{}: is the record of {}, not of {}", arguments.from, record->handle,
                                     arguments.id));
    }
    return std::move(record->values);
  }
  return values_from_arguments(arguments.values);
}

int finish(Context& context, const Arguments& arguments, const Reply& reply, std::string_view done) {
  std::string_view made = reply.response.name.empty() ? std::string_view(arguments.id) : reply.response.name;
  if (context.options().json) {
    std::string line = "{\"responseCode\":1,\"handle\":";
    rest::append_string(made, line);
    fmt::print("{}}}\n", line);
  }
  context.say(fmt::format("{} {}", done, made));
  return kDone;
}

int change_values(Context& context, const Arguments& arguments, OpCode op, std::string_view done) {
  std::string octets;
  std::vector<Value> values = values_of(arguments);
  encode_all(values, octets);
  std::uint32_t flags = handle::flag::kClientDefault | (arguments.overwrite ? handle::flag::kOverwrite : 0);
  handle::ValuesBody body{{static_cast<std::uint32_t>(values.size()), octets}};
  Reply reply =
      context.demand(arguments.id, make_request(op, arguments.id, body, flags), &context.administrator());
  return finish(context, arguments, reply, done);
}

int remove_values(Context& context, const Arguments& arguments) {
  std::string octets;
  handle::encode_indexes(arguments.indexes, octets);
  handle::IndexesBody body{
      {static_cast<std::uint32_t>(arguments.indexes.size()), std::string_view(octets).substr(4)}};
  Reply reply = context.demand(arguments.id, make_request(OpCode::kRemoveValues, arguments.id, body),
                               &context.administrator());
  return finish(context, arguments, reply, "removed from");
}

int delete_record(Context& context, const Arguments& arguments) {
  Reply reply =
      context.demand(arguments.id, make_request(OpCode::kDelete, arguments.id), &context.administrator());
  return finish(context, arguments, reply, "deleted");
}

int list(Context& context, const Arguments& arguments) {
  std::vector<Reply> replies = context.ask_all(
      make_request(OpCode::kListHandles, expand_bare_prefix(arguments.id)), &context.administrator());
  for (const Reply& reply : replies) {
    if (reply.code() != handle::ResponseCode::kSuccess)
      throw Stop(kRefusedByNode, describe_refusal(arguments.id, reply));
    handle::TextWalk walk(reply.response.names);
    for (std::string_view name; walk.next(name);) {
      if (context.options().json) {
        std::string line = "{\"handle\":";
        rest::append_string(name, line);
        fmt::print("{}}}\n", line);
      } else {
        fmt::print("{}\n", name);
      }
    }
  }
  return kDone;
}

CLI::App* command_with_id(CLI::App& app, const char* name, const char* help,
                          const std::shared_ptr<Arguments>& arguments, const char* id = "ID") {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option(id, arguments->id)->required();
  return command;
}

void add_values_command(CLI::App& app, Action& action, const char* name, const char* help, OpCode op,
                        const char* done, bool whole) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = command_with_id(app, name, help, arguments);
  CLI::Option* values = command->add_option("--value", arguments->values, "INDEX:TYPE=TEXT (may be repeated)")
                            ->allow_extra_args(false);
  CLI::Option* from = command->add_option("--from", arguments->from,
                                          "JSON file with the record or its values; - for standard input");
  values->excludes(from);
  if (!whole) command->require_option(1, 0);
  if (op != OpCode::kModifyValues)
    command->add_flag("--overwrite", arguments->overwrite, "replace what exists");
  command->callback([&action, arguments, op, done] {
    action = [arguments, op, done](Context& context) { return change_values(context, *arguments, op, done); };
  });
}

}  // namespace

void add_records(CLI::App& app, Action& action) {
  add_values_command(app, action, "create", "register an identifier", OpCode::kCreate, "created", true);
  add_values_command(app, action, "add", "add values to a record", OpCode::kAddValues, "added to", false);
  add_values_command(app, action, "modify", "replace values of a record", OpCode::kModifyValues, "modified",
                     false);

  auto removed = std::make_shared<Arguments>();
  CLI::App* remove = command_with_id(app, "remove", "remove values from a record", removed);
  remove->add_option("--index", removed->indexes, "index to remove (may be repeated)")
      ->required()
      ->allow_extra_args(false);
  remove->callback([&action, removed] {
    action = [removed](Context& context) { return remove_values(context, *removed); };
  });

  auto deleted = std::make_shared<Arguments>();
  command_with_id(app, "delete", "delete a record", deleted)->callback([&action, deleted] {
    action = [deleted](Context& context) { return delete_record(context, *deleted); };
  });

  auto listed = std::make_shared<Arguments>();
  command_with_id(app, "list", "the identifiers under a prefix", listed, "PREFIX")
      ->callback(
          [&action, listed] { action = [listed](Context& context) { return list(context, *listed); }; });
}

}  // namespace idnode::ctl
