// What storage tests make over and over: scratch folders, records, mutations, a committer that is waited for.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "storage/commit/committer.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/memory_store.h"
#include "storage/record.h"

namespace idnode::made {

// A folder that goes away with the object.
class Scratch {
 public:
  Scratch() {
    std::string name = std::filesystem::temp_directory_path() / "idnode-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A change that has read `version` of the record (0: create).
inline Mutation put(const std::string& name, std::uint64_t version, const std::string& values) {
  Mutation mutation;
  mutation.id = std::string(16, 'i');
  mutation.actor = "300:88.118/ADMIN";
  mutation.source = "127.0.0.1";
  mutation.action = version == 0 ? "create" : "modify";
  mutation.reads.push_back({record_key(name, false), version});
  mutation.writes.push_back({record_key(name, false), make_record(name, 0, 1, values)});
  return mutation;
}

inline std::string encoded(const Mutation& mutation) {
  std::string octets;
  encode(mutation, octets);
  return octets;
}

inline CommitResult commit(Committer& committer, Mutation mutation) {
  std::promise<CommitResult> answered;
  committer.submit(std::move(mutation), [&](const CommitResult& result) { answered.set_value(result); });
  return answered.get_future().get();
}

// The image under `name`, parsed; fails the test when there is none. `image` keeps the octets.
inline RecordView stored(const Store& store, const std::string& name, std::string& image) {
  const auto found = store.get(record_key(name, false), image, Depth::kDisk);
  EXPECT_TRUE(found && *found) << name;
  const auto record = parse_record(image);
  EXPECT_TRUE(record) << name;
  return record.value_or(RecordView{});
}

inline std::string text_of(const auto& opened) { return opened ? std::string() : opened.error().text; }

}  // namespace idnode::made
