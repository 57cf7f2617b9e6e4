#include "resolver/app/config_fields.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "protocol/handle/admin.h"
#include "protocol/identifier.h"
#include "resolver/app/config_limits.h"

namespace idnode {
namespace {

using Errors = std::vector<ConfigError>;

std::string quoted(std::string_view text) { return quote_toml(text); }

bool wrong_kind(const ConfigValue& value, ConfigValue::Kind kind, std::string_view wanted, Errors& errors) {
  if (value.kind == kind) return false;
  errors.push_back({value.line, "needs " + std::string(wanted) + ", not " + std::string(kind_text(value))});
  return true;
}

// A setting's place: group of Settings, member of the group.
template <class Group, class T>
struct Place {
  Group Settings::* group;
  T Group::* member;
  T& in(Settings& s) const { return s.*group.*member; }
  const T& in(const Settings& s) const { return s.*group.*member; }
};

struct Head {
  std::string table, name;
  Change change;
  std::string help;
};

Field start(Head head, std::string type, std::string range) {
  Field field;
  field.table = std::move(head.table);
  field.name = std::move(head.name);
  field.change = head.change;
  field.help = std::move(head.help);
  field.type = std::move(type);
  field.range = std::move(range);
  return field;
}

Field finish(Field field, std::string fallback = {}, std::string example = {}) {
  field.fallback = fallback.empty() ? field.show(Settings{}) : std::move(fallback);
  field.example = std::move(example);
  return field;
}

template <class Group>
Field yes_no(Head head, bool Group::* member, Group Settings::* group) {
  const Place<Group, bool> place{group, member};
  Field field = start(std::move(head), "true or false", "");
  field.read = [place](const ConfigValue& value, Settings& s, Errors& errors) {
    if (wrong_kind(value, ConfigValue::Kind::kBoolean, "true or false", errors)) return;
    place.in(s) = value.boolean;
  };
  field.show = [place](const Settings& s) { return place.in(s) ? "true" : "false"; };
  return finish(std::move(field));
}

template <class Group, class T>
Field number(Head head, T Group::* member, Group Settings::* group, std::int64_t low, std::int64_t high) {
  const Place<Group, T> place{group, member};
  Field field = start(std::move(head), "whole number", std::to_string(low) + " to " + std::to_string(high));
  field.read = [place, low, high](const ConfigValue& value, Settings& s, Errors& errors) {
    if (wrong_kind(value, ConfigValue::Kind::kInteger, "a whole number", errors)) return;
    if (value.integer < low || value.integer > high) {
      errors.push_back({value.line, std::to_string(value.integer) + " is not from " + std::to_string(low) +
                                        " to " + std::to_string(high)});
      return;
    }
    place.in(s) = static_cast<T>(value.integer);
  };
  field.show = [place](const Settings& s) { return std::to_string(place.in(s)); };
  return finish(std::move(field));
}

template <class Group>
Field text(Head head, std::string Group::* member, Group Settings::* group, bool may_be_empty,
           std::string example = {}, std::string type = "path") {
  const Place<Group, std::string> place{group, member};
  Field field = start(std::move(head), std::move(type), "");
  field.read = [place, may_be_empty](const ConfigValue& value, Settings& s, Errors& errors) {
    if (wrong_kind(value, ConfigValue::Kind::kText, "a text", errors)) return;
    if (value.text.empty() && !may_be_empty) {
      errors.push_back({value.line, "must not be empty"});
    } else if (value.text.find('\0') != std::string::npos) {
      errors.push_back({value.line, "holds a zero octet"});
    } else {
      place.in(s) = value.text;
    }
  };
  field.show = [place](const Settings& s) { return quoted(place.in(s)); };
  return finish(std::move(field), {}, std::move(example));
}

template <class Group, class T>
Field choice(Head head, T Group::* member, Group Settings::* group,
             std::vector<std::pair<std::string, T>> options) {
  const Place<Group, T> place{group, member};
  std::string range;
  for (const auto& [word, option] : options) range += (range.empty() ? "\"" : ", \"") + word + "\"";
  Field field = start(std::move(head), "text", range);
  field.read = [place, options, range](const ConfigValue& value, Settings& s, Errors& errors) {
    if (wrong_kind(value, ConfigValue::Kind::kText, "a text", errors)) return;
    for (const auto& [word, option] : options) {
      if (word == value.text) {
        place.in(s) = option;
        return;
      }
    }
    errors.push_back({value.line, quoted(value.text) + " is not one of " + range});
  };
  field.show = [place, options](const Settings& s) {
    for (const auto& [word, option] : options) {
      if (option == place.in(s)) return quoted(word);
    }
    return std::string("\"\"");
  };
  return finish(std::move(field));
}

// How one element of a list is read and written.
template <class T>
struct Element {
  std::string type;  // "addresses with port"
  std::function<std::optional<T>(const std::string&)> read;
  std::function<std::string(const T&)> write;
  std::string wanted;  // completes "is not ..."
};

template <class T>
std::string show_list(const std::vector<T>& items, const Element<T>& element) {
  std::string out = "[";
  for (const T& item : items) {
    if (out.size() > 1) out += ", ";
    out += quoted(element.write(item));
  }
  return out + "]";
}

template <class T>
std::vector<T> read_list(const ConfigValue& value, const Element<T>& element, bool single, Errors& errors) {
  std::vector<T> items;
  const bool alone = single && value.kind == ConfigValue::Kind::kText;
  if (!alone && wrong_kind(value, ConfigValue::Kind::kList, single ? "a text or a list" : "a list", errors)) {
    return items;
  }
  const std::vector<ConfigValue> one{value};
  for (const ConfigValue& item : alone ? one : value.items) {
    if (wrong_kind(item, ConfigValue::Kind::kText, "texts in its list", errors)) continue;
    if (auto read = element.read(item.text)) {
      items.push_back(std::move(*read));
    } else {
      errors.push_back({item.line, quoted(item.text) + " is not " + element.wanted});
    }
  }
  return items;
}

// `place`: returns the vector inside (const) Settings. `single`: one text may stand for a list of one.
template <class T, class Where>
Field list(Head head, Where where, Element<T> element, bool single = false, std::string fallback = {},
           std::string example = {}) {
  Field field = start(std::move(head), (single ? "text, or list of " : "list of ") + element.type, "");
  field.read = [where, element, single](const ConfigValue& value, Settings& s, Errors& errors) {
    const std::size_t before = errors.size();
    auto items = read_list(value, element, single, errors);
    if (errors.size() == before) where(s) = std::move(items);
  };
  field.show = [where, element](const Settings& s) { return show_list(where(s), element); };
  return finish(std::move(field), std::move(fallback), std::move(example));
}

#define IDNODE_WHERE(path) [](auto& s) -> auto& { return s.path; }

template <class T>
std::optional<T> optional_of(Result<T> result) {
  if (!result) return std::nullopt;
  return std::move(*result);
}

const Element<Endpoint>& endpoints() {
  static const Element<Endpoint> element{
      "addresses with port", [](const std::string& text) { return optional_of(parse_endpoint(text)); },
      [](const Endpoint& e) { return to_text(e); },
      "an address with port such as 127.0.0.1:2641 or [::1]:2641"};
  return element;
}

std::string network_text(const Network& network) {
  const bool v4 = network.address.is_v4() && network.bits >= 96;
  const int bits = v4 ? network.bits - 96 : network.bits;
  return to_text(network.address) + (bits == (v4 ? 32 : 128) ? "" : "/" + std::to_string(bits));
}

const Element<Network>& networks() {
  static const Element<Network> element{
      "addresses and networks", [](const std::string& text) { return optional_of(parse_network(text)); },
      network_text, "an address or network such as 127.0.0.0/8 or ::1"};
  return element;
}

const Element<Reference>& identities() {
  static const Element<Reference> element{"identities",
                                          [](const std::string& text) -> std::optional<Reference> {
                                            auto reference = optional_of(handle::parse_reference(text));
                                            if (!reference || !has_slash(reference->handle))
                                              return std::nullopt;
                                            return reference;
                                          },
                                          [](const Reference& r) { return handle::to_text(r); },
                                          "an identity such as 300:88.118/ADMIN"};
  return element;
}

const Element<std::string>& addresses() {
  static const Element<std::string> element{
      "addresses",
      [](const std::string& text) -> std::optional<std::string> {
        const auto address = parse_ip(text);
        const Address none = parse_ip("::").value_or(Address{});
        const Address none_v4 = parse_ip("0.0.0.0").value_or(Address{});
        if (!address || *address == none || *address == none_v4) return std::nullopt;
        return text;
      },
      [](const std::string& text) { return text; },
      "an address that clients can reach, such as 192.0.2.1 (without port)"};
  return element;
}

// "88.118", "0.NA": what stands before the slash of identifiers.
bool is_prefix(const std::string& text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || !valid_utf8(text)) return false;
  if (text.find("..") != std::string::npos) return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c == '/' || c <= ' ' || c == 0x7f; });
}

const Element<std::string>& prefixes() {
  static const Element<std::string> element{
      "prefixes",
      [](const std::string& text) { return is_prefix(text) ? std::optional(text) : std::nullopt; },
      [](const std::string& text) { return text; }, "a prefix such as 88.118 (no slash)"};
  return element;
}

void add_node(std::vector<Field>& out) {
  constexpr auto kGroup = &Settings::node;
  out.push_back(text({"node", "data", Change::kRestart,
                      "The data folder; relative to this file's folder. `idnode init` makes it."},
                     &NodeSettings::data, kGroup, false, "\"/var/lib/idnode/data\""));
  out.push_back(list({"node", "site_address", Change::kRestart,
                      "Address, or list of IPv4 and IPv6 addresses, that our HS_SITE publishes."},
                     IDNODE_WHERE(node.site_address), addresses(), true));
  out.push_back(number({"node", "site_port", Change::kRestart,
                        "Port that our HS_SITE publishes; 0: the first Handle listener's."},
                       &NodeSettings::site_port, kGroup, 0, 65'535));
  out.push_back(list({"node", "prefixes", Change::kRestart,
                      "Prefixes that are ours; \"0.NA\" makes a top-level node. At least one is needed."},
                     IDNODE_WHERE(node.prefixes), prefixes(), false, "[]", "[\"88.118\"]"));
  out.push_back(
      list({"node", "administrators", Change::kLive, "Identities that may do everything on this node."},
           IDNODE_WHERE(node.administrators), identities(), false, "[]", "[\"300:88.118/ADMIN\"]"));
  out.push_back(number({"node", "workers", Change::kRestart, "Worker threads; 0: one for each core."},
                       &NodeSettings::workers, kGroup, 0, 1'024));
  out.push_back(number({"node", "spin_us", Change::kRestart,
                        "How long a worker with nothing to do polls before it sleeps, in microseconds. Saves "
                        "waking it; costs a processor for each worker while requests come."},
                       &NodeSettings::spin_us, kGroup, 0, 1'000'000));
  out.push_back(yes_no({"node", "case_sensitive", Change::kRestart,
                        "Whether suffixes that differ in case only are different. Stamped into the store by "
                        "`idnode init`."},
                       &NodeSettings::case_sensitive, kGroup));
  out.push_back(yes_no({"node", "default_administrator", Change::kLive,
                        "A record without HS_ADMIN is administered by its prefix's administrators."},
                       &NodeSettings::default_administrator, kGroup));
}

void add_listen(std::vector<Field>& out) {
  out.push_back(
      list({"listen", "handle", Change::kRestart, "Handle protocol, TCP and UDP; port 0 takes a free one."},
           IDNODE_WHERE(listen.handle), endpoints(), false, "[\"127.0.0.1:2641\"]"));
  out.push_back(
      list({"listen", "http", Change::kRestart, "HTTP. Not in this version: accepted and not opened."},
           IDNODE_WHERE(listen.http), endpoints(), false, "[\"127.0.0.1:8000\"]"));
  out.push_back(
      list({"listen", "https", Change::kRestart, "HTTPS. Not in this version: accepted and not opened."},
           IDNODE_WHERE(listen.https), endpoints(), false));
  out.push_back(yes_no({"listen", "udp_admin", Change::kRestart, "Whether administration is taken over UDP."},
                       &ListenSettings::udp_admin, &Settings::listen));
  out.push_back(list({"listen", "admin", Change::kRestart, "/livez, /readyz and /metrics. Keep it private."},
                     IDNODE_WHERE(listen.admin), endpoints(), false, "[\"127.0.0.1:9641\"]"));
}

void add_peers(std::vector<Field>& out) {
  out.push_back(
      text({"tls", "certificate", Change::kRestart, "PEM file; empty: self-signed from the node's key."},
           &TlsSettings::certificate, &Settings::tls, true));
  out.push_back(text({"tls", "key", Change::kRestart, "PEM file of the certificate's key."},
                     &TlsSettings::key, &Settings::tls, true));
  out.push_back(yes_no({"replication", "serve", Change::kLive, "Whether mirrors may copy from this node."},
                       &ReplicationSettings::serve, &Settings::replication));
  out.push_back(list({"upstream", "servers", Change::kLive,
                      "National or recursive nodes that know everything else (TCP); empty: no forwarding."},
                     IDNODE_WHERE(upstream.servers), endpoints(), false, "[]"));
  out.push_back(choice(
      {"upstream", "mode", Change::kLive,
       "\"iterate\": follow what the servers refer to; \"forward\": let them do it."},
      &UpstreamSettings::mode, &Settings::upstream,
      std::vector<std::pair<std::string, UpstreamSettings::Mode>>{
          {"iterate", UpstreamSettings::Mode::kIterate}, {"forward", UpstreamSettings::Mode::kForward}}));
  out.push_back(list(
      {"upstream", "clients", Change::kLive, "Who is answered for foreign identifiers; others are referred."},
      IDNODE_WHERE(upstream.clients), networks(), false, "[\"127.0.0.0/8\", \"::1\"]"));
  out.push_back(
      list({"upstream", "allow", Change::kLive,
            "Private networks that a referral or site record may lead to; our own listeners never."},
           IDNODE_WHERE(upstream.allow), networks(), false, "[\"127.0.0.0/8\"]"));
  out.push_back(
      yes_no({"upstream", "send_service_referral", Change::kLive,
              "Refer to an enterprise's own node with 302 (else 301) where the client understands it."},
             &UpstreamSettings::send_service_referral, &Settings::upstream));
}

void add_habits(std::vector<Field>& out) {
  out.push_back(number({"storage", "memory_mb", Change::kRestart,
                        "Memory for records, caches and memtables together, in MiB."},
                       &StorageSettings::memory_mb, &Settings::storage, 64, 16'777'216));
  out.push_back(choice(
      {"storage", "resident", Change::kRestart,
       "\"auto\": half of that memory keeps public values ready for answers; \"off\": all of it caches the "
       "store."},
      &StorageSettings::resident, &Settings::storage,
      std::vector<std::pair<std::string, StorageSettings::Tier>>{{"auto", StorageSettings::Tier::kAuto},
                                                                 {"off", StorageSettings::Tier::kOff}}));
  const auto idis = [&](std::string name, std::string help, bool IdisSettings::* member) {
    out.push_back(yes_no({"idis", std::move(name), Change::kLive, std::move(help)}, member, &Settings::idis));
  };
  idis("connection_sessions", "An unknown session id on TCP opens a session of that connection.",
       &IdisSettings::connection_sessions);
  idis("ignore_po_when_authenticated", "Ignore \"public only\" of clients that have logged in.",
       &IdisSettings::ignore_po_when_authenticated);
  idis("response_codes", "Use the SDK's own response codes.", &IdisSettings::response_codes);
  const auto compat = [&](std::string name, std::string help, bool CompatSettings::* member) {
    out.push_back(
        yes_no({"compat", std::move(name), Change::kLive, std::move(help)}, member, &Settings::compat));
  };
  compat("list_stored_keys", "List names as they are stored, not as they were written.",
         &CompatSettings::list_stored_keys);
  compat("require_admin_value", "Refuse records without an HS_ADMIN value.",
         &CompatSettings::require_admin_value);
  compat("modify_overwrite_adds", "Modify with \"overwrite\" adds values that are missing.",
         &CompatSettings::modify_overwrite_adds);
  compat("enforce_admin_write_on_remove", "Refuse to remove values that nobody may write.",
         &CompatSettings::enforce_admin_write_on_remove);
  compat("allow_list", "Whether identifiers may be listed.", &CompatSettings::allow_list);
  compat("status_handle", "Answer 0.SITE/status to administrators.", &CompatSettings::status_handle);
  out.push_back(text({"compat", "template_delimiter", Change::kLive,
                      "What separates an item code from the base identifier whose record answers for it; "
                      "empty: no templates."},
                     &CompatSettings::template_delimiter, &Settings::compat, true, {}, "text"));
  compat("legacy_prefix_referral", "Resolve a prefix referral ourselves for clients before 2.10.",
         &CompatSettings::legacy_prefix_referral);
}

void add_log(std::vector<Field>& out) {
  out.push_back(choice({"log", "format", Change::kRestart, "Form of events on stderr and of the access log."},
                       &LogSettings::format, &Settings::log,
                       std::vector<std::pair<std::string, LogSettings::Format>>{
                           {"json", LogSettings::Format::kJson}, {"text", LogSettings::Format::kText}}));
  out.push_back(text({"log", "access", Change::kRestart,
                      "File with one line a request, relative to this file's folder; \"\": none."},
                     &LogSettings::access, &Settings::log, true, "\"/var/log/idnode/access.log\""));
  std::vector<std::pair<std::string, std::string>> levels;
  for (const char* level : {"debug", "info", "warning", "error"}) levels.emplace_back(level, level);
  out.push_back(choice({"log", "level", Change::kLive, "Least level of events that are written."},
                       &LogSettings::level, &Settings::log, levels));
}

std::vector<Field> make_fields() {
  std::vector<Field> out;
  add_node(out);
  add_listen(out);
  add_peers(out);
  add_habits(out);
  add_log(out);
  out.push_back(list({"limits", "trusted", Change::kLive,
                      "Sources without limits of their own: a national or recursive node."},
                     IDNODE_WHERE(trusted), networks(), false, "[]"));
  add_limit_fields(out);
  return out;
}

constexpr std::pair<std::string_view, std::string_view> kTables[] = {
    {"node", "What this node is."},
    {"listen", "Where it listens. Addresses of IPv6 stand in brackets."},
    {"tls", "For HTTPS listeners."},
    {"replication", "For mirrors."},
    {"upstream", "Who knows what this node does not."},
    {"storage", "The store."},
    {"idis", "Habits of the industrial SDK."},
    {"compat", "Where implementations differ."},
    {"log", "What is written down."},
    {"limits", "Bounds on what others can make the node do; 0: no limit, unless it says otherwise."},
};

}  // namespace

const std::vector<Field>& fields() {
  static const std::vector<Field> table = make_fields();
  return table;
}

const Field* find_field(std::string_view table, std::string_view name) {
  for (const Field& field : fields()) {
    if (field.table == table && field.name == name) return &field;
  }
  return nullptr;
}

std::string_view table_help(std::string_view table) {
  for (const auto& [name, help] : kTables) {
    if (name == table) return help;
  }
  return {};
}

}  // namespace idnode
