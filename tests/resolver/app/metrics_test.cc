// Names, types and labels of every metric: dashboards hold on to them.
#include "resolver/app/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace idnode {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// One answer of every kind, so that families that show only what happened show everything.
NodeNumbers numbers() {
  NodeNumbers n;
  n.started_seconds = 1'767'225'845.5;
  n.ready = true;
  n.identifiers = 33'883;
  for (std::size_t t = 0; t < kTransports; ++t) {
    for (std::size_t o = 0; o < operation_rows(); ++o) {
      for (std::size_t c = 0; c < code_rows(); ++c) n.requests.answers[t][o][c] = 1;
      n.requests.latency[t][o].buckets[2] = 3;
      n.requests.latency[t][o].buckets.back() = 1;
      n.requests.latency[t][o].sum_us = 6'000'000;
    }
  }
  n.commit_seconds = {{0.001, 0.01}, {1, 2, 5}, 0.5};
  n.commit_mutations = {{1, 10}, {1, 2, 5}, 77};
  n.upstream.requests = {1, 2, 3, 4, 5};
  return n;
}

TEST(Metrics, AreTheListedOnes) {
  const Metrics metrics(numbers);
  EXPECT_EQ(metrics.listing(), file_text(std::string(IDNODE_SOURCE_DIR) + "/tests/golden/metrics.txt"));
  std::istringstream lines(metrics.listing());
  const std::string text = metrics.text();
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find(' '));
    EXPECT_NE(text.find("# HELP " + name + " "), std::string::npos) << name;
  }
}

TEST(Metrics, TextHoldsTheNumbers) {
  const std::string text = Metrics(numbers).text();
  EXPECT_NE(text.find("\nidnode_identifiers 33883\n"), std::string::npos);
  EXPECT_NE(text.find("\nidnode_upstream_requests_total{outcome=\"timeout\"} 4\n"), std::string::npos);
  EXPECT_NE(text.find("idnode_requests_total{transport=\"udp\",operation=\"resolve\",code=\"100\"} 1\n"),
            std::string::npos);
  EXPECT_NE(text.find("idnode_request_seconds_count{transport=\"tcp\",operation=\"resolve\"} 4\n"),
            std::string::npos);
  EXPECT_NE(
      text.find("idnode_request_seconds_bucket{transport=\"tcp\",operation=\"resolve\",le=\"0.00025\"} 3\n"),
      std::string::npos);
  EXPECT_NE(
      text.find("idnode_request_seconds_bucket{transport=\"tcp\",operation=\"resolve\",le=\"+Inf\"} 4\n"),
      std::string::npos);
  EXPECT_NE(text.find("idnode_request_seconds_sum{transport=\"tcp\",operation=\"resolve\"} 6\n"),
            std::string::npos);
  EXPECT_NE(text.find("idnode_commit_seconds_bucket{le=\"+Inf\"} 5\n"), std::string::npos);
  EXPECT_NE(text.find("idnode_commit_mutations_sum 77\n"), std::string::npos);
}

TEST(Metrics, OperationsAreNamedAsDocumented) {
  const std::pair<std::uint32_t, const char*> expected[] = {
      {1, "resolve"},  {2, "site_info"}, {100, "create"},     {101, "delete"},        {102, "add"},
      {103, "remove"}, {104, "modify"},  {105, "list"},       {200, "answer"},        {201, "verify"},
      {300, "home"},   {301, "unhome"},  {302, "list_homed"}, {400, "session_setup"}, {2001, "login"}};
  for (const auto& [opcode, label] : expected)
    EXPECT_EQ(operation_label(operation_row(opcode)), label) << opcode;
}

TEST(Metrics, JsonIsOneFlatObject) {
  const std::string json = Metrics([] { return NodeNumbers{}; }).json();
  EXPECT_TRUE(std::regex_match(json, std::regex(R"(\{("[a-zA-Z0-9_.+-]+":[-0-9.e+]+,?)+\})"))) << json;
  EXPECT_NE(json.find("\"idnode_upstream_requests_total.answered\":0"), std::string::npos);
}

TEST(Metrics, IdentifiersAreNotShownBeforeTheyAreCounted) {
  const std::string text = Metrics([] {
                             NodeNumbers n;
                             n.identifiers_counted = false;
                             return n;
                           }).text();
  EXPECT_EQ(text.find("\nidnode_identifiers "), std::string::npos);
  EXPECT_GT(resident_bytes(), 0U);
  EXPECT_GT(open_descriptors(), 2U);
}

}  // namespace
}  // namespace idnode
