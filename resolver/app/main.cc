// The command line of idnode: which command, with which file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "resolver/app/config_text.h"
#include "resolver/app/run.h"
#include "resolver/app/version.h"

namespace {

constexpr int kUsage = 2;

const std::map<std::string, idnode::crypto::KeyKind> kKeyKinds = {
    {"rsa", idnode::crypto::KeyKind::kRsa},
    {"p256", idnode::crypto::KeyKind::kP256},
    {"ed25519", idnode::crypto::KeyKind::kEd25519},
    {"sm2", idnode::crypto::KeyKind::kSm2}};

struct Arguments {
  std::string file;
  std::string key_folder;
  idnode::crypto::KeyKind key_kind = idnode::crypto::KeyKind::kRsa;
  bool force = false;
  bool effective = false;
  bool sample = false;
  bool file_format = false;
};

int usage(const char* text) {
  std::fprintf(stderr, "idnode: %s (see idnode --help)\n", text);
  return kUsage;
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments given;
  CLI::App app("Identifier node of the Handle System. Without a command it serves until SIGTERM.", "idnode");
  app.set_version_flag("--version", std::string(idnode::kVersion) + " " + std::string(idnode::kCommit));
  app.add_option("--config", given.file, "The settings, a TOML file")->type_name("FILE");
  app.require_subcommand(0, 1);
  app.fallthrough();

  auto* run = app.add_subcommand("run", "Serve, as without a command");
  auto* init = app.add_subcommand("init", "Make the data folder, the keys and the first administrator");
  init->add_option("--key-out", given.key_folder, "Where the administrator's key files go")
      ->required()
      ->type_name("DIR");
  init->add_option("--key-type", given.key_kind, "rsa, p256, ed25519 or sm2 (administrator)")
      ->transform(CLI::CheckedTransformer(kKeyKinds, CLI::ignore_case))
      ->type_name("KIND");
  init->add_flag("--force", given.force, "Replace key files that are there");
  auto* verify = app.add_subcommand("verify", "Read the whole data folder and say whether it is whole");
  auto* check = app.add_subcommand("check-config", "Print ok, or every error with its line");
  auto* show = app.add_subcommand("show-config", "Print every setting with its origin");
  show->add_flag("--effective", given.effective, "As the node would use them");
  show->add_flag("--sample", given.sample, "Print a file to start from instead");
  auto* manual = app.add_subcommand("manual", "Print the manual page (roff)");
  manual->add_flag("--file-format", given.file_format, "That of the settings file");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (manual->parsed()) {
    return print(given.file_format ? idnode::manual_of_config() : idnode::manual_of_program());
  }
  if (show->parsed() && given.sample) return print(idnode::sample_config());
  if (given.file.empty()) return usage("--config FILE is missing");
  if (init->parsed()) return idnode::run_init(given.file, given.key_folder, given.key_kind, given.force);
  if (verify->parsed()) return idnode::run_verify(given.file);
  if (check->parsed()) return idnode::check_config(given.file);
  if (show->parsed()) return idnode::print_config(given.file, given.effective);
  static_cast<void>(run);
  return idnode::run_node(given.file);
}
