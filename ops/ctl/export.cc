#include <fmt/core.h>

#include "ops/ctl/commands.h"
#include "ops/ctl/csv.h"
#include "ops/ctl/table.h"
#include "protocol/identifier.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

using handle::OpCode;
using handle::ResponseCode;

struct Arguments {
  std::string prefix;
  std::string format = "ndjson";
};

// One line a value: handle, index, type, data as text (base64 when binary).
void print_csv(std::string_view handle, ValueList values) {
  ValueWalk walk(values);
  for (ValueView value; walk.next(value);) {
    std::string line;
    append_csv_field(handle, line);
    line += fmt::format(",{},", value.index);
    append_csv_field(value.type, line);
    line.push_back(',');
    append_csv_field(valid_utf8(value.data) ? std::string(value.data) : rest::base64(value.data), line);
    fmt::print("{}\n", line);
  }
}

int run(Context& context, const Arguments& arguments) {
  const ClientIdentity& identity = context.administrator();
  std::vector<Reply> lists =
      context.ask_all(make_request(OpCode::kListHandles, expand_bare_prefix(arguments.prefix)), &identity);
  std::uint64_t failed = 0;
  if (arguments.format == "csv") fmt::print("handle,index,type,data\n");
  for (const Reply& list : lists) {
    if (list.code() != ResponseCode::kSuccess)
      throw Stop(kRefusedByNode, describe_refusal(arguments.prefix, list));
    handle::TextWalk walk(list.response.names);
    for (std::string_view name; walk.next(name);) {
      // Without PO: restricted values belong to a whole record.
      std::uint32_t flags = handle::flag::kClientDefault & ~handle::flag::kPublicOnly;
      Reply reply =
          context.ask(make_request(OpCode::kResolve, name, handle::ResolveBody{}, flags), &identity);
      if (reply.code() != ResponseCode::kSuccess && reply.code() != ResponseCode::kValuesNotFound) {
        ++failed;
        fmt::print(stderr, "{}\n", describe_refusal(name, reply));
        continue;
      }
      ValueList values = reply.code() == ResponseCode::kSuccess ? reply.response.values : ValueList{};
      if (arguments.format == "csv") {
        print_csv(name, values);
      } else {
        fmt::print("{}\n", rest::record(name, values));
      }
    }
  }
  return failed == 0 ? kDone : kPartly;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("export", "every record under a prefix, restricted values included");
  command->add_option("PREFIX", arguments->prefix)->required();
  command->add_option("--format", arguments->format, "ndjson or csv")
      ->check(CLI::IsMember({"ndjson", "csv"}));
  command->callback(
      [&action, arguments] { action = [arguments](Context& context) { return run(context, *arguments); }; });
}

}  // namespace idnode::ctl
