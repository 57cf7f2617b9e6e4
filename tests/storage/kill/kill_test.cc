// A writer is killed at random moments; what it was told is committed must be there, whole, after the replay.
//
// IDNODE_KILLS (100) sets how often. IDNODE_WRITER names the program.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <sstream>

#include "storage/commit/counters.h"
#include "storage/data_folder.h"
#include "storage/log/scan.h"
#include "storage/rocks_store.h"
#include "tests/storage/kill/payload.h"
#include "tests/storage/made.h"

namespace idnode {
namespace {

struct Ack {
  std::string id;
  std::string name;
};
using Acks = std::map<std::uint64_t, Ack>;  // by sequence

// Starts the writer, kills it `life` after its first answer, returns what it said.
Acks life_and_death(const std::string& data, unsigned seed, std::chrono::milliseconds life) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t writer = ::fork();
  if (writer == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    const std::string number = std::to_string(seed);
    ::execl(IDNODE_WRITER, IDNODE_WRITER, data.c_str(), number.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string said;
  char part[65536];
  using clock = std::chrono::steady_clock;
  auto end = clock::now() + std::chrono::seconds(30);
  while (clock::now() < end) {
    pollfd readable = {ends[0], POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now());
    if (::poll(&readable, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t n = ::read(ends[0], part, sizeof part);
    if (n <= 0) break;
    if (said.empty()) end = clock::now() + life;
    said.append(part, static_cast<std::size_t>(n));
  }
  ::kill(writer, SIGKILL);
  while (true) {
    const ssize_t n = ::read(ends[0], part, sizeof part);
    if (n <= 0) break;
    said.append(part, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(writer, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);

  Acks acks;
  std::istringstream lines(said.substr(0, said.rfind('\n') + 1));
  std::string word, id, name;
  std::uint64_t sequence = 0;
  while (lines >> word >> id >> sequence >> name) acks[sequence] = {id, name};
  return acks;
}

struct Figures {
  std::size_t lost = 0;
  std::size_t torn = 0;
};

// Every acknowledged mutation stands in the log under its sequence.
void check_log(const std::string& folder, const Acks& acks, Figures& figures) {
  if (acks.empty()) return;
  LogScan scan(real_files(), folder);
  ASSERT_TRUE(scan.begin(acks.begin()->first));
  std::map<std::uint64_t, std::string> ids;
  GroupView group;
  while (true) {
    const auto more = scan.next(group);
    ASSERT_TRUE(more) << made::text_of(more);
    if (!*more) break;
    MutationWalk walk(group);
    std::string_view encoded;
    for (std::uint64_t sequence = group.first; walk.next(encoded); ++sequence) {
      ids[sequence] = to_hex(decode_mutation(encoded)->id);
    }
  }
  for (const auto& [sequence, ack] : acks) {
    if (ids[sequence] != ack.id) ++figures.lost;
  }
}

// Every record is whole and of one mutation with its twin, and none is older than what was acknowledged.
void check_store(const Store& store, const std::map<std::string, std::uint64_t>& newest, Figures& figures) {
  std::string image;
  std::string twin_image;
  for (const auto& [name, sequence] : newest) {
    const RecordView record = made::stored(store, name, image);
    if (record.sequence < sequence) ++figures.lost;
  }
  const KeyRange all = table_range(Table::kRecords);
  const auto cursor = store.scan(all.from, all.to);
  while (cursor->next()) {
    const auto record = parse_record(cursor->image());
    if (!record || !whole(record->values)) {
      ++figures.torn;
      continue;
    }
    if (record->name.ends_with("/twin")) continue;
    const RecordView twin = made::stored(store, std::string(record->name) + "/twin", twin_image);
    if (twin.sequence != record->sequence || id_of(twin.values) != id_of(record->values)) ++figures.torn;
  }
  ASSERT_TRUE(cursor->status());
}

TEST(Kill, NothingAcknowledgedIsLost) {
  const char* asked = std::getenv("IDNODE_KILLS");
  const int kills = asked == nullptr ? 100 : std::atoi(asked);
  made::Scratch scratch;
  const std::string data = scratch / "data";
  std::mt19937 random(20'240'601);
  std::map<std::string, std::uint64_t> newest;
  Acks all;
  Figures figures;
  for (int kill = 0; kill < kills; ++kill) {
    const auto life = std::chrono::milliseconds(5 + random() % 100);
    const Acks acks = life_and_death(data, static_cast<unsigned>(kill), life);
    all.insert(acks.begin(), acks.end());
    for (const auto& [sequence, ack] : acks) newest[ack.name] = sequence;
    if (kill % 2 == 0 && kill + 1 < kills) continue;  // every other time the writer itself opens what is left
    auto folder = DataFolder::open(data, false);
    ASSERT_TRUE(folder) << made::text_of(folder);
    const auto store = RocksStore::open(folder->store(), {std::size_t{4} << 20, "", nullptr, false});
    ASSERT_TRUE(store) << made::text_of(store);
    const auto opened = open_committed(*folder, **store);
    ASSERT_TRUE(opened) << made::text_of(opened);
    check_log(folder->log(), acks, figures);
    check_store(**store, newest, figures);
    // One write a mutation: the counter is as exact as the log.
    ASSERT_EQ(read_counter(**store, "writes"), static_cast<std::int64_t>((*store)->applied()));
    ASSERT_EQ(figures.lost + figures.torn, 0U) << "after kill " << kill;
  }
  check_log(data + "/log", all, figures);
  const auto chain = verify_chain(data + "/log");
  std::printf("kills: storage kills=%d acked=%zu lost=%zu torn=%zu chain=%s\n", kills, all.size(),
              figures.lost, figures.torn, chain ? "ok" : chain.error().text.c_str());
  EXPECT_TRUE(chain);
  EXPECT_EQ(figures.lost + figures.torn, 0U);
  EXPECT_GE(all.size(), static_cast<std::size_t>(kills));
}

}  // namespace
}  // namespace idnode
