// Import through the running node's protocol: several connections, each with a window of records under way. A
// record is one create request, its challenge, the answer to it, and the result; all four kinds of messages
// of different records are under way at once.
#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "ops/ctl/commands.h"
#include "ops/ctl/record_source.h"
#include "protocol/handle/proof.h"
#include "protocol/rest/encode.h"

namespace idnode::ctl {
namespace {

using handle::OpCode;
using handle::ResponseCode;

// Below the node's 64 open challenges a source network may have (limit challenges_per_source).
constexpr unsigned kWindowInAll = 48;

struct Arguments {
  std::string file;
  std::string prefix;
  std::vector<std::string> columns;
  std::string id_column;
  std::string on_conflict = "fail";
  bool dry_run = false;
  std::string errors;
  unsigned connections = 4;
};

// Records handed from the reader to the connections; bounded.
class Queue {
 public:
  void put(SourceLine line) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lines_.size() < 1000 || stopped_; });
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // A connection failed for good: nobody may be left waiting.
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  bool stopped() {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  // `wait`: until there is one, or there will be none. None also when nothing is there right now.
  std::optional<SourceLine> take(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) changed_.wait(lock, [&] { return !lines_.empty() || closed_ || stopped_; });
    if (lines_.empty() || stopped_) return std::nullopt;
    SourceLine line = std::move(lines_.front());
    lines_.pop_front();
    changed_.notify_all();
    return line;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SourceLine> lines_;
  bool closed_ = false;
  bool stopped_ = false;
};

class Tally {
 public:
  explicit Tally(const std::string& errors_file) {
    if (!errors_file.empty()) errors_.open(errors_file);
    if (!errors_file.empty() && !errors_) throw Stop(kUsage, errors_file + ": cannot be written");
  }
  void fail(std::uint64_t line, std::string_view handle, std::string_view why) {
    failed.fetch_add(1);
    std::lock_guard lock(mutex_);
    if (errors_.is_open()) {
      std::string text = fmt::format("{{\"line\":{},\"handle\":", line);
      rest::append_string(handle, text);
      text += ",\"error\":";
      rest::append_string(why, text);
      errors_ << text << "}\n";
    } else if (shown_++ < 10) {
      fmt::print(stderr, "line {}: {}: {}\n", line, handle, why);
    }
  }
  std::atomic<std::uint64_t> imported{0}, skipped{0}, failed{0};

 private:
  std::mutex mutex_;
  std::ofstream errors_;
  int shown_ = 0;
};

// One connection and its window.
class Lane {
 public:
  Lane(Client client, const ClientIdentity& identity, const Arguments& arguments, unsigned window,
       Queue& queue, Tally& tally)
      : client_(std::move(client)),
        identity_(identity),
        arguments_(arguments),
        window_(window),
        queue_(queue),
        tally_(tally) {}

  void run() {
    for (;;) {
      while (under_way_.size() < window_) {
        auto line = queue_.take(under_way_.empty());
        if (!line) break;
        start(std::move(*line));
        if (lost_) return;
      }
      if (under_way_.empty()) return;
      receive();
      if (lost_) return;
    }
  }
  std::optional<Errc> lost() const { return lost_; }

 private:
  struct Record {
    std::uint64_t line = 0;
    std::string handle;
  };

  void start(SourceLine line) {
    if (!line.record) {
      tally_.fail(line.number, "", line.record.error());
      return;
    }
    std::string octets;
    encode_all(line.record->values, octets);
    std::uint32_t flags =
        handle::flag::kClientDefault | (arguments_.on_conflict == "overwrite" ? handle::flag::kOverwrite : 0);
    handle::ValuesBody body{{static_cast<std::uint32_t>(line.record->values.size()), octets}};
    auto id = client_.send(make_request(OpCode::kCreate, line.record->handle, body, flags));
    if (!id) {
      if (id.error() == Errc::kTooLarge) {
        tally_.fail(line.number, line.record->handle, "the record is too large for one message");
      } else {
        lose(id.error());
        tally_.fail(line.number, line.record->handle, "connection lost");
      }
      return;
    }
    under_way_.emplace(*id, Record{line.number, std::move(line.record->handle)});
  }

  void receive() {
    auto reply = client_.receive();
    if (!reply) {
      lose(reply.error());
      for (const auto& [id, record] : under_way_)
        tally_.fail(record.line, record.handle, "connection lost; outcome unknown");
      return;
    }
    auto found = under_way_.find(reply->response.envelope.request_id);
    if (found == under_way_.end()) return;
    Record record = std::move(found->second);
    under_way_.erase(found);
    switch (reply->code()) {
      case ResponseCode::kAuthenticationNeeded: answer(*reply, std::move(record)); break;
      case ResponseCode::kSuccess: tally_.imported.fetch_add(1); break;
      case ResponseCode::kHandleExists:
        if (arguments_.on_conflict == "skip") {
          tally_.skipped.fetch_add(1);
          break;
        }
        [[fallthrough]];
      default: tally_.fail(record.line, record.handle, describe_refusal(record.handle, *reply));
    }
  }

  void answer(const Reply& challenge, Record record) {
    const handle::Response& r = challenge.response;
    handle::Challenge question{r.nonce, r.request_digest.digest,
                               handle::challenge_version(r.envelope.version, r.envelope.suggested)};
    auto proof = identity_.key ? handle::answer_public_key(question, *identity_.key, identity_.who.handle)
                               : handle::answer_secret(question, identity_.secret);
    if (!proof) {
      tally_.fail(record.line, record.handle, "the key cannot sign");
      return;
    }
    handle::Request request = make_request(
        OpCode::kAnswerChallenge, identity_.who.handle,
        handle::ChallengeAnswerBody{identity_.key ? "HS_PUBKEY" : "HS_SECKEY", identity_.who.index, *proof});
    request.envelope.session_id = r.envelope.session_id;
    auto id = client_.send(request);
    if (!id) {
      lose(id.error());
      tally_.fail(record.line, record.handle, "connection lost");
      return;
    }
    under_way_.emplace(*id, std::move(record));
  }

  void lose(Errc error) {
    lost_ = error;
    queue_.stop();
  }

  Client client_;
  const ClientIdentity& identity_;
  const Arguments& arguments_;
  std::size_t window_;
  Queue& queue_;
  Tally& tally_;
  std::unordered_map<std::uint32_t, Record> under_way_;
  std::optional<Errc> lost_;
};

class Progress {
 public:
  Progress(const Tally& tally, bool shown)
      : tally_(tally), shown_(shown), started_(std::chrono::steady_clock::now()) {}
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }
  void tick() {
    if (!shown_ || seconds() < next_) return;
    next_ = seconds() + 0.2;
    std::uint64_t done = tally_.imported + tally_.skipped + tally_.failed;
    static constexpr std::string_view kMarks = "|/-\\";
    fmt::print(stderr, "\r{} {:>9} records  {:>7.0f}/s  failed {} ", kMarks[++turn_ % kMarks.size()], done,
               static_cast<double>(done) / std::max(seconds(), 0.001), tally_.failed.load());
    std::fflush(stderr);
  }
  void finish() const {
    if (shown_) fmt::print(stderr, "\r{:60}\r", "");
  }

 private:
  const Tally& tally_;
  bool shown_;
  std::chrono::steady_clock::time_point started_;
  double next_ = 0;
  std::size_t turn_ = 0;
};

int report(const Context& context, const Tally& tally, double seconds, std::optional<Errc> lost) {
  if (context.options().json) {
    fmt::print("{{\"imported\":{},\"skipped\":{},\"failed\":{},\"seconds\":{:.3f}}}\n", tally.imported.load(),
               tally.skipped.load(), tally.failed.load(), seconds);
  } else {
    fmt::print("imported={} skipped={} failed={} seconds={:.1f}\n", tally.imported.load(),
               tally.skipped.load(), tally.failed.load(), seconds);
  }
  std::fflush(stdout);
  if (lost) fail_unreachable(context.server(), *lost);
  return tally.failed == 0 ? kDone : kPartly;
}

int dry_run(Context& context, RecordSource& source, Tally& tally) {
  while (auto line = source.next()) {
    if (line->record) {
      tally.imported.fetch_add(1);
    } else {
      tally.fail(line->number, "", line->record.error());
    }
  }
  context.say("dry run: nothing was sent");
  return report(context, tally, 0, std::nullopt);
}

int run(Context& context, const Arguments& arguments) {
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file);
    if (!file) throw Stop(kUsage, arguments.file + ": cannot be read");
  }
  std::istream& in = arguments.file == "-" ? std::cin : file;
  RecordSource source(
      in, {arguments.file.ends_with(".csv") || !arguments.columns.empty() || !arguments.id_column.empty(),
           arguments.prefix, arguments.columns, arguments.id_column});
  Tally tally(arguments.errors);
  if (arguments.dry_run) return dry_run(context, source, tally);

  const ClientIdentity& identity = context.administrator();
  Queue queue;
  std::vector<std::unique_ptr<Lane>> lanes;
  unsigned window = std::max(1U, kWindowInAll / arguments.connections);
  for (unsigned i = 0; i < arguments.connections; ++i) {
    lanes.push_back(std::make_unique<Lane>(context.connect(), identity, arguments, window, queue, tally));
  }
  Progress progress(tally, !context.options().quiet && !context.options().json && isatty(STDERR_FILENO) != 0);
  std::vector<std::jthread> threads;
  for (auto& lane : lanes) threads.emplace_back([&lane] { lane->run(); });
  while (auto line = source.next()) {
    if (queue.stopped()) break;
    queue.put(std::move(*line));
    progress.tick();
  }
  queue.close();
  threads.clear();
  progress.finish();
  std::optional<Errc> lost;
  for (const auto& lane : lanes) lost = lost ? lost : lane->lost();
  return report(context, tally, progress.seconds(), lost);
}

}  // namespace

void add_import(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "import", "register the records of a file (.csv, .ndjson, or - for NDJSON on standard input)");
  command->add_option("FILE", arguments->file)->required();
  command->add_option("--prefix", arguments->prefix, "put in front of ids that have none");
  command->add_option("--map", arguments->columns, "CSV: COLUMN=INDEX:TYPE (may be repeated)")
      ->allow_extra_args(false);
  command->add_option("--id-column", arguments->id_column,
                      "CSV: the column with the id (default: the first)");
  command->add_option("--on-conflict", arguments->on_conflict, "what to do with identifiers that exist")
      ->check(CLI::IsMember({"fail", "skip", "overwrite"}));
  command->add_flag("--dry-run", arguments->dry_run, "only read and check the file");
  command->add_option("--errors", arguments->errors, "write one JSON line for each record that failed");
  command->add_option("--connections", arguments->connections, "how many connections")
      ->check(CLI::Range(1, 48));
  command->callback(
      [&action, arguments] { action = [arguments](Context& context) { return run(context, *arguments); }; });
}

}  // namespace idnode::ctl
