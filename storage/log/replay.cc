#include "storage/log/replay.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "storage/commit/counters.h"
#include "storage/log/scan.h"

namespace idnode {
namespace {

// Hands each mutation of a group to `take`; kCorrupt or kNewerFormat when one cannot be read.
Result<void> each_mutation(const GroupView& group, auto take) {
  MutationView mutation;
  MutationWalk walk(group);
  std::string_view encoded;
  while (walk.next(encoded)) {
    if (const auto decoded = decode_mutation(encoded, mutation); !decoded) return decoded;
    take(mutation);
  }
  if (!walk.whole()) return std::unexpected(Errc::kCorrupt);
  return {};
}

std::unexpected<OpenError> bad_mutation(const LogScan& scan, std::uint64_t offset, Errc code) {
  const std::string place = scan.path() + ": offset " + std::to_string(offset) + ": ";
  if (code == Errc::kNewerFormat) {
    return open_error(code, place + "written by a later version; start that version");
  }
  return open_error(Errc::kCorrupt,
                    place + "a mutation cannot be read; restore the data folder from a backup");
}

// Puts groups into the store.
class Replay {
 public:
  explicit Replay(Store& store) : store_(store), sums_(store) {}

  Opened<void> take(const LogScan& scan, const GroupView& group) {
    writes_.clear();
    Result<void> applied;
    const Result<void> read = each_mutation(group, [&](const MutationView& mutation) {
      writes_.insert(writes_.end(), mutation.writes.begin(), mutation.writes.end());
      if (applied) applied = sums_.replay(mutation.deltas);
    });
    if (!read) return bad_mutation(scan, group.offset, read.error());
    std::ranges::copy(sums_.writes(), std::back_inserter(writes_));
    if (applied) applied = store_.apply_group(writes_, group.last());
    if (!applied) {
      return open_error(applied.error(), "the store refuses a replayed group at sequence " +
                                             std::to_string(group.last()) + " (" +
                                             std::string(name(applied.error())) + "); check the disk");
    }
    ++groups_;
    mutations_ += group.count;
    sums_.clear();
    return {};
  }

  std::uint64_t groups() const { return groups_; }
  std::uint64_t mutations() const { return mutations_; }

 private:
  Store& store_;
  CounterSums sums_;
  std::vector<WriteView> writes_;
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

constexpr std::string_view kRestoreLog = "; restore the log or the data folder from a backup";

// Compares what is met of the log with the mark.
class MarkCheck {
 public:
  explicit MarkCheck(const Mark* mark) : mark_(mark) {}

  Opened<void> meet(const LogScan& scan, const GroupView& group) const {
    if (mark_ == nullptr || group.last() < mark_->sequence) return {};
    const std::uint64_t before = group.first - 1;
    const bool other = (before == mark_->sequence && group.previous != mark_->hash) ||
                       (before < mark_->sequence && mark_->sequence < group.last()) ||
                       (group.last() == mark_->sequence && group.hash != mark_->hash);
    return other ? differs(scan, group.offset) : Opened<void>();
  }

  Opened<void> end(const LogScan& scan, const std::string& folder) const {
    if (mark_ == nullptr) return {};
    const LogPosition& end = scan.position();
    if (end.sequence == mark_->sequence && end.hash != mark_->hash) return differs(scan, scan.last_write());
    if (end.sequence >= mark_->sequence) return {};
    const std::string place =
        scan.path().empty() ? folder : scan.path() + ": offset " + std::to_string(scan.octets().size());
    return open_error(Errc::kCorrupt, place + ": the log ends at sequence " + std::to_string(end.sequence) +
                                          " but had been synced up to " + std::to_string(mark_->sequence) +
                                          ", says the watermark; what came after was cut off or its segments "
                                          "were lost" +
                                          std::string(kRestoreLog));
  }

 private:
  std::unexpected<OpenError> differs(const LogScan& scan, std::uint64_t offset) const {
    return open_error(Errc::kCorrupt, scan.path() + ": offset " + std::to_string(offset) +
                                          ": not the log that the watermark knows: another group had been "
                                          "synced at sequence " +
                                          std::to_string(mark_->sequence) + std::string(kRestoreLog));
  }

  const Mark* mark_;
};

// Walks everything that is not yet in the store, and what the mark is about, without changing anything.
Opened<void> check(LogScan& scan, const std::string& folder, std::uint64_t applied, const Mark* mark) {
  const MarkCheck mark_check(mark);
  const std::uint64_t from = mark == nullptr ? applied : std::min(applied, mark->sequence);
  if (const auto begun = scan.begin(applied + 1, from + 1); !begun) return begun;
  GroupView group;
  while (true) {
    const Opened<bool> more = scan.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (const auto met = mark_check.meet(scan, group); !met) return met;
    if (group.first <= applied && applied < group.last()) {
      return open_error(Errc::kCorrupt, scan.path() + ": offset " + std::to_string(group.offset) +
                                            ": the store ends inside this group, at sequence " +
                                            std::to_string(applied) + "; restore log and store of one node");
    }
  }
  if (const auto ended = mark_check.end(scan, folder); !ended) return ended;
  if (applied > scan.position().sequence) {
    return open_error(Errc::kCorrupt,
                      folder + ": the log ends at sequence " + std::to_string(scan.position().sequence) +
                          " but the store is at " + std::to_string(applied) +
                          "; segments were lost, restore them or the data folder from a backup");
  }
  return {};
}

Opened<void> replay_all(LogFiles& files, const std::string& folder, std::uint64_t applied, Replay& replay) {
  LogScan scan(files, folder);
  if (const auto begun = scan.begin(applied + 1); !begun) return begun;
  GroupView group;
  while (true) {
    const Opened<bool> more = scan.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (group.last() <= applied) continue;
    if (const auto taken = replay.take(scan, group); !taken) return taken;
  }
}

// None: not asked for, or not there and made later.
Opened<std::unique_ptr<Watermark>> find_watermark(const LogOptions& options) {
  if (options.watermark.empty()) return nullptr;
  auto found = Watermark::open(*options.files, options.watermark);
  if (found || !options.watermark_may_be_missing) return found;
  const Errc why = found.error().code;
  if (why != Errc::kAbsent && why != Errc::kCorrupt) return found;
  // The stop came while it was being made.
  if (why == Errc::kCorrupt) {
    if (const auto removed = options.files->remove(options.watermark); !removed)
      return unsettled(options.watermark, removed.error());
  }
  return nullptr;
}

Result<std::unique_ptr<Watermark>> make_watermark(const LogOptions& options, const LogPosition& end) {
  const std::size_t slash = options.watermark.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : options.watermark.substr(0, slash);
  return Watermark::create(*options.files, folder, options.watermark, {end.sequence, end.hash, 0});
}

}  // namespace

Opened<void> check_store(const std::string& watermark, std::uint64_t applied, const Mark& mark) {
  if (applied == 0 || applied >= mark.store) return {};
  return open_error(Errc::kCorrupt,
                    watermark + ": the store was rolled back: it is at sequence " + std::to_string(applied) +
                        " and was durable up to " + std::to_string(mark.store) +
                        "; restore the folder 'store' beside it, or move that folder away: it is made again "
                        "from the log");
}

Opened<OpenedLog> open_committed(const std::string& folder, Store& store, const LogOptions& options) {
  LogFiles& files = *options.files;
  if (const auto made = files.make_folder(folder); !made) {
    return open_error(made.error(), folder + ": cannot be made; check the disk and the permissions");
  }
  auto watermark = find_watermark(options);
  if (!watermark) return std::unexpected(watermark.error());
  const std::optional<Mark> mark = *watermark ? std::optional((*watermark)->mark()) : std::nullopt;
  const std::uint64_t applied = store.applied();
  LogScan scan(files, folder);
  if (const auto whole = check(scan, folder, applied, mark ? &*mark : nullptr); !whole)
    return std::unexpected(whole.error());
  OpenedLog opened;
  if (mark) {
    const auto current = check_store(options.watermark, applied, *mark);
    if (!current) return std::unexpected(current.error());
    if (applied == 0 && mark->store != 0)
      opened.notes.push_back(folder + ": the store is empty and is made again from the log");
  }
  // In the store is only what is durable in the log.
  auto newest = settle(scan, folder, files, opened.notes);
  if (!newest) return std::unexpected(newest.error());
  if (!mark && !options.watermark.empty()) {
    auto made = make_watermark(options, scan.position());
    if (!made) return unsettled(options.watermark, made.error());
    *watermark = std::move(*made);
  }
  opened.log = std::make_unique<Log>(folder, options, scan.position(), std::move(*newest),
                                     scan.octets().size(), std::move(*watermark));
  // Before the replay: a store that is made again is not where the old one was.
  if (const auto settled = opened.log->settle(store.durable()); !settled)
    return unsettled(options.watermark, settled.error());
  Replay replay(store);
  if (scan.position().sequence > applied) {
    const auto replayed = replay_all(files, folder, applied, replay);
    if (!replayed) return std::unexpected(replayed.error());
  }
  opened.groups = replay.groups();
  opened.mutations = replay.mutations();
  return opened;
}

Opened<OpenedLog> open_committed(DataFolder& folder, Store& store, LogOptions options) {
  options.watermark = folder.watermark();
  options.watermark_may_be_missing = folder.format() < kWatermarkFormat;
  auto opened = open_committed(folder.log(), store, options);
  if (!opened) return opened;
  if (const auto raised = folder.raise_format(); !raised) return std::unexpected(raised.error());
  return opened;
}

Result<void> close_committed(Log& log, Store& store) {
  const Result<void> flushed = store.flush();
  const Result<void> settled = log.settle(store.durable());
  return flushed ? settled : flushed;
}

Opened<Chain> verify_chain(const std::string& folder, LogFiles& files, const std::string& watermark) {
  // Before the log: it only ever grows.
  std::unique_ptr<Watermark> found;
  if (!watermark.empty()) {
    auto opened = Watermark::open(files, watermark);
    if (!opened) return std::unexpected(opened.error());
    found = std::move(*opened);
  }
  const MarkCheck mark_check(found ? &found->mark() : nullptr);
  LogScan scan(files, folder);
  if (const auto begun = scan.begin_oldest(); !begun) return std::unexpected(begun.error());
  Chain chain;
  GroupView group;
  while (true) {
    const Opened<bool> more = scan.next(group);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const Result<void> read = each_mutation(group, [](const MutationView&) {});
    if (!read) return bad_mutation(scan, group.offset, read.error());
    if (const auto met = mark_check.meet(scan, group); !met) return std::unexpected(met.error());
    if (chain.first == 0) chain.first = group.first;
    ++chain.groups;
  }
  if (const auto ended = mark_check.end(scan, folder); !ended) return std::unexpected(ended.error());
  chain.last = scan.position().sequence;
  chain.hash = scan.position().hash;
  chain.torn = scan.torn().has_value();
  if (found) chain.mark = found->mark();
  return chain;
}

}  // namespace idnode
