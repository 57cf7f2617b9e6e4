#include "resolver/app/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

#include "protocol/identifier.h"

namespace idnode {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOctets = std::size_t{1} << 20;

std::string named(std::string_view table, std::string_view name) {
  return "[" + std::string(table) + "] " + std::string(name);
}

std::size_t index_of(const Field* field) { return static_cast<std::size_t>(field - fields().data()); }

// Names that a misspelt one may have meant: the one with the smallest edit distance, at most 2.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string suggestion(std::string_view table, std::string_view key) {
  const Field* best = nullptr;
  std::size_t least = 3;
  for (const Field& field : fields()) {
    const std::size_t d = field.table == table ? distance(field.name, key) : field.name == key ? 1 : 3;
    if (d < least) {
      least = d;
      best = &field;
    }
  }
  return best == nullptr ? "" : "; did you mean " + named(best->table, best->name) + "?";
}

void read_entry(const ConfigEntry& entry, Config& config) {
  const Field* field = find_field(entry.table, entry.key);
  if (field == nullptr) {
    config.errors.push_back({entry.value.line, named(entry.table, entry.key) + ": no such setting" +
                                                   suggestion(entry.table, entry.key)});
    return;
  }
  std::vector<ConfigError> found;
  field->read(entry.value, config.settings, found);
  for (const ConfigError& error : found) {
    config.errors.push_back({error.line, named(entry.table, entry.key) + ": " + error.text});
  }
  config.lines[index_of(field)] = entry.value.line;
  config.written[index_of(field)] = to_toml(entry.value);
}

void absolute(const std::string& folder, std::string& path) {
  if (!path.empty()) path = (fs::path(folder) / path).lexically_normal().string();
}

std::size_t line_of(const Config& config, std::string_view table, std::string_view name) {
  const Field* field = find_field(table, name);
  return field == nullptr ? 0 : config.lines[index_of(field)];
}

void complain(Config& config, std::string_view table, std::string_view name, const std::string& text) {
  config.errors.push_back({line_of(config, table, name), named(table, name) + ": " + text});
}

// What no single field can tell.
void check_together(Config& config) {
  const Settings& s = config.settings;
  if (s.node.prefixes.empty()) {
    complain(config, "node", "prefixes", "at least one prefix is needed, such as prefixes = [\"88.118\"]");
  }
  std::set<std::string> seen;
  for (const std::string& prefix : s.node.prefixes) {
    if (!seen.insert(fold(prefix)).second) complain(config, "node", "prefixes", prefix + " is there twice");
  }
  if (s.listen.handle.empty()) {
    complain(config, "listen", "handle", "at least one address is needed, such as [\"127.0.0.1:2641\"]");
  }
  if (s.tls.certificate.empty() != s.tls.key.empty()) {
    complain(config, "tls", s.tls.key.empty() ? "certificate" : "key", "certificate and key go together");
  }
  std::set<Endpoint> taken;
  const std::pair<const char*, const std::vector<Endpoint>*> lists[] = {{"handle", &s.listen.handle},
                                                                        {"http", &s.listen.http},
                                                                        {"https", &s.listen.https},
                                                                        {"admin", &s.listen.admin}};
  for (const auto& [name, list] : lists) {
    for (const Endpoint& endpoint : *list) {
      if (endpoint.port != 0 && !taken.insert(endpoint).second) {
        complain(config, "listen", name, to_text(endpoint) + " is there twice");
      }
    }
  }
}

}  // namespace

Config parse_config(const std::string& file, std::string_view text) {
  Config config;
  config.file = file;
  config.folder = fs::absolute(fs::path(file)).parent_path().lexically_normal().string();
  config.lines.assign(fields().size(), 0);
  config.written.assign(fields().size(), "");
  std::vector<ConfigError> ignored;
  for (const Field& field : fields()) {
    const ConfigText fallback = parse_config_text("[d]\nx = " + field.fallback);
    for (const ConfigEntry& entry : fallback.entries) field.read(entry.value, config.settings, ignored);
    config.written[index_of(&field)] = field.fallback;
  }

  const ConfigText read = parse_config_text(text);
  config.errors = read.errors;
  for (const auto& [table, line] : read.tables) {
    if (table_help(table).empty()) config.errors.push_back({line, "[" + table + "]: no such table"});
  }
  for (const ConfigEntry& entry : read.entries) {
    if (!table_help(entry.table).empty()) read_entry(entry, config);
  }
  // Cross-checks on values that could not be read would only repeat the first complaint.
  if (config.errors.empty()) check_together(config);
  std::ranges::sort(config.errors, {}, [](const ConfigError& e) { return std::tie(e.line, e.text); });

  Settings& s = config.settings;
  for (std::string* path : {&s.node.data, &s.tls.certificate, &s.tls.key, &s.log.access}) {
    absolute(config.folder, *path);
  }
  return config;
}

Config load_config(const std::string& file) {
  const auto refused = [&](const std::string& why) {
    Config config;
    config.file = file;
    config.lines.assign(fields().size(), 0);
    config.written.assign(fields().size(), "");
    config.errors.push_back({0, why});
    return config;
  };
  std::error_code error;
  if (!fs::exists(file, error))
    return refused("there is no such file; idnode show-config --sample prints one");
  if (!fs::is_regular_file(file, error)) return refused("is not a file");
  std::ifstream in(file, std::ios::binary);
  if (!in) return refused("cannot be read; check its permissions");
  std::string text(kMostOctets + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMostOctets) return refused("is larger than 1 MiB; this is no configuration");
  return parse_config(file, text);
}

std::string error_text(const Config& config, const ConfigError& error) {
  return config.file + (error.line == 0 ? "" : ":" + std::to_string(error.line)) + ": " + error.text;
}

std::string origin_text(const Config& config, std::string_view table, std::string_view name) {
  const std::size_t line = line_of(config, table, name);
  const std::string setting = named(table, name);
  if (line == 0) return config.file + ": " + setting + " (default)";
  return config.file + ":" + std::to_string(line) + ": " + setting;
}

ConfigChange compare(const Settings& old, const Settings& next) {
  ConfigChange change;
  for (const Field& field : fields()) {
    if (field.show(old) == field.show(next)) continue;
    auto& list = field.change == Change::kLive ? change.live : change.restart;
    list.push_back(field.table + "." + field.name);
  }
  return change;
}

std::uint16_t site_port(const Settings& settings, std::uint16_t first_listener_port) {
  return settings.node.site_port != 0 ? settings.node.site_port : first_listener_port;
}

std::uint32_t worker_count(const Settings& settings) {
  return settings.node.workers != 0 ? settings.node.workers
                                    : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace idnode
