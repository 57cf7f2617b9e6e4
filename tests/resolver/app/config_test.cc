// The table of settings and the parser that works from it.
#include "resolver/app/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace idnode {
namespace {

constexpr const char* kSmallest = "[node]\nprefixes = [\"88.118\"]\n";

Config parse(std::string_view text) { return parse_config("/etc/idnode/idnode.toml", text); }

std::string all_errors(const Config& config) {
  std::string out;
  for (const ConfigError& error : config.errors) out += error_text(config, error) + "\n";
  return out;
}

// A whole file with one setting in question, on line 4 (or inside [node], on line 3).
std::string with(const Field& field, const std::string& value) {
  if (field.table == "node") {
    const bool prefixes = field.name == "prefixes";
    return std::string("[node]\n") + (prefixes ? "\n" : "prefixes = [\"88.118\"]\n") + field.name + " = " +
           value + "\n";
  }
  return kSmallest + ("[" + field.table + "]\n" + field.name + " = " + value + "\n");
}

std::string line_of(const Field& field) { return field.table == "node" ? "3" : "4"; }

TEST(Config, DefaultsAreTheDocumentedOnes) {
  const Config config = parse(kSmallest);
  ASSERT_TRUE(config.ok()) << all_errors(config);
  const Settings& s = config.settings;
  EXPECT_EQ(s.node.data, "/etc/idnode/var/data");
  EXPECT_EQ(s.node.site_address, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(s.node.prefixes, std::vector<std::string>{"88.118"});
  EXPECT_EQ(s.node.workers, 0U);
  EXPECT_EQ(s.node.spin_us, 0U);
  EXPECT_FALSE(s.node.case_sensitive);
  EXPECT_TRUE(s.node.default_administrator);
  ASSERT_EQ(s.listen.handle.size(), 1U);
  EXPECT_EQ(to_text(s.listen.handle[0]), "127.0.0.1:2641");
  EXPECT_EQ(to_text(s.listen.http.at(0)), "127.0.0.1:8000");
  EXPECT_EQ(to_text(s.listen.admin.at(0)), "127.0.0.1:9641");
  EXPECT_TRUE(s.listen.https.empty());
  EXPECT_FALSE(s.listen.udp_admin);
  EXPECT_EQ(s.tls.certificate, "");
  EXPECT_FALSE(s.replication.serve);
  EXPECT_TRUE(s.upstream.servers.empty());
  EXPECT_EQ(s.upstream.mode, UpstreamSettings::Mode::kIterate);
  ASSERT_EQ(s.upstream.clients.size(), 2U);
  EXPECT_TRUE(s.upstream.clients[0].contains(*parse_ip("127.9.9.9")));
  EXPECT_TRUE(s.upstream.clients[1].contains(*parse_ip("::1")));
  EXPECT_FALSE(any_contains(s.upstream.clients, *parse_ip("10.0.0.1")));
  EXPECT_TRUE(any_contains(s.upstream.allow, *parse_ip("127.0.0.1")));
  EXPECT_EQ(s.storage.memory_mb, 1024U);
  EXPECT_TRUE(s.idis.connection_sessions);
  EXPECT_TRUE(s.idis.ignore_po_when_authenticated);
  EXPECT_FALSE(s.idis.response_codes);
  EXPECT_EQ(s.log.format, LogSettings::Format::kJson);
  EXPECT_EQ(s.log.access, "/etc/idnode/var/access.log");
  EXPECT_EQ(s.log.level, "info");
  EXPECT_TRUE(s.trusted.empty());
  EXPECT_EQ(s.limits, Limits{});
  EXPECT_EQ(site_port(s, 40'123), 40'123);
}

TEST(Config, EveryFieldIsKnownOnceAndExplained) {
  std::set<std::string> names;
  for (const Field& field : fields()) {
    const std::string name = field.table + "." + field.name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_FALSE(field.help.empty()) << name;
    EXPECT_FALSE(field.type.empty()) << name;
    EXPECT_FALSE(table_help(field.table).empty()) << name;
    EXPECT_EQ(find_field(field.table, field.name), &field);
  }
  EXPECT_GE(names.size(), 70U);
  for (const LimitRow& row : kLimitRows) EXPECT_TRUE(names.contains("limits." + std::string(row.name)));
}

TEST(Config, EveryFieldTakesItsDefaultAndShowsItAgain) {
  for (const Field& field : fields()) {
    if (field.name == "prefixes") continue;
    const Config config = parse(with(field, field.fallback));
    ASSERT_TRUE(config.ok()) << all_errors(config);
    std::string shown = field.show(config.settings);
    // Paths have become absolute.
    if (const auto at = shown.find("/etc/idnode/"); at != std::string::npos) shown.erase(at, 12);
    EXPECT_EQ(shown, field.fallback) << field.table << "." << field.name;
  }
}

TEST(Config, EveryFieldRefusesAnotherKindAndSaysWhere) {
  for (const Field& field : fields()) {
    const bool number = field.type == "whole number";
    for (const std::string wrong : {number ? "\"x\"" : "17", "1.5", "{ a = 1 }"}) {
      const Config config = parse(with(field, wrong));
      ASSERT_EQ(config.errors.size(), 1U) << field.table << "." << field.name << " = " << wrong;
      const std::string text = error_text(config, config.errors[0]);
      const std::string start =
          "/etc/idnode/idnode.toml:" + line_of(field) + ": [" + field.table + "] " + field.name + ": needs ";
      EXPECT_TRUE(text.starts_with(start)) << text;
    }
  }
}

TEST(Config, NumbersKeepTheirBounds) {
  struct Case {
    const char* table;
    const char* name;
    std::int64_t low, high;
  };
  std::vector<Case> cases = {{"node", "workers", 0, 1024},
                             {"node", "spin_us", 0, 1'000'000},
                             {"node", "site_port", 0, 65'535},
                             {"storage", "memory_mb", 64, 16'777'216}};
  for (const LimitRow& row : kLimitRows) {
    cases.push_back({"limits", row.name.data(), static_cast<std::int64_t>(row.floor),
                     static_cast<std::int64_t>(row.ceiling)});
  }
  for (const Case& c : cases) {
    const Field* field = find_field(c.table, c.name);
    ASSERT_NE(field, nullptr) << c.name;
    for (const std::int64_t in : {c.low, c.high}) {
      const Config config = parse(with(*field, std::to_string(in)));
      EXPECT_TRUE(config.ok()) << all_errors(config);
      EXPECT_EQ(field->show(config.settings), std::to_string(in));
    }
    for (const std::int64_t out : {c.low - 1, c.high + 1}) {
      const Config config = parse(with(*field, std::to_string(out)));
      ASSERT_EQ(config.errors.size(), 1U) << c.name << " = " << out;
      EXPECT_EQ(config.errors[0].line, field->table == "node" ? 3U : 4U);
    }
  }
}

TEST(Config, ListsAndWordsAreLookedInto) {
  const std::pair<const char*, const char*> wrong[] = {
      {"handle", "[\"127.0.0.1\"]"},
      {"handle", "[\"127.0.0.1:70000\"]"},
      {"handle", "[\"localhost:2641\"]"},
      {"handle", "[]"},
      {"prefixes", "[\"88/118\"]"},
      {"prefixes", "[\"\"]"},
      {"prefixes", "[\"88..118\"]"},
      {"prefixes", "[\"88.118\", 7]"},
      {"prefixes", "[\"a\", \"A\"]"},
      {"prefixes", "[]"},
      {"administrators", "[\"88.118/A\"]"},
      {"administrators", "[\"x:88/A\"]"},
      {"site_address", "\"0.0.0.0\""},
      {"site_address", "\"::\""},
      {"site_address", "[\"host\"]"},
      {"clients", "[\"127.0.0.0/33\"]"},
      {"clients", "[\"x\"]"},
      {"trusted", "[\"::1/129\"]"},
      {"mode", "\"ask\""},
      {"format", "\"xml\""},
      {"level", "\"loud\""},
      {"data", "\"\""},
      {"certificate", "\"only.pem\""},
  };
  for (const auto& [name, value] : wrong) {
    for (const Field& field : fields()) {
      if (field.name != name || (field.name == "level" && field.table != "log")) continue;
      const Config config = parse(with(field, value));
      ASSERT_EQ(config.errors.size(), 1U) << name << " = " << value << "\n" << all_errors(config);
      EXPECT_EQ(std::to_string(config.errors[0].line), line_of(field)) << all_errors(config);
    }
  }
}

TEST(Config, OneAddressMayStandWithoutAList) {
  const Config config = parse("[node]\nprefixes=[\"88.118\"]\nsite_address = \"192.0.2.1\"\n");
  ASSERT_TRUE(config.ok()) << all_errors(config);
  EXPECT_EQ(config.settings.node.site_address, std::vector<std::string>{"192.0.2.1"});
  const Config both =
      parse("[node]\nprefixes=[\"88.118\"]\nsite_address = [\"192.0.2.1\", \"2001:db8::1\"]\n");
  EXPECT_EQ(both.settings.node.site_address.size(), 2U);
}

TEST(Config, ReportsEverythingThatIsWrongInTheOrderOfLines) {
  const Config config = parse(
      "stray = 1\n"
      "[node]\n"
      "prefixes = [\"88.118\",\n"
      "  \"88 118\"]\n"
      "worker = 4\n"
      "workers = 5000\n"
      "[lisen]\n"
      "handle = []\n"
      "[log]\n"
      "level = 3\n"
      "memory_mb = 12\n");
  EXPECT_EQ(
      all_errors(config),
      "/etc/idnode/idnode.toml:1: 'stray' stands outside a table such as [node]\n"
      "/etc/idnode/idnode.toml:4: [node] prefixes: \"88 118\" is not a prefix such as 88.118 (no slash)\n"
      "/etc/idnode/idnode.toml:5: [node] worker: no such setting; did you mean [node] workers?\n"
      "/etc/idnode/idnode.toml:6: [node] workers: 5000 is not from 0 to 1024\n"
      "/etc/idnode/idnode.toml:7: [lisen]: no such table\n"
      "/etc/idnode/idnode.toml:10: [log] level: needs a text, not a whole number\n"
      "/etc/idnode/idnode.toml:11: [log] memory_mb: no such setting; did you mean [storage] memory_mb?\n");
}

TEST(Config, SyntaxErrorsNameTheirLine) {
  const Config config = parse("[node]\nprefixes = [\"88.118\"\nworkers = 1\n");
  ASSERT_EQ(config.errors.size(), 1U);
  EXPECT_GE(config.errors[0].line, 2U);
  EXPECT_TRUE(error_text(config, config.errors[0]).find("not TOML: ") != std::string::npos);
  const Config twice = parse("[node]\nprefixes = [\"88.118\"]\nprefixes = [\"88.119\"]\n");
  ASSERT_EQ(twice.errors.size(), 1U);
  EXPECT_EQ(twice.errors[0].line, 3U);
}

TEST(Config, TheSameAddressTwiceIsRefused) {
  const Config config = parse(std::string(kSmallest) +
                              "[listen]\nhandle = [\"127.0.0.1:2641\"]\nadmin = [\"127.0.0.1:2641\"]\n");
  ASSERT_EQ(config.errors.size(), 1U);
  EXPECT_EQ(config.errors[0].line, 5U);
  EXPECT_TRUE(
      parse(std::string(kSmallest) + "[listen]\nhandle = [\"127.0.0.1:0\"]\nadmin = [\"127.0.0.1:0\"]\n")
          .ok());
}

TEST(Config, FilesThatCannotBeReadAreErrorsOfTheFile) {
  const Config missing = load_config("/nonexistent/idnode.toml");
  ASSERT_EQ(missing.errors.size(), 1U);
  EXPECT_TRUE(
      error_text(missing, missing.errors[0]).starts_with("/nonexistent/idnode.toml: there is no such file"));
  EXPECT_FALSE(load_config("/tmp").ok());
}

TEST(Config, OriginsNameTheLineOrTheDefault) {
  const Config config = parse(std::string(kSmallest) + "[log]\nlevel = \"debug\"\n");
  EXPECT_EQ(origin_text(config, "log", "level"), "/etc/idnode/idnode.toml:4: [log] level");
  EXPECT_EQ(origin_text(config, "node", "data"), "/etc/idnode/idnode.toml: [node] data (default)");
}

TEST(Config, ReloadTellsLiveChangesFromThoseThatNeedARestart) {
  const Settings old = parse(kSmallest).settings;
  EXPECT_TRUE(compare(old, old).live.empty());
  Settings next = old;
  next.log.level = "debug";
  next.limits.idle_seconds = 5;
  next.trusted.push_back(*parse_network("192.0.2.0/24"));
  EXPECT_EQ(compare(old, next).live,
            (std::vector<std::string>{"log.level", "limits.trusted", "limits.idle_seconds"}));
  EXPECT_TRUE(compare(old, next).restart.empty());
  next.node.data = "/elsewhere";
  next.listen.handle.clear();
  EXPECT_EQ(compare(old, next).restart, (std::vector<std::string>{"node.data", "listen.handle"}));
}

}  // namespace
}  // namespace idnode
