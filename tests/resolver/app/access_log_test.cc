// Lines of the access log, and the lane between a worker and the log's thread.
#include "resolver/app/access_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace idnode {
namespace {

AccessEntry entry() {
  AccessEntry e;
  e.peer = *parse_endpoint("192.0.2.7:40000");
  e.major = 2;
  e.minor = 11;
  e.ms = 1'767'225'845'006;  // 2026-01-01 00:04:05.006 UTC
  e.opcode = e.original_opcode = 1;
  e.code = 1;
  e.took_ms = 3;
  e.name = "88.118/A1";
  return e;
}

std::string line(LogSettings::Format format, const AccessEntry& e) {
  std::string out;
  append_access_line(format, e, out);
  return out;
}

TEST(AccessLine, IsTheDocumentedOne) {
  AccessEntry e = entry();
  const auto text = LogSettings::Format::kText;
  EXPECT_EQ(line(text, e), "192.0.2.7 TCP:HDL(2.11) \"2026-01-01 00:04:05.006Z\" 1 1 3ms  88.118/A1\n");
  e.transport = Transport::kUdp;
  e.identity_handle = "88.118/ADMIN";
  e.identity_index = 300;
  e.code = 402;
  EXPECT_EQ(
      line(text, e),
      "192.0.2.7 UDP:HDL(2.11) \"2026-01-01 00:04:05.006Z\" 1 402 3ms adm=300:88.118/ADMIN 88.118/A1\n");
  e.peer = *parse_endpoint("[2001:db8::1]:7");
  e.name = "88.118/a b%c&d?e#f\"g\r\nh\x01\xe4\xb8\xad";
  e.identity_handle = {};
  EXPECT_EQ(line(text, e),
            "2001:db8::1 UDP:HDL(2.11) \"2026-01-01 00:04:05.006Z\" 1 402 3ms  "
            "88.118/a%20b%25c%26d%3Fe%23f%22g%0D%0Ah%01\xe4\xb8\xad\n");
}

// The text of a second is kept from line to line.
TEST(AccessLine, TellsTheTimeOfEachLine) {
  AccessEntry e = entry();
  for (const auto& [ms, text] : std::initializer_list<std::pair<std::uint64_t, std::string_view>>{
           {1'767'225'845'999, "2026-01-01T00:04:05.999Z"},
           {1'767'225'846'000, "2026-01-01T00:04:06.000Z"},
           {1'767'225'845'070, "2026-01-01T00:04:05.070Z"},
           {1'798'761'600'000, "2027-01-01T00:00:00.000Z"}}) {
    e.ms = ms;
    EXPECT_TRUE(line(LogSettings::Format::kJson, e).contains(text)) << text;
  }
}

TEST(AccessLine, OfAChallengeAnswerNamesTheRequestItWasFor) {
  AccessEntry e = entry();
  e.opcode = 200;
  e.original_opcode = 101;
  EXPECT_EQ(
      line(LogSettings::Format::kText, e),
      "192.0.2.7 TCP:HDL(2.11) \"2026-01-01 00:04:05.006Z\" 200 1 3ms  88.118/A1 op=101 hdl=88.118/A1\n");
}

TEST(AccessLine, AsJson) {
  AccessEntry e = entry();
  e.name = "88.118/\"\xff";
  e.identity_handle = "88.118/ADMIN";
  e.identity_index = 300;
  e.opcode = 200;
  e.original_opcode = 100;
  EXPECT_EQ(line(LogSettings::Format::kJson, e),
            "{\"time\":\"2026-01-01T00:04:05.006Z\",\"peer\":\"192.0.2.7:40000\",\"transport\":\"TCP\","
            "\"version\":\"2.11\","
            "\"opcode\":200,\"code\":1,\"ms\":3,\"op\":100,\"identity\":\"300:88.118/"
            "ADMIN\",\"handle\":\"88.118/\\\"\xef\xbf\xbd\"}\n");
}

TEST(AccessLane, KeepsWholeLinesAndCountsWhatDoesNotFit) {
  AccessLane lane(256, LogSettings::Format::kText);
  const std::size_t size = line(LogSettings::Format::kText, entry()).size();
  for (int round = 0; round < 50; ++round) {  // goes round the ring at every offset
    const std::size_t fit = 256 / size;
    for (std::size_t i = 0; i < fit + 2; ++i) lane.write(entry());
    std::string out;
    lane.drain(out);
    ASSERT_EQ(out.size(), fit * size);
    for (std::size_t i = 0; i < fit; ++i)
      EXPECT_EQ(out.substr(i * size, size), line(LogSettings::Format::kText, entry()));
    EXPECT_EQ(lane.dropped(), 2U * (static_cast<std::size_t>(round) + 1));
  }
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string l; std::getline(in, l);) lines.push_back(l);
  return lines;
}

class AccessLogFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("idnode-access-{}", getpid());
    std::filesystem::remove_all(folder_);
    path_ = (folder_ / "deep" / "access.log").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(AccessLogFile, TakesLinesOfManyWorkersAndLosesNone) {
  {
    auto log = AccessLog::open({.path = path_, .lanes = 4, .flush_interval = std::chrono::milliseconds(5)});
    ASSERT_TRUE(log.has_value());
    std::vector<std::thread> workers;
    for (std::size_t w = 0; w < 4; ++w) {
      workers.emplace_back([&, w] {
        for (int i = 0; i < 2'000; ++i) (*log)->write(w, entry());
      });
    }
    for (auto& worker : workers) worker.join();
    const auto counters = (*log)->counters();
    EXPECT_EQ(counters.written + counters.dropped, 8'000U);
    EXPECT_EQ(counters.dropped, 0U);
  }
  const auto lines = lines_of(path_);
  EXPECT_EQ(lines.size(), 8'000U);
  for (const auto& l : lines) ASSERT_EQ(l + "\n", line(LogSettings::Format::kJson, entry()));
}

// Nobody waits for the flush interval when lines come faster.
TEST_F(AccessLogFile, AFillingLaneIsWrittenAtOnce) {
  auto log = AccessLog::open(
      {.path = path_, .lanes = 2, .lane_octets = 64 << 10, .flush_interval = std::chrono::hours(1)});
  ASSERT_TRUE(log.has_value());
  const std::size_t size = line(LogSettings::Format::kJson, entry()).size();
  const auto written = [&] { return std::filesystem::file_size(path_); };
  for (std::size_t filled = 0; filled < 3; ++filled) {
    const auto before = written();
    for (std::size_t i = 0; i * size < (64 << 10) / 4; ++i) (*log)->write(1, entry());
    while (written() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ((*log)->counters().dropped, 0U);
}

TEST_F(AccessLogFile, IsOpenedAnewAfterARotation) {
  auto log = AccessLog::open(
      {.path = path_, .format = LogSettings::Format::kText, .flush_interval = std::chrono::milliseconds(5)});
  ASSERT_TRUE(log.has_value());
  (*log)->write(0, entry());
  for (int i = 0; i < 500 && lines_of(path_).empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::filesystem::rename(path_, path_ + ".1");
  (*log)->reopen();
  for (int i = 0; i < 500 && !std::filesystem::exists(path_); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  (*log)->write(0, entry());
  log->reset();
  EXPECT_EQ(lines_of(path_ + ".1").size(), 1U);
  EXPECT_EQ(lines_of(path_).size(), 1U);
}

TEST_F(AccessLogFile, APathThatCannotBeOpenedIsSaid) {
  EXPECT_FALSE(AccessLog::open({.path = "/proc/nowhere/access.log"}).has_value());
}

}  // namespace
}  // namespace idnode
