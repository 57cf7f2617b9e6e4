// storage_writer DATA SEED: a node's storage alone, written to by eight threads until it is killed. Prints
// one line "ack ID SEQUENCE KEY" for each answer, written whole before the next is asked for.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "protocol/bytes.h"
#include "storage/commit/committer.h"
#include "storage/data_folder.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "storage/rocks_store.h"
#include "tests/storage/kill/payload.h"

namespace idnode {
namespace {

template <class T>
T must(Opened<T> opened) {
  if (opened) return std::move(*opened);
  std::fprintf(stderr, "%s\n", opened.error().text.c_str());
  std::exit(1);
}

std::uint64_t version(const Store& store, const std::string& key) {
  std::string image;
  const auto found = store.get(key, image, Depth::kDisk);
  return found && *found ? parse_record(image)->sequence : 0;
}

void write_for_ever(Committer& committer, const Store& store, unsigned seed) {
  std::mt19937_64 random(seed);
  while (true) {
    const std::string name = "88.118/" + std::to_string(random() % 500);
    Mutation mutation;
    Writer id(mutation.id);
    id.u64(random());
    id.u64(random());
    const std::string id_text = to_hex(mutation.id);
    const std::string key = record_key(name, false);
    mutation.reads.push_back({key, version(store, key)});
    mutation.deltas.push_back({"writes", 1, INT64_MAX});
    mutation.writes.push_back({key, make_record(name, 0, 1, payload(id_text, random() % 2'000))});
    // A second record in the same mutation: both or neither.
    const std::string twin = name + "/twin";
    mutation.writes.push_back({record_key(twin, false), make_record(twin, 0, 1, payload(id_text, 10))});
    CommitResult result;
    std::binary_semaphore answered(0);
    committer.submit(std::move(mutation), [&](const CommitResult& r) {
      result = r;
      answered.release();
    });
    answered.acquire();
    if (result.status != CommitStatus::kCommitted) continue;
    const std::string line = "ack " + id_text + " " + std::to_string(result.sequence) + " " + name + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(1);
  }
}

int run(const std::string& path, unsigned seed) {
  auto created = DataFolder::create(path, false);
  auto folder = created ? std::move(created) : DataFolder::open(path, false);
  if (!folder) must(folder ? Opened<int>(0) : Opened<int>(std::unexpected(folder.error())));
  const auto store = must(RocksStore::open(folder->store(), {std::size_t{4} << 20, folder->store_journal()}));
  OpenedLog opened = must(open_committed(*folder, *store, {&real_files(), std::uint64_t{1} << 20}));
  Committer committer(*store, *opened.log, {}, {});
  std::vector<std::thread> writers;
  for (unsigned i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] { write_for_ever(committer, *store, seed * 8 + i); });
  }
  for (std::thread& writer : writers) writer.join();
  return 0;
}

}  // namespace
}  // namespace idnode

int main(int count, char** arguments) {
  if (count != 3) return 2;
  return idnode::run(arguments[1], static_cast<unsigned>(std::atoi(arguments[2])));
}
