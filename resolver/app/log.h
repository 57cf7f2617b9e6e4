// Events of the node on stderr: one line each, JSON or text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "resolver/logic/settings.h"

namespace idnode {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogField = std::pair<std::string_view, std::string>;

// Start-up and reload, main thread. Before the first call: JSON from info on.
void configure_log(const LogSettings& settings);

// Any thread. Never blocks longer than stderr does.
void log_event(LogLevel level, std::string_view text, std::initializer_list<LogField> fields = {});

// One raw line on stderr, whatever the level ("READY ...").
void log_line(std::string_view line);

// The line of an event without its end, for tests. `ms` since 1970.
std::string format_event(LogSettings::Format format, std::uint64_t ms, LogLevel level, std::string_view text,
                         std::initializer_list<LogField> fields);

// `text` as the inside of a JSON string: quotes, backslashes and controls escaped; what is not UTF-8 becomes
// U+FFFD.
void append_json(std::string_view text, std::string& out);
// "2026-03-01T12:00:00.123Z"
std::string utc_text(std::uint64_t ms);

}  // namespace idnode
