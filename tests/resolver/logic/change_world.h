// The records that the tests of changes begin with, and short forms of their requests.
#pragma once

#include <gtest/gtest.h>

#include "tests/resolver/logic/world.h"

namespace idnode::test {

using handle::OpCode;
using handle::ResponseCode;
namespace flag = handle::flag;

inline constexpr auto kOk = ResponseCode::kSuccess;
inline constexpr auto kChallenge = ResponseCode::kAuthenticationNeeded;
inline constexpr std::uint8_t kOpen = kDefaultPermissions | kPublicWrite;

class Change : public ::testing::Test {
 protected:
  Change() {
    world.home("0.NA/88.101");
    world.home("0.NA/88.101.5");
    world.home("0.NA/0.NA/88.101");
    world.put("0.NA/88.101", {admin(100, "88.101/ROOT", 301)});
    world.put("0.NA/88.101.5", {admin(100, "88.101.5/PREFIX", 301, handle::kAddHandle)});
    root = world.person("88.101/ROOT");
    creator = world.person("88.101.5/PREFIX");
    owner = world.person("88.101.5/OWNER");
    stranger = world.person("88.101.5/STRANGER");
    world.put("88.101.5/A",
              {value(3, "URL", "a"), value(1, "DESC", "d"), value(4, "OPEN", "o", kOpen),
               value(5, "FIXED", "f", kAdminRead | kPublicRead), admin(100, "88.101.5/OWNER", 301)});
  }
  Ask create(std::string name, std::vector<Value> values, std::uint32_t flags = 0) {
    return {.op = OpCode::kCreate, .name = std::move(name), .values = std::move(values), .flags = flags};
  }
  Ask add(std::vector<Value> values, std::uint32_t flags = 0, std::string name = "88.101.5/A") {
    return {.op = OpCode::kAddValues, .name = std::move(name), .values = std::move(values), .flags = flags};
  }
  Ask modify(std::vector<Value> values, std::string name = "88.101.5/A", std::uint32_t flags = 0) {
    return {
        .op = OpCode::kModifyValues, .name = std::move(name), .values = std::move(values), .flags = flags};
  }
  Ask remove(std::vector<std::uint32_t> indexes, std::string name = "88.101.5/A") {
    return {.op = OpCode::kRemoveValues, .name = std::move(name), .indexes = std::move(indexes)};
  }
  Ask erase(std::string name) { return {.op = OpCode::kDelete, .name = std::move(name)}; }
  Ask home(std::string name) { return {.op = OpCode::kHomePrefix, .name = std::move(name)}; }
  Ask unhome(std::string name) { return {.op = OpCode::kUnhomePrefix, .name = std::move(name)}; }
  ResponseCode code(const Ask& ask, const Person* who = nullptr) { return world.decide(ask, who).code; }

  World world;
  Person root, creator, owner, stranger;
};

}  // namespace idnode::test
