#include "storage/log/replay.h"

#include <optional>
#include <span>
#include <utility>

#include "storage/commit/counters.h"
#include "storage/log/scan.h"

namespace idnode {
namespace {

Result<std::vector<Mutation>> decode_group(const GroupView& group) {
  std::vector<Mutation> mutations;
  MutationWalk walk(group);
  std::string_view encoded;
  while (walk.next(encoded)) {
    Result<Mutation> mutation = decode_mutation(encoded);
    if (!mutation) return std::unexpected(mutation.error());
    mutations.push_back(std::move(*mutation));
  }
  if (!walk.whole()) return std::unexpected(Errc::kCorrupt);
  return mutations;
}

std::unexpected<OpenError> bad_mutation(const LogScan& scan, std::uint64_t offset, Errc code) {
  const std::string place = scan.path() + ": offset " + std::to_string(offset) + ": ";
  if (code == Errc::kNewerFormat) {
    return open_error(code, place + "written by a later version; start that version");
  }
  return open_error(Errc::kCorrupt,
                    place + "a mutation cannot be read; restore the data folder from a backup");
}

// Puts groups into the store, each only after a later one was met or the log's end was made durable: what is
// in the store must never be missing from the log.
class Replay {
 public:
  explicit Replay(Store& store) : store_(store), sums_(store) {}

  Opened<void> take(const LogScan& scan, const GroupView& group) {
    if (const auto put_down = apply_held(); !put_down) return put_down;
    Result<std::vector<Mutation>> mutations = decode_group(group);
    if (!mutations) return bad_mutation(scan, group.offset, mutations.error());
    held_ = std::move(*mutations);
    sequence_ = group.last();
    return {};
  }

  Opened<void> apply_held() {
    if (held_.empty()) return {};
    std::vector<std::span<const Write>> parts;
    Result<void> applied;
    for (const Mutation& mutation : held_) {
      parts.emplace_back(mutation.writes);
      if (applied) applied = sums_.replay(mutation.deltas);
    }
    parts.emplace_back(sums_.writes());
    if (applied) applied = store_.apply_parts(parts, sequence_);
    if (!applied) {
      return open_error(applied.error(), "the store refuses a replayed group at sequence " +
                                             std::to_string(sequence_) + " (" +
                                             std::string(name(applied.error())) + "); check the disk");
    }
    ++groups_;
    mutations_ += held_.size();
    held_.clear();
    sums_.clear();
    return {};
  }

  std::uint64_t groups() const { return groups_; }
  std::uint64_t mutations() const { return mutations_; }

 private:
  Store& store_;
  CounterSums sums_;
  std::vector<Mutation> held_;
  std::uint64_t sequence_ = 0;
  std::uint64_t groups_ = 0;
  std::uint64_t mutations_ = 0;
};

std::unexpected<OpenError> unsettled(const std::string& path, Errc code) {
  return open_error(code, path + ": its end cannot be written (" + std::string(name(code)) +
                              "); check the disk and the permissions");
}

// Cuts what is torn and writes the last group once more: it may be in the page cache only, and a cache page
// whose write failed looks clean.
Opened<std::unique_ptr<LogFile>> settle(const LogScan& scan, const std::string& folder, LogFiles& files,
                                        std::vector<std::string>& notes) {
  if (const auto& torn = scan.torn()) {
    notes.push_back(torn->path + ": " + std::to_string(torn->size - torn->keep) + " octets cut from offset " +
                    std::to_string(torn->keep) + ": a write that was never answered");
    if (torn->keep == 0) {
      if (const auto removed = files.remove(torn->path); !removed)
        return unsettled(torn->path, removed.error());
    }
  }
  std::unique_ptr<LogFile> newest;
  if (!scan.path().empty()) {
    auto file = files.open(scan.path());
    if (!file) return unsettled(scan.path(), file.error());
    Result<void> settled = (*file)->truncate(scan.octets().size());
    if (settled) settled = (*file)->write(scan.last_write(), scan.octets().substr(scan.last_write()));
    if (settled) settled = (*file)->sync();
    if (!settled) return unsettled(scan.path(), settled.error());
    newest = std::move(*file);
  }
  if (const auto synced = files.sync_folder(folder); !synced) return unsettled(folder, synced.error());
  return newest;
}

Opened<void> walk(LogScan& scan, std::uint64_t applied, Replay& replay) {
  if (const auto begun = scan.begin(applied + 1); !begun) return begun;
  GroupView group;
  while (true) {
    const Opened<bool> more = scan.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (group.last() <= applied) continue;
    if (group.first <= applied) {
      return open_error(Errc::kCorrupt, scan.path() + ": offset " + std::to_string(group.offset) +
                                            ": the store ends inside this group, at sequence " +
                                            std::to_string(applied) + "; restore log and store of one node");
    }
    if (const auto taken = replay.take(scan, group); !taken) return taken;
  }
}

}  // namespace

Opened<OpenedLog> open_committed(const std::string& folder, Store& store, const LogOptions& options) {
  LogFiles& files = *options.files;
  if (const auto made = files.make_folder(folder); !made) {
    return open_error(made.error(), folder + ": cannot be made; check the disk and the permissions");
  }
  const std::uint64_t applied = store.applied();
  LogScan scan(files, folder);
  Replay replay(store);
  if (const auto walked = walk(scan, applied, replay); !walked) return std::unexpected(walked.error());
  if (applied > scan.position().sequence) {
    return open_error(Errc::kCorrupt,
                      folder + ": the log ends at sequence " + std::to_string(scan.position().sequence) +
                          " but the store is at " + std::to_string(applied) +
                          "; segments were lost, restore them or the data folder from a backup");
  }
  OpenedLog opened;
  auto newest = settle(scan, folder, files, opened.notes);
  if (!newest) return std::unexpected(newest.error());
  if (const auto last = replay.apply_held(); !last) return std::unexpected(last.error());
  opened.groups = replay.groups();
  opened.mutations = replay.mutations();
  opened.log =
      std::make_unique<Log>(folder, options, scan.position(), std::move(*newest), scan.octets().size());
  return opened;
}

Opened<Chain> verify_chain(const std::string& folder, LogFiles& files) {
  LogScan scan(files, folder);
  if (const auto begun = scan.begin_oldest(); !begun) return std::unexpected(begun.error());
  Chain chain;
  GroupView group;
  while (true) {
    const Opened<bool> more = scan.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (const auto mutations = decode_group(group); !mutations) {
      return bad_mutation(scan, group.offset, mutations.error());
    }
    if (chain.first == 0) chain.first = group.first;
    ++chain.groups;
  }
  chain.last = scan.position().sequence;
  chain.hash = scan.position().hash;
  chain.torn = scan.torn().has_value();
  return chain;
}

}  // namespace idnode
