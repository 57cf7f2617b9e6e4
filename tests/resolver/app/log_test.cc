#include "resolver/app/log.h"

#include <gtest/gtest.h>

namespace idnode {
namespace {

TEST(Log, OneLineAnEvent) {
  EXPECT_EQ(format_event(LogSettings::Format::kJson, 1'767'225'845'006, LogLevel::kError, "a \"b\"\n\xff",
                         {{"path", "/x\\y"}}),
            "{\"time\":\"2026-01-01T00:04:05.006Z\",\"level\":\"error\",\"text\":\"a "
            "\\\"b\\\"\\u000a\xef\xbf\xbd\","
            "\"path\":\"/x\\\\y\"}");
  EXPECT_EQ(
      format_event(LogSettings::Format::kText, 1'767'225'845'006, LogLevel::kWarning, "a\nb", {{"n", "1"}}),
      "2026-01-01T00:04:05.006Z warning a b n=1");
}

TEST(Log, LevelsAreKept) {
  configure_log({.format = LogSettings::Format::kText, .access = "", .level = "warning"});
  testing::internal::CaptureStderr();
  log_event(LogLevel::kInfo, "quiet");
  log_event(LogLevel::kError, "loud");
  log_line("READY x");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find(" error loud\nREADY x\n"), std::string::npos) << out;
  configure_log({});
}

}  // namespace
}  // namespace idnode
