// Resolves every record of a file and compares each value with what the node answers: after an import, a
// restore, a crash.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>

#include "ops/ctl/commands.h"
#include "ops/ctl/record_source.h"

namespace idnode::ctl {
namespace {

// Requests under way on the connection; the node's own bound is 64 (limit in_flight).
constexpr std::size_t kWindow = 48;

struct Arguments {
  std::string file;
  std::uint64_t every = 1;
  std::uint64_t most = 0;
};

struct Tally {
  std::uint64_t compared = 0;
  std::uint64_t different = 0;
};

// What differs; empty when nothing does. Timestamps are the node's.
std::string difference(const rest::Record& want, const Reply& reply) {
  if (reply.code() != handle::ResponseCode::kSuccess) return describe_refusal(want.handle, reply);
  std::vector<Value> got = to_values(reply.response.values);
  if (got.size() != want.values.size())
    return fmt::format("{} values, expected {}", got.size(), want.values.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    got[i].timestamp = want.values[i].timestamp;
    if (!(got[i] == want.values[i])) return fmt::format("value {} differs", want.values[i].index);
  }
  return {};
}

class Comparison {
 public:
  Comparison(Client client, Endpoint server, bool progress)
      : client_(std::move(client)), server_(server), progress_(progress) {}

  void add(rest::Record record) {
    auto id = client_.send(make_request(handle::OpCode::kResolve, record.handle, handle::ResolveBody{}));
    if (!id) fail_unreachable(server_, id.error());
    under_way_.push_back(std::move(record));
    if (under_way_.size() >= kWindow) take();
  }
  Tally finish() {
    while (!under_way_.empty()) take();
    if (progress_) fmt::print(stderr, "\r{:40}\r", "");
    return tally_;
  }

 private:
  void take() {
    auto reply = client_.receive();
    if (!reply) fail_unreachable(server_, reply.error());
    rest::Record record = std::move(under_way_.front());
    under_way_.pop_front();
    ++tally_.compared;
    std::string what = difference(record, *reply);
    if (!what.empty()) {
      if (++tally_.different <= 10) fmt::print(stderr, "{}: {}\n", record.handle, what);
    }
    if (progress_ && tally_.compared % 1000 == 0) {
      fmt::print(stderr, "\r{:>9} compared ", tally_.compared);
      std::fflush(stderr);
    }
  }

  Client client_;
  Endpoint server_;
  bool progress_;
  std::deque<rest::Record> under_way_;  // answers come in the order of the requests
  Tally tally_;
};

int run(Context& context, const Arguments& arguments) {
  std::ifstream file(arguments.file);
  if (!file) throw Stop(kUsage, arguments.file + ": cannot be read");
  RecordSource source(
      file, {.csv = arguments.file.ends_with(".csv"), .prefix = {}, .columns = {}, .id_column = {}});
  bool progress = !context.options().quiet && !context.options().json && isatty(STDERR_FILENO) != 0;
  Comparison comparison(context.connect(), context.server(), progress);
  auto started = std::chrono::steady_clock::now();
  std::uint64_t read = 0;
  std::uint64_t taken = 0;
  while (auto line = source.next()) {
    if (!line->record)
      throw Stop(kUsage, fmt::format("{}:{}: {}", arguments.file, line->number, line->record.error()));
    if (read++ % arguments.every != 0) continue;
    comparison.add(std::move(*line->record));
    if (++taken == arguments.most) break;
  }
  Tally tally = comparison.finish();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (context.options().json) {
    fmt::print("{{\"compared\":{},\"different\":{},\"seconds\":{:.3f}}}\n", tally.compared, tally.different,
               seconds);
  } else {
    fmt::print("compared={} different={} seconds={:.1f}\n", tally.compared, tally.different, seconds);
  }
  return tally.different == 0 ? kDone : kPartly;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("compare", "resolve the records of a file and compare every value");
  command->add_option("FILE", arguments->file, ".ndjson or .csv")->required();
  command->add_option("--every", arguments->every, "only every N-th record")->check(CLI::PositiveNumber);
  command->add_option("--most", arguments->most, "stop after N records");
  command->callback(
      [&action, arguments] { action = [arguments](Context& context) { return run(context, *arguments); }; });
}

}  // namespace idnode::ctl
