// idctl: the command line of operators and users (`idctl --help`).
#include <fmt/core.h>

#include <exception>

#include "ops/ctl/commands.h"

namespace {

using namespace idnode::ctl;

void add_options(CLI::App& app, Options& options) {
  app.add_option("--server", options.server,
                 "HOST:PORT of the node (default: the config's first Handle listener, else 127.0.0.1:2641)");
  app.add_option("--config", options.config, "the node's configuration, for its address")
      ->envname("IDCTL_CONFIG");
  app.add_option("--as", options.as, "who acts: INDEX:HANDLE")->envname("IDCTL_AS");
  app.add_option("--key", options.key, "private key of --as: PEM or Handle key file")->envname("IDCTL_KEY");
  app.add_option("--secret", options.secret, "file with the secret of --as (HS_SECKEY)");
  app.add_flag("--udp", options.udp, "ask over UDP");
  app.add_option("--timeout", options.timeout_seconds, "seconds to wait for an answer")
      ->check(CLI::Range(0.001, 3600.0));
  app.add_flag("--json", options.json, "print for machines: one object a line");
  app.add_flag("--quiet", options.quiet, "print nothing but answers and errors");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Talks to an identifier node: resolves, registers, onboards.", "idctl");
  app.require_subcommand(1);
  app.fallthrough();
  Options options;
  Action action;
  add_options(app, options);
  add_resolve(app, action);
  add_records(app, action);
  add_prefix(app, action);
  add_import(app, action);
  add_compare(app, action);
  add_export(app, action);
  add_status(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kUsage;
  }
  try {
    Context context(options);
    return action(context);
  } catch (const Stop& stop) {
    fmt::print(stderr, "idctl: {}\n", stop.what());
    return stop.exit_code;
  } catch (const std::exception& e) {
    fmt::print(stderr, "idctl: {}\n", e.what());
    return kUsage;
  }
}
