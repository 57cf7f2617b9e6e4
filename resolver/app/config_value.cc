#include "resolver/app/config_value.h"

#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

namespace idnode {
namespace {

ConfigValue to_value(const toml::node& node) {
  ConfigValue value;
  value.line = node.source().begin.line;
  if (const auto* boolean = node.as_boolean()) {
    value.kind = ConfigValue::Kind::kBoolean;
    value.boolean = boolean->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = ConfigValue::Kind::kInteger;
    value.integer = integer->get();
  } else if (const auto* text = node.as_string()) {
    value.kind = ConfigValue::Kind::kText;
    value.text = text->get();
  } else if (const auto* list = node.as_array()) {
    value.kind = ConfigValue::Kind::kList;
    for (const auto& item : *list) value.items.push_back(to_value(item));
  } else {
    value.text = node.is_table()            ? "a table"
                 : node.is_floating_point() ? "a number with a fraction"
                                            : "a date or time";
  }
  return value;
}

void add_table(const std::string& name, const toml::table& table, ConfigText& out) {
  out.tables.emplace_back(name, table.source().begin.line);
  for (const auto& [key, node] : table) {
    out.entries.push_back({name, std::string(key.str()), to_value(node)});
    // An entry's own line, also when a list begins on a later one.
    out.entries.back().value.line = key.source().begin.line;
  }
}

}  // namespace

std::string_view kind_text(const ConfigValue& value) {
  switch (value.kind) {
    case ConfigValue::Kind::kBoolean: return "true or false";
    case ConfigValue::Kind::kInteger: return "a whole number";
    case ConfigValue::Kind::kText: return "a text";
    case ConfigValue::Kind::kList: return "a list";
    case ConfigValue::Kind::kOther: return value.text;
  }
  return "";
}

std::string quote_toml(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string to_toml(const ConfigValue& value) {
  switch (value.kind) {
    case ConfigValue::Kind::kBoolean: return value.boolean ? "true" : "false";
    case ConfigValue::Kind::kInteger: return std::to_string(value.integer);
    case ConfigValue::Kind::kText: return quote_toml(value.text);
    case ConfigValue::Kind::kOther: return value.text;
    case ConfigValue::Kind::kList: break;
  }
  std::string out = "[";
  for (const auto& item : value.items) {
    if (out.size() > 1) out += ", ";
    out += to_toml(item);
  }
  return out + "]";
}

ConfigText parse_config_text(std::string_view text) {
  ConfigText out;
  try {
    const toml::table root = toml::parse(text);
    for (const auto& [key, node] : root) {
      if (const auto* table = node.as_table()) {
        add_table(std::string(key.str()), *table, out);
      } else {
        out.errors.push_back({key.source().begin.line,
                              "'" + std::string(key.str()) + "' stands outside a table such as [node]"});
      }
    }
  } catch (const toml::parse_error& error) {
    out.errors.push_back({error.source().begin.line, "not TOML: " + std::string(error.description())});
  }
  std::ranges::sort(out.entries, {}, [](const ConfigEntry& e) { return std::tie(e.value.line, e.key); });
  return out;
}

}  // namespace idnode
