// One bit of a real data folder is flipped: whoever opens and reads it is told, or finds all data as it was.
//
// Each flip is opened in a process of its own, so that an abort is seen as one. IDNODE_FLIPS (200) sets how
// many, IDNODE_FLIP the first.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <random>

#include "protocol/bytes.h"
#include "storage/commit/counters.h"
#include "storage/data_folder.h"
#include "storage/rocks_store.h"
#include "tests/storage/made.h"

namespace idnode {
namespace {

namespace fs = std::filesystem;

constexpr int kRecords = 300;
const RocksSettings kRocks{std::size_t{4} << 20, "", nullptr, false};

enum Verdict { kHarmless = 0, kDetected = 10, kUnnamed = 11, kSilent = 12 };

std::string name_of(int record) { return "88.118/" + std::to_string(record); }

// What a process says and how it ended.
struct Ended {
  int code = -1;  // -1: by a signal
  std::string said;
};

Ended in_process(const std::string& scratch, const std::function<int(std::string&)>& work) {
  const std::string path = scratch + "/said";
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    std::string text;
    const int code = work(text);
    std::ofstream(path) << text;
    ::_exit(code);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  std::ifstream in(path);
  Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, {std::istreambuf_iterator<char>(in), {}}};
  fs::remove(path);
  return ended;
}

// A folder with several segments and tables; the last changes are in the log only.
int build(const std::string& data) {
  auto folder = DataFolder::create(data, false);
  const auto store = RocksStore::open(folder->store(), kRocks);
  const auto opened = open_committed(*folder, **store, {&real_files(), std::size_t{32} << 10});
  if (!opened) return 1;
  Committer committer(**store, *opened->log, CommitLimits(), OnCommitted());
  std::mt19937_64 random(7);
  std::map<std::string, std::uint64_t> versions;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kRecords; ++i) {
      const std::string name = name_of(static_cast<int>(random() % kRecords));
      std::string values(random() % 400, '\0');
      for (char& octet : values) octet = static_cast<char>(random());
      Mutation mutation = made::put(name, versions[name], values);
      mutation.deltas.push_back({"changes", 1, INT64_MAX});
      const CommitResult result = made::commit(committer, std::move(mutation));
      if (result.status != CommitStatus::kCommitted) return 1;
      versions[name] = result.sequence;
    }
    if (round < 4 && !(*store)->flush()) return 1;
  }
  return 0;
}

// Everything that a folder holds, as text; or why it cannot be said.
struct Reading {
  std::string contents;
  std::string refused;
};

Reading read_all(const std::string& data) {
  const auto refuse = [](const auto& opened) { return Reading{"", opened.error().text}; };
  auto folder = DataFolder::open(data, false);
  if (!folder) return refuse(folder);
  const auto store = RocksStore::open(folder->store(), kRocks);
  if (!store) return refuse(store);
  const auto opened = open_committed(*folder, **store);
  if (!opened) return refuse(opened);
  Reading reading;
  // As the resolver asks: an answer, nothing there, or an error.
  std::string image;
  for (int i = 0; i < kRecords; ++i) {
    const auto found = (*store)->get(record_key(name_of(i), false), image, Depth::kDisk);
    if (!found)
      reading.refused = data + ": " + name_of(i) + ": " + std::string(name(found.error()));
    else
      reading.contents += *found ? to_hex(image) + "\n" : "nothing\n";
  }
  const KeyRange all = table_range(Table::kRecords);
  const auto cursor = (*store)->scan(all.from, all.to);
  while (cursor->next()) reading.contents += to_hex(cursor->key()) + "=" + to_hex(cursor->image()) + "\n";
  if (!cursor->status()) reading.refused = data + ": a walk";
  if (const auto changes = read_counter(**store, "changes"))
    reading.contents += std::to_string(*changes) + "\n";
  else
    reading.refused = data + ": a counter";
  if (!reading.refused.empty()) return reading;
  const auto chain = verify_chain(folder->log(), real_files(), folder->watermark());
  if (!chain) {
    reading.refused = chain.error().text;
    return reading;
  }
  reading.contents += to_hex(chain->hash) + " " + std::to_string(chain->first) + "\n";
  return reading;
}

// True: each line of `part` stands in `whole`, in order, and nothing else (a part that could not be read is
// left out).
bool part_of(const std::string& part, const std::string& whole) {
  std::size_t at = 0;
  for (std::size_t from = 0; from < part.size();) {
    const std::size_t end = part.find('\n', from) + 1;
    const std::string line = "\n" + part.substr(from, end - from);
    at = whole.find(line, at);
    if (at == std::string::npos) return false;
    at += line.size() - 1;
    from = end;
  }
  return true;
}

int judge(const std::string& data, const std::string& expected, std::string& text) {
  const Reading reading = read_all(data);
  text = reading.refused;
  if (!part_of(reading.contents, "\n" + expected)) return kSilent;
  if (reading.refused.empty()) return reading.contents == expected ? kHarmless : kSilent;
  const bool named = text.find(data) != std::string::npos && text.find('\n') == std::string::npos;
  return named ? kDetected : kUnnamed;
}

using Files = std::map<std::string, std::string>;  // by path under the data folder

Files files_of(const std::string& data) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[fs::relative(entry.path(), data)] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

void write(const std::string& data, const Files& files) {
  fs::remove_all(data);
  for (const auto& [path, octets] : files) {
    fs::create_directories(fs::path(data + "/" + path).parent_path());
    std::ofstream(data + "/" + path, std::ios::binary) << octets;
  }
}

// Files by what they are, so that the small ones get their share.
std::vector<std::pair<std::string, std::vector<std::string>>> kinds_of(const Files& files) {
  std::map<std::string, std::vector<std::string>> kinds;
  for (const auto& [path, octets] : files) {
    if (octets.empty()) continue;
    const std::string file = fs::path(path).filename();
    if (path.starts_with("log/"))
      kinds["log"].push_back(path);
    else if (file.ends_with(".sst"))
      kinds["tables"].push_back(path);
    else
      kinds[file.substr(0, file.find('-'))].push_back(path);
  }
  return {kinds.begin(), kinds.end()};
}

TEST(Flips, NoneIsSilent) {
  made::Scratch scratch;
  const std::string data = scratch / "data";
  ASSERT_EQ(in_process(scratch.path(), [&](std::string&) { return build(data); }).code, 0);
  const Files files = files_of(data);
  // Opening changes the folder: always a copy.
  const Ended whole = in_process(scratch.path(), [&](std::string& text) {
    const Reading reading = read_all(data);
    text = reading.refused.empty() ? reading.contents : reading.refused;
    return reading.refused.empty() ? 0 : 1;
  });
  ASSERT_EQ(whole.code, 0) << whole.said;
  const std::string& expected = whole.said;

  const auto kinds = kinds_of(files);
  const char* asked = std::getenv("IDNODE_FLIPS");
  const char* begin = std::getenv("IDNODE_FLIP");
  const int flips = asked == nullptr ? 200 : std::atoi(asked);
  const int first = begin == nullptr ? 1 : std::atoi(begin);
  std::map<std::string, std::map<int, int>> counts;
  std::map<int, int> sums;
  for (int flip = first; flip < first + flips; ++flip) {
    std::mt19937_64 random(static_cast<std::uint64_t>(flip));
    // The log and the tables are most of a folder, and most of the flips.
    std::size_t kind = random() % (kinds.size() * 2);
    if (kind >= kinds.size()) {
      const std::string most = kind % 2 == 0 ? "log" : "tables";
      kind = static_cast<std::size_t>(std::ranges::find(kinds, most, [](auto& k) { return k.first; }) -
                                      kinds.begin());
    }
    ASSERT_LT(kind, kinds.size()) << "there is no log or no table";
    const auto& paths = kinds[kind].second;
    const std::string& path = paths[random() % paths.size()];
    Files flipped = files;
    const std::size_t bit = random() % (flipped[path].size() * 8);
    char& octet = flipped[path][bit / 8];
    octet = static_cast<char>(octet ^ (1 << bit % 8));
    write(data, flipped);
    const Ended ended =
        in_process(scratch.path(), [&](std::string& text) { return judge(data, expected, text); });
    ++counts[kinds[kind].first][ended.code];
    ++sums[ended.code];
    EXPECT_TRUE(ended.code == kHarmless || ended.code == kDetected)
        << "IDNODE_FLIP=" << flip << " IDNODE_FLIPS=1: " << path << " bit " << bit << " ended with "
        << ended.code << ": " << ended.said;
  }

  // The control: a record that was changed behind the log's back.
  write(data, files);
  const Ended control = in_process(scratch.path(), [&](std::string& text) {
    {
      const auto store = RocksStore::open(data + "/store", kRocks);
      const Write other{record_key(name_of(0), false), make_record(name_of(0), 5, 1, "other")};
      if (!(*store)->apply({&other, 1}, (*store)->applied()) || !(*store)->flush()) return 1;
    }
    return judge(data, expected, text);
  });
  for (const auto& [kind, verdicts] : counts) {
    std::printf("flips in %s:", kind.c_str());
    for (const auto& [verdict, count] : verdicts) {
      const char* word = verdict == kHarmless ? "harmless" : verdict == kDetected ? "detected" : "bad";
      std::printf(" %s=%d", word, count);
    }
    std::printf("\n");
  }
  std::printf(
      "durability: flips=%d detected=%d harmless=%d silent=%d unnamed=%d aborted=%d control_silent=%d\n",
      flips, sums[kDetected], sums[kHarmless], sums[kSilent], sums[kUnnamed], sums[-1],
      control.code == kSilent);
  EXPECT_EQ(control.code, kSilent) << control.said;
}

}  // namespace
}  // namespace idnode
