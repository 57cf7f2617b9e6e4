#include "resolver/app/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <ctime>

#include "protocol/identifier.h"
#include "resolver/net/clock.h"

namespace idnode {
namespace {

std::atomic<LogSettings::Format> current_format{LogSettings::Format::kJson};

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("idnode", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, "\n"));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 4> kLevels{{
    {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},
    {"warning", spdlog::level::warn},
    {"error", spdlog::level::err},
}};

// The length of the UTF-8 character in front of `text`, 0 when there is none.
std::size_t character(std::string_view text) {
  for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    if (valid_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

// Text events: one line whatever is in them.
void append_plain(std::string_view text, std::string& out) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

}  // namespace

void append_json(std::string_view text, std::string& out) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
  }();
  constexpr std::string_view kDigits = "0123456789abcdef";
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && kPlain[static_cast<unsigned char>(text[size])]) ++size;
    out.append(text.data(), size);
    text.remove_prefix(size);
    if (text.empty()) return;
    const unsigned char c = static_cast<unsigned char>(text.front());
    std::size_t n = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else if (n = character(text); n != 0) {
      out += text.substr(0, n);
    } else {
      n = 1;
      out += "\xef\xbf\xbd";
    }
    text.remove_prefix(n);
  }
}

std::string utc_text(std::uint64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms % 1000);
}

std::string format_event(LogSettings::Format format, std::uint64_t ms, LogLevel level, std::string_view text,
                         std::initializer_list<LogField> fields) {
  const std::string_view name = kLevels[static_cast<std::size_t>(level)].first;
  std::string out;
  if (format == LogSettings::Format::kText) {
    out = fmt::format("{} {} ", utc_text(ms), name);
    append_plain(text, out);
    for (const auto& [key, value] : fields) {
      out += fmt::format(" {}=", key);
      append_plain(value, out);
    }
    return out;
  }
  out = fmt::format(R"({{"time":"{}","level":"{}","text":")", utc_text(ms), name);
  append_json(text, out);
  for (const auto& [key, value] : fields) {
    out += fmt::format(R"(","{}":")", key);
    append_json(value, out);
  }
  out += "\"}";
  return out;
}

void configure_log(const LogSettings& settings) {
  current_format.store(settings.format, std::memory_order_relaxed);
  for (const auto& [name, level] : kLevels) {
    if (name == settings.level) logger().set_level(level);
  }
}

void log_event(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  const auto own = kLevels[static_cast<std::size_t>(level)].second;
  if (!logger().should_log(own)) return;
  logger().log(own,
               format_event(current_format.load(std::memory_order_relaxed), wall_ms(), level, text, fields));
}

void log_line(std::string_view line) { logger().log(spdlog::level::critical, line); }

}  // namespace idnode
