#include "bench/load/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "bench/load/names.h"

namespace idnode::load {
namespace {

constexpr double kLongest = 86'400;

// An argument that CLI11 has taken as text; filled into the options once everything is read.
struct Texts {
  std::string target;
  std::string distribution = "uniform";
  std::string first_source = "127.0.0.2";
  bool udp = false;
  bool tcp = false;
  bool closed = false;
};

[[noreturn]] void usage(const std::string& text) { throw Stop{kUsage, text}; }

Endpoint endpoint_of(const std::string& option, const std::string& text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) usage(option + ": an address and port like 127.0.0.1:2641 is needed, not " + text);
  return *endpoint;
}

double zipf_of(const std::string& text) {
  if (text == "uniform") return 0;
  if (text.starts_with("zipf:")) {
    try {
      std::size_t used = 0;
      const double s = std::stod(text.substr(5), &used);
      if (used + 5 == text.size() && s > 0 && s <= 10) return s;
    } catch (const std::exception&) {
    }
  }
  usage("--distribution: uniform or zipf:S with S above 0 and at most 10 is needed, not " + text);
}

void check_names(const NameOptions& names) {
  if (names.ids.empty() == names.pattern.empty()) usage("either --ids FILE or --pattern TEXT is needed");
  if (!names.ids.empty()) return;
  if (names.keys == 0) usage("--pattern needs --keys N");
  if (auto wrong = pattern_error(names.pattern)) usage("--pattern: " + *wrong);
}

void add_names(CLI::App& command, NameOptions& names) {
  command.add_option("--ids", names.ids, "file with one identifier a line");
  command.add_option("--pattern", names.pattern, "identifiers made of a number, like '88.118.1/{:08}'");
  command.add_option("--keys", names.keys, "how many numbers, from --first on (of --ids: the first so many)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 32));
  command.add_option("--first", names.first, "the first number of the pattern")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 53));
}

void add_transport(CLI::App& command, Texts& texts) {
  CLI::Option* udp = command.add_flag("--udp", texts.udp, "over UDP");
  command.add_flag("--tcp", texts.tcp, "over TCP")->excludes(udp);
}

void add_asking(CLI::App& command, ResolveOptions& o, Texts& texts) {
  command.add_option("--target", texts.target, "HOST:PORT of who answers")->required();
  add_names(command, o.names);
  command.add_option("--distribution", texts.distribution, "uniform (default) or zipf:S");
  command.add_option("--connections", o.connections, "connections, or UDP sockets (default 1)")
      ->check(CLI::Range(1U, 10'000U));
  command.add_option("--depth", o.depth, "requests under way on each, closed loop (default 1)")
      ->check(CLI::Range(1U, 4'096U));
  CLI::Option* rate =
      command
          .add_option("--rate", o.rate, "open loop: so many requests a second, timed from when each was due")
          ->check(CLI::Range(0.1, 1e8));
  command.add_flag("--closed", texts.closed, "closed loop: the next request after an answer (default)")
      ->excludes(rate);
  command.add_option("--seconds", o.seconds, "measured time (default 5)")->check(CLI::Range(0.01, kLongest));
  command.add_option("--warmup", o.warmup, "seconds before that, not counted (default 0.3)")
      ->check(CLI::Range(0.0, kLongest));
  command.add_option("--sources", o.sources, "come from so many addresses: --first-source and following")
      ->check(CLI::Range(1U, 250U));
  command.add_option("--first-source", texts.first_source, "IPv4 address (default 127.0.0.2)");
  command.add_flag("--spin", o.spin,
                   "poll for answers instead of sleeping: who answers then never wakes the load");
  command.add_option("--seed", o.seed, "of the choice of identifiers (default 1)");
  command.add_option("--watch", o.watch,
                     "also print the CPU seconds of the process with this id (may be repeated)");
  command.add_flag("--json", o.json, "one JSON object");
}

void add_resolve(CLI::App& app, ResolveOptions& o, Texts& texts) {
  CLI::App& command = *app.add_subcommand("resolve", "ask for identifiers and check every answer");
  add_asking(command, o, texts);
  add_transport(command, texts);
  command.add_option("--code", o.code, "the response code that is right (default 1)");
  command.add_option("--values", o.values, "the number of values that is right (default: any but none)");
  command.add_flag("--verify-sources", o.verify_sources,
                   "first ask once over TCP from each source, which lifts the node's UDP answer limit");
}

void add_dns(CLI::App& app, ResolveOptions& o, Texts& texts) {
  CLI::App& command = *app.add_subcommand(
      "dns", "the same load as DNS queries for TXT over UDP, to compare with name servers");
  add_asking(command, o, texts);
}

void add_echo(CLI::App& app, EchoOptions& o, Texts& texts) {
  CLI::App& command =
      *app.add_subcommand("echo-server", "answer every request with its own envelope: the reference");
  add_transport(command, texts);
  command.add_option("--listen", texts.target, "HOST:PORT to listen on; port 0 takes a free one")->required();
  command.add_option("--answer-bytes", o.answer_bytes, "octets of each answer (default: as many as came)")
      ->check(CLI::Range(20U, 65'000U));
}

void add_register(CLI::App& app, RegisterOptions& o, Texts& texts) {
  CLI::App& command = *app.add_subcommand("register", "create records of five values, each signed");
  command.add_option("--target", texts.target, "HOST:PORT of the node")->required();
  command.add_option("--as", o.as, "who acts: INDEX:HANDLE")->required();
  command.add_option("--key", o.key, "private key: PEM or Handle key file")->required();
  add_names(command, o.names);
  command.add_option("--connections", o.connections, "connections (default 1)")->check(CLI::Range(1U, 64U));
  command.add_option("--depth", o.depth, "registrations under way on each (default 8)")
      ->check(CLI::Range(1U, 64U));
  command.add_flag("--together", o.together,
                   "each connection has one under way, and all send what they signed at the same time: many "
                   "clients, though one processor signs for them");
  command.add_option("--watch", o.watch,
                     "also print the CPU seconds of the process with this id (may be repeated)");
  command.add_flag("--json", o.json, "one JSON object");
}

void add_fill(CLI::App& app, FillOptions& o) {
  CLI::App& command = *app.add_subcommand(
      "fill", "commit the records of `register` straight into the data folder of a node that is not running");
  command.add_option("--config", o.config, "the node's configuration")->required();
  add_names(command, o.names);
  command.add_flag("--json", o.json, "one JSON object");
}

void add_conform(CLI::App& app, ConformOptions& o, Texts& texts) {
  CLI::App& command =
      *app.add_subcommand("conform", "put a table of good and bad requests to a node and judge the answers");
  command.add_option("--target", texts.target, "HOST:PORT of the node")->required();
  command.add_option("--known", o.known, "an identifier that it answers for")->required();
  command.add_option("--timeout", o.timeout, "seconds to wait for an answer (default 2)")
      ->check(CLI::Range(0.05, 60.0));
  command.add_flag("--json", o.json, "one JSON object a line");
}

ResolveOptions finish_asking(ResolveOptions o, const Texts& texts) {
  o.target = endpoint_of("--target", texts.target);
  o.zipf = zipf_of(texts.distribution);
  o.udp = o.dns || texts.udp;
  if (!o.dns && texts.udp == texts.tcp) usage("either --udp or --tcp is needed");
  check_names(o.names);
  const auto source = parse_ip(texts.first_source);
  if (!source || !source->is_v4() || source->octets[15] + o.sources > 256)
    usage("--first-source: an IPv4 address with room for all sources in its last octet is needed, not " +
          texts.first_source);
  o.first_source = *source;
  if (o.sources != 0 && !o.target.address.is_v4()) usage("--sources: only with an IPv4 target");
  if (o.verify_sources && !o.udp) usage("--verify-sources: only with --udp");
  o.connections = std::max(o.connections, o.sources);
  return o;
}

EchoOptions finish_echo(EchoOptions o, const Texts& texts) {
  o.listen = endpoint_of("--listen", texts.target);
  if (texts.udp == texts.tcp) usage("either --udp or --tcp is needed");
  o.udp = texts.udp;
  if (o.udp && o.answer_bytes > 1'400) usage("--answer-bytes: over UDP at most 1400");
  return o;
}

// What each word of the command line became; one of them is chosen.
struct Everything {
  Texts texts;
  ResolveOptions resolve;
  ResolveOptions dns;
  EchoOptions echo;
  RegisterOptions registration;
  FillOptions fill;
  ConformOptions conform;
};

Command finish(const std::string& chosen, Everything& all) {
  if (chosen == "resolve") return finish_asking(all.resolve, all.texts);
  if (chosen == "dns") {
    all.dns.dns = true;
    return finish_asking(all.dns, all.texts);
  }
  if (chosen == "echo-server") return finish_echo(all.echo, all.texts);
  if (chosen == "register") {
    check_names(all.registration.names);
    all.registration.target = endpoint_of("--target", all.texts.target);
    return all.registration;
  }
  if (chosen == "fill") {
    check_names(all.fill.names);
    return all.fill;
  }
  all.conform.target = endpoint_of("--target", all.texts.target);
  return all.conform;
}

}  // namespace

Command parse_command(const std::vector<std::string>& arguments) {
  CLI::App app("Loads an identifier node, checks every answer, and is the echo to compare with.", "idload");
  app.footer(
      "Exit codes: 0 every answer was right; 1 some were wrong, or none came; 2 usage; 3 not reachable.");
  app.require_subcommand(1);
  Everything all;
  add_resolve(app, all.resolve, all.texts);
  add_dns(app, all.dns, all.texts);
  add_echo(app, all.echo, all.texts);
  add_register(app, all.registration, all.texts);
  add_fill(app, all.fill);
  add_conform(app, all.conform, all.texts);
  try {
    // CLI11 takes the words from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return finish(app.get_subcommands().front()->get_name(), all);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return Stop{kRight, chosen.empty() ? app.help() : chosen.front()->help()};
  } catch (const CLI::ParseError& e) {
    return Stop{kUsage, e.what()};
  } catch (Stop& stop) {
    return std::move(stop);
  }
}

}  // namespace idnode::load
