// A hint changes nothing, whatever the messages are.
#include "resolver/logic/foresight.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "storage/keys.h"
#include "storage/record.h"
#include "tests/resolver/logic/node.h"

namespace idnode::logic_test {
namespace {

constexpr std::string_view kName = "88.118.8/870101.X200.000123";

class ForesightTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.services.resident = &tier_;
    std::string values;
    encode(Value{.index = 1, .permissions = kPublicRead, .type = "URL", .data = "x"}, values);
    const std::string key = record_key(kName, false);
    tier_.offer(tier_.ticket(key), key, make_record(kName, 1, 1, values));
    tier_.work();
  }
  Resident::Kind found() {
    std::string values;
    return tier_.find(record_key(kName, false), values).kind;
  }
  // Copies of exactly its size, so that a sanitizer sees a look behind the end.
  void expect(std::string_view message) {
    foresight_.expect({messages_.emplace_back(message.begin(), message.end()).data(), message.size()});
  }

  Node node_;
  Resident tier_{std::size_t{8} << 20, HashKey{1, 2}};
  Foresight foresight_;
  std::deque<std::vector<char>> messages_;
};

TEST_F(ForesightTest, EveryLengthOfAMessage) {
  const std::string message = resolve_frame(kName).substr(handle::kEnvelopeSize);
  for (std::size_t size = 0; size <= message.size(); ++size) expect(message.substr(0, size));
  foresight_.fetch(node_.services);
  EXPECT_EQ(found(), Resident::Kind::kValues);
}

TEST_F(ForesightTest, MoreThanItHolds) {
  const std::string message = resolve_frame(kName).substr(handle::kEnvelopeSize);
  for (int turn = 0; turn < 3; ++turn) {
    for (int i = 0; i < 1'000; ++i) expect(message);
    foresight_.fetch(node_.services);
  }
  EXPECT_EQ(found(), Resident::Kind::kValues);
}

TEST_F(ForesightTest, NamesOfAnyLengthAndOtherOperations) {
  for (const std::size_t size : {0, 1, 2'048, 2'049, 100'000})
    expect(resolve_frame(std::string(size, 'n')).substr(handle::kEnvelopeSize));
  expect(frame_of(handle::OpCode::kSiteInfo, "/").substr(handle::kEnvelopeSize));
  foresight_.fetch(node_.services);
  EXPECT_EQ(found(), Resident::Kind::kValues);
}

TEST_F(ForesightTest, WithoutATier) {
  node_.services.resident = nullptr;
  for (int i = 0; i < 2; ++i) expect(resolve_frame(kName).substr(handle::kEnvelopeSize));
  foresight_.fetch(node_.services);
}

}  // namespace
}  // namespace idnode::logic_test
