// The command line of idload: what is taken, and how what is not is refused.
#include <gtest/gtest.h>

#include "bench/load/options.h"

namespace idnode::load {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t space = std::min(line.find(' ', at), line.size());
    if (space > at) out.push_back(line.substr(at, space - at));
    at = space + 1;
  }
  return out;
}

TEST(Arguments, WhatIsRefusedSaysWhy) {
  const struct {
    const char* line;
    const char* said;
  } cases[] = {
      {"", "subcommand"},
      {"swim", "subcommand"},
      {"resolve --udp --pattern x/{} --keys 1", "--target"},
      {"resolve --target nowhere --udp --pattern x/{} --keys 1", "--target: an address and port"},
      {"resolve --target 127.0.0.1:1 --pattern x/{} --keys 1", "either --udp or --tcp"},
      {"resolve --target 127.0.0.1:1 --udp --tcp --pattern x/{} --keys 1", "excludes"},
      {"resolve --target 127.0.0.1:1 --udp", "either --ids FILE or --pattern"},
      {"resolve --target 127.0.0.1:1 --udp --ids a --pattern x/{} --keys 1",
       "either --ids FILE or --pattern"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{}", "--pattern needs --keys"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/1 --keys 2", "no place for a number"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{ --keys 2", "cannot be read"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{:s} --keys 2", "cannot be read"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 0", "--keys"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --distribution zipf", "zipf:S"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --distribution zipf:0", "zipf:S"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --distribution zipf:1x", "zipf:S"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --rate 10 --closed", "excludes"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --rate 0", "--rate"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --seconds -1", "--seconds"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --connections 0", "--connections"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --sources 251", "--sources"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --sources 9 --first-source 127.0.0.250",
       "--first-source"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --first-source ::1", "--first-source"},
      {"resolve --target [::1]:1 --udp --pattern x/{} --keys 5 --sources 4", "--sources"},
      {"resolve --target 127.0.0.1:1 --tcp --pattern x/{} --keys 5 --verify-sources", "--verify-sources"},
      {"resolve --target 127.0.0.1:1 --udp --pattern x/{} --keys 5 --swim", "--swim"},
      {"echo-server --listen 127.0.0.1:0", "either --udp or --tcp"},
      {"echo-server --udp --listen here", "--listen"},
      {"echo-server --udp --listen 127.0.0.1:0 --answer-bytes 19", "--answer-bytes"},
      {"echo-server --udp --listen 127.0.0.1:0 --answer-bytes 1401", "--answer-bytes"},
      {"register --target 127.0.0.1:1 --as 300:a/b --pattern x/{} --keys 5", "--key"},
      {"register --target 127.0.0.1:1 --key k --pattern x/{} --keys 5", "--as"},
      {"fill --pattern x/{} --keys 5", "--config"},
      {"fill --config c --pattern x/{}", "--pattern needs --keys"},
      {"conform --target 127.0.0.1:1", "--known"},
      {"conform --known a/b", "--target"},
  };
  for (const auto& c : cases) {
    const Command command = parse_command(words(c.line));
    const Stop* stop = std::get_if<Stop>(&command);
    ASSERT_NE(stop, nullptr) << c.line;
    EXPECT_EQ(stop->exit_code, kUsage) << c.line;
    EXPECT_NE(stop->text.find(c.said), std::string::npos) << c.line << ": " << stop->text;
    EXPECT_EQ(stop->text.find('\n'), std::string::npos) << c.line << ": one line";
  }
}

TEST(Arguments, HelpIsThere) {
  for (const char* line : {"--help", "resolve --help", "dns -h", "echo-server --help", "register --help",
                           "fill --help", "conform --help"}) {
    const Command command = parse_command(words(line));
    const Stop* stop = std::get_if<Stop>(&command);
    ASSERT_NE(stop, nullptr) << line;
    EXPECT_EQ(stop->exit_code, kRight) << line;
    EXPECT_NE(stop->text.find("Usage"), std::string::npos) << line;
  }
}

TEST(Arguments, WhatIsTaken) {
  const auto closed = std::get<ResolveOptions>(parse_command(
      words("resolve --target 127.0.0.1:7 --tcp --pattern x/{:08} --keys 9 --first 4 --connections 8 "
            "--depth 16 --closed --seconds 0.5 --values 5 --spin --watch 1 --watch 2 --json")));
  EXPECT_EQ(to_text(closed.target), "127.0.0.1:7");
  EXPECT_FALSE(closed.udp);
  EXPECT_FALSE(closed.dns);
  EXPECT_EQ(closed.names.keys, 9U);
  EXPECT_EQ(closed.names.first, 4U);
  EXPECT_EQ(closed.connections, 8U);
  EXPECT_EQ(closed.depth, 16U);
  EXPECT_EQ(closed.rate, 0);
  EXPECT_EQ(closed.values, 5U);
  EXPECT_EQ(closed.watch, (std::vector<pid_t>{1, 2}));
  EXPECT_TRUE(closed.spin);
  EXPECT_TRUE(closed.json);

  const auto open = std::get<ResolveOptions>(parse_command(
      words("resolve --target 127.0.0.1:7 --udp --pattern x/{} --keys 9 --distribution zipf:0.99 "
            "--rate 1000.5 --sources 64 --verify-sources")));
  EXPECT_TRUE(open.udp);
  EXPECT_EQ(open.zipf, 0.99);
  EXPECT_EQ(open.rate, 1000.5);
  EXPECT_EQ(open.sources, 64U);
  EXPECT_EQ(open.connections, 64U) << "each source has a socket";

  const auto dns =
      std::get<ResolveOptions>(parse_command(words("dns --target 127.0.0.1:7 --pattern n{} --keys 9")));
  EXPECT_TRUE(dns.dns);
  EXPECT_TRUE(dns.udp);

  const auto echo = std::get<EchoOptions>(parse_command(words("echo-server --tcp --listen 127.0.0.1:0")));
  EXPECT_FALSE(echo.udp);
  EXPECT_EQ(echo.answer_bytes, 0U);
}

}  // namespace
}  // namespace idnode::load
