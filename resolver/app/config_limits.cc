#include "resolver/app/config_limits.h"

#include <algorithm>
#include <array>

#include "protocol/limits.h"

namespace idnode {
namespace {

// Bounds of tables and queues that are built at start; every other limit is read from the current settings.
constexpr std::array<std::string_view, 9> kAtStart = {
    "challenge_bytes",
    "challenges_per_source",
    "challenge_bytes_per_source",
    "challenge_seconds",
    "queue_bytes",
    "queue_mutations",
    "free_space_mb",
    "sessions",
    "sessions_per_source",
};

std::string bounds(const LimitRow& row) {
  return std::to_string(row.floor) +
         (row.ceiling == kNoCeiling ? " or more" : " to " + std::to_string(row.ceiling));
}

Field limit(const LimitRow& row) {
  Field field;
  field.table = "limits";
  field.name = row.name;
  field.type = "whole number";
  field.range = bounds(row);
  field.change = std::ranges::find(kAtStart, row.name) == kAtStart.end() ? Change::kLive : Change::kRestart;
  field.help = row.help;
  field.help.front() = static_cast<char>(field.help.front() >= 'a' && field.help.front() <= 'z'
                                             ? field.help.front() - 'a' + 'A'
                                             : field.help.front());
  field.help += '.';
  field.read = [row](const ConfigValue& value, Settings& settings, std::vector<ConfigError>& errors) {
    if (value.kind != ConfigValue::Kind::kInteger) {
      errors.push_back({value.line, "needs a whole number, not " + std::string(kind_text(value))});
    } else if (value.integer < 0 || static_cast<std::uint64_t>(value.integer) < row.floor ||
               static_cast<std::uint64_t>(value.integer) > row.ceiling) {
      errors.push_back({value.line, std::to_string(value.integer) + " is not " + bounds(row)});
    } else {
      settings.limits.*row.member = static_cast<std::uint64_t>(value.integer);
    }
  };
  field.show = [row](const Settings& settings) { return std::to_string(settings.limits.*row.member); };
  field.fallback = field.show(Settings{});
  return field;
}

}  // namespace

void add_limit_fields(std::vector<Field>& out) {
  for (const LimitRow& row : kLimitRows) out.push_back(limit(row));
}

}  // namespace idnode
