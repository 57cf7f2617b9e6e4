// A configuration file as settings, with the origin of each, and everything that is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "resolver/app/config_fields.h"
#include "resolver/app/config_value.h"
#include "resolver/logic/settings.h"

namespace idnode {

struct Config {
  std::string file;    // as it was named on the command line
  std::string folder;  // absolute: what paths in the file are relative to
  Settings settings;   // paths absolute
  // One for each of fields(): the line of the file, 0 for a default; and the value as TOML as it stands
  // there.
  std::vector<std::size_t> lines;
  std::vector<std::string> written;
  // All of them, in the order of lines. With any error the settings must not be used.
  std::vector<ConfigError> errors;

  bool ok() const { return errors.empty(); }
};

// `file` names the text in messages and gives the folder.
Config parse_config(const std::string& file, std::string_view text);
// A file that cannot be read is an error of line 0.
Config load_config(const std::string& file);

// "node.toml:12: [node] workers: ..." or "node.toml: ..." for line 0.
std::string error_text(const Config& config, const ConfigError& error);
// Where a setting comes from: "node.toml:12", or "default" with the file's name.
std::string origin_text(const Config& config, std::string_view table, std::string_view name);

// What a reload from `old` to `next` would change: names such as "log.level".
struct ConfigChange {
  std::vector<std::string> live;
  std::vector<std::string> restart;  // not empty: the reload must be refused
};
ConfigChange compare(const Settings& old, const Settings& next);

// The port that HS_SITE publishes, given the ports the Handle listeners have or will have.
std::uint16_t site_port(const Settings& settings, std::uint16_t first_listener_port);
std::uint32_t worker_count(const Settings& settings);

}  // namespace idnode
