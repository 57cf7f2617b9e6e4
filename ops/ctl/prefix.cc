// Onboarding: the prefix record 0.NA/PREFIX and, for hosted prefixes, its home.
#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "ops/ctl/commands.h"
#include "ops/ctl/table.h"
#include "protocol/crypto/key.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/site.h"
#include "protocol/identifier.h"
#include "protocol/rest/decode.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

using handle::OpCode;
using handle::ResponseCode;

struct Arguments {
  std::string prefix;
  bool hosted = false;
  std::string pointer;
  std::string site_file;
  std::string name;
  std::string admin;
  std::string admin_key;
};

std::string site_from(Client& client, const std::string& where) {
  auto reply = client.ask(make_request(OpCode::kSiteInfo, "/"));
  if (!reply)
    throw Stop(kUnreachable, fmt::format("{} gave no site information ({}); use --site FILE.json", where,
                                         name(reply.error())));
  if (reply->code() != ResponseCode::kSuccess) throw Stop(kRefusedByNode, describe_refusal(where, *reply));
  return std::string(reply->response.site);
}

std::string pointer_site(Context& context, const Arguments& arguments) {
  if (!arguments.site_file.empty()) {
    std::string json = R"([{"index":1,"type":"HS_SITE","data":{"format":"site","value":)" +
                       read_file(arguments.site_file) + "}}]";
    auto record = rest::decode_record(json);
    if (!record) throw Stop(kUsage, arguments.site_file + ": " + record.error());
    return record->values[0].data;
  }
  auto endpoint = parse_endpoint(arguments.pointer);
  if (!endpoint)
    throw Stop(kUsage,
               "--pointer: an address and port like 127.0.0.1:2641 is needed, not " + arguments.pointer);
  Client client = context.connect(*endpoint);
  return site_from(client, arguments.pointer);
}

std::vector<std::string> homed(Context& context) {
  std::vector<std::string> out;
  for (const Reply& reply :
       context.ask_all(make_request(OpCode::kListHomed, "/"), &context.administrator())) {
    if (reply.code() != ResponseCode::kSuccess)
      throw Stop(kRefusedByNode, describe_refusal("list of homed prefixes", reply));
    handle::TextWalk walk(reply.response.names);
    for (std::string_view name; walk.next(name);) out.emplace_back(name);
  }
  return out;
}

bool is_homed(const std::vector<std::string>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& one) { return equal_folded(one, name); });
}

// A top-level node answers for the prefix handles of the whole tree or of a prefix without a dot
// ("0.NA/0.NA/88"): its records of other nodes also say where the prefixes derived from theirs live.
bool is_top_level(const std::vector<std::string>& list) {
  return is_homed(list, "0.NA/0.NA") || std::any_of(list.begin(), list.end(), [](const std::string& one) {
           return is_marker(one) && one.find('.', std::string_view("0.NA/0.NA/").size()) == std::string::npos;
         });
}

Value admin_value(const Reference& identity) {
  Value value{.index = 100, .type = "HS_ADMIN", .data = {}, .references = {}};
  handle::encode(handle::Admin{handle::kAllPermissions, identity, false}, value.data);
  return value;
}

Reply create(Context& context, std::string_view name, const std::vector<Value>& values) {
  std::string octets;
  encode_all(values, octets);
  handle::ValuesBody body{{static_cast<std::uint32_t>(values.size()), octets}};
  return context.ask(make_request(OpCode::kCreate, name, body), &context.administrator());
}

// The administrator's own record, when it belongs here and is missing.
void create_admin_record(Context& context, const Arguments& arguments, const Reference& admin) {
  if (arguments.admin_key.empty()) return;
  auto key = crypto::PublicKey::from_pem(read_file(arguments.admin_key));
  if (!key) throw Stop(kUsage, arguments.admin_key + ": no public key (SubjectPublicKeyInfo PEM)");
  if (!is_homed(homed(context), prefix_handle_of(admin.handle))) {
    context.say(fmt::format("{} lies elsewhere: its key must be resolvable there", admin.handle));
    return;
  }
  Value pubkey{.index = admin.index, .type = "HS_PUBKEY", .data = key->serialize(), .references = {}};
  Reply reply = create(context, admin.handle, {admin_value(admin), pubkey});
  if (reply.code() == ResponseCode::kHandleExists) return;
  if (reply.code() != ResponseCode::kSuccess)
    throw Stop(kRefusedByNode, describe_refusal(admin.handle, reply));
  context.say(fmt::format("created {}", admin.handle));
}

int add(Context& context, const Arguments& arguments) {
  if (arguments.hosted == !(arguments.pointer.empty() && arguments.site_file.empty())) {
    throw Stop(kUsage, "one of --hosted and --pointer HOST:PORT (or --site FILE.json) is needed");
  }
  std::string record = expand_bare_prefix(arguments.prefix);
  Reference admin = context.administrator().who;
  if (!arguments.admin.empty()) {
    auto named = handle::parse_reference(arguments.admin);
    if (!named) throw Stop(kUsage, "--admin: INDEX:HANDLE is needed");
    admin = std::move(*named);
  }
  std::string site;
  if (arguments.hosted) {
    Client client = context.connect();
    site = site_from(client, to_text(context.server()));
  } else {
    site = pointer_site(context, arguments);
  }
  std::vector<Value> values = {{.index = 1, .type = "HS_SITE", .data = site, .references = {}}};
  if (!arguments.name.empty())
    values.push_back({.index = 2, .type = "NAME", .data = arguments.name, .references = {}});
  if (!arguments.hosted && is_top_level(homed(context))) {
    values.push_back({.index = 5, .type = "HS_SITE.PREFIX", .data = site, .references = {}});
  }
  values.push_back(admin_value(admin));
  Reply reply = create(context, record, values);
  bool was_there = reply.code() == ResponseCode::kHandleExists;
  if (was_there && !arguments.hosted) throw Stop(kRefusedByNode, describe_refusal(record, reply));
  if (!was_there && reply.code() != ResponseCode::kSuccess)
    throw Stop(kRefusedByNode, describe_refusal(record, reply));
  if (arguments.hosted)
    context.demand(record, make_request(OpCode::kHomePrefix, record), &context.administrator());
  create_admin_record(context, arguments, admin);
  context.say(fmt::format("{} {} ({})", was_there ? "homed" : "added", record,
                          arguments.hosted ? "hosted here" : "pointer"));
  if (context.options().json) {
    std::string line = "{\"prefix\":";
    rest::append_string(arguments.prefix, line);
    fmt::print("{},\"hosted\":{}}}\n", line, arguments.hosted);
  }
  return kDone;
}

// Hosts every prefix of a file, over one connection: {"prefix":"88.118.5","name":"..."} a line.
int import_hosted(Context& context, const Arguments& arguments) {
  Client client = context.connect();
  std::string site = site_from(client, to_text(context.server()));
  std::istringstream lines(read_file(arguments.prefix));
  std::uint64_t number = 0;
  std::uint64_t added = 0;
  std::uint64_t there = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    boost::system::error_code error;
    boost::json::value root = boost::json::parse(line, error);
    const boost::json::object* object = error ? nullptr : root.if_object();
    const boost::json::value* prefix = object == nullptr ? nullptr : object->if_contains("prefix");
    if (prefix == nullptr || !prefix->is_string())
      throw Stop(kUsage, fmt::format("{}:{}: {{\"prefix\":...}} is needed", arguments.prefix, number));
    std::vector<Value> values = {{.index = 1, .type = "HS_SITE", .data = site, .references = {}}};
    const boost::json::value* name = object->if_contains("name");
    if (name != nullptr && name->is_string())
      values.push_back(
          {.index = 2, .type = "NAME", .data = std::string(name->get_string()), .references = {}});
    values.push_back(admin_value(context.administrator().who));
    std::string record = expand_bare_prefix(prefix->get_string());
    Reply reply = create(context, record, values);
    if (reply.code() != ResponseCode::kSuccess && reply.code() != ResponseCode::kHandleExists) {
      throw Stop(added > 0 ? kPartly : kRefusedByNode, describe_refusal(record, reply));
    }
    context.demand(record, make_request(OpCode::kHomePrefix, record), &context.administrator());
    reply.code() == ResponseCode::kSuccess ? ++added : ++there;
  }
  if (context.options().json) {
    fmt::print("{{\"added\":{},\"existing\":{}}}\n", added, there);
  } else {
    fmt::print("added={} existing={}\n", added, there);
  }
  return kDone;
}

int show(Context& context, const Arguments& arguments) {
  std::string record = expand_bare_prefix(arguments.prefix);
  Reply reply = context.demand(record, make_request(OpCode::kResolve, record, handle::ResolveBody{}));
  if (context.options().json) {
    fmt::print("{}\n", rest::answer(1, record, reply.response.values));
    return kDone;
  }
  fmt::print("{}\n{}", record, values_table(reply.response.values));
  return kDone;
}

int remove(Context& context, const Arguments& arguments) {
  std::string record = expand_bare_prefix(arguments.prefix);
  context.demand(record, make_request(OpCode::kUnhomePrefix, record), &context.administrator());
  Reply reply = context.ask(make_request(OpCode::kDelete, record), &context.administrator());
  if (reply.code() != ResponseCode::kSuccess && reply.code() != ResponseCode::kHandleNotFound) {
    throw Stop(kRefusedByNode, describe_refusal(record, reply));
  }
  context.say(fmt::format("removed {} (identifiers under it are kept, unreachable)", record));
  return kDone;
}

int list(Context& context, const Arguments&) {
  std::vector<std::string> names = homed(context);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (context.options().json) {
      std::string line = "{\"homed\":";
      rest::append_string(name, line);
      fmt::print("{}}}\n", line);
    } else {
      fmt::print("{}\n", name);
    }
  }
  return kDone;
}

void add_named(CLI::App& prefix, Action& action, const char* name, const char* help,
               int (*run)(Context&, const Arguments&), const char* what = "PREFIX") {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = prefix.add_subcommand(name, help);
  command->add_option(what, arguments->prefix)->required();
  command->callback([&action, arguments, run] {
    action = [arguments, run](Context& context) { return run(context, *arguments); };
  });
}

}  // namespace

void add_prefix(CLI::App& app, Action& action) {
  CLI::App* prefix = app.add_subcommand("prefix", "onboard enterprises");
  prefix->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  CLI::App* added =
      prefix->add_subcommand("add", "make the prefix record, and home the prefix when it is hosted");
  added->add_option("PREFIX", arguments->prefix, "like 88.118.5")->required();
  added->add_flag("--hosted", arguments->hosted, "this node answers for it");
  added->add_option("--pointer", arguments->pointer, "HOST:PORT of the enterprise's own node");
  added->add_option("--site", arguments->site_file,
                    "site information as JSON, when that node cannot be asked");
  added->add_option("--name", arguments->name, "name of the enterprise");
  added->add_option("--admin", arguments->admin, "INDEX:HANDLE that administers the prefix (default: --as)");
  added->add_option("--admin-key", arguments->admin_key,
                    "its public key (PEM); makes its record when it belongs here");
  added->callback(
      [&action, arguments] { action = [arguments](Context& context) { return add(context, *arguments); }; });
  add_named(*prefix, action, "import", "host every prefix of an NDJSON file", import_hosted, "FILE");
  add_named(*prefix, action, "show", "the prefix record", show);
  add_named(*prefix, action, "remove", "unhome the prefix and delete its record", remove);
  prefix->add_subcommand("list", "the homed prefixes")->callback([&action] {
    action = [](Context& context) { return list(context, {}); };
  });
}

}  // namespace idnode::ctl
