#include "resolver/app/run.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "resolver/app/config_text.h"
#include "resolver/app/init.h"
#include "resolver/app/log.h"
#include "resolver/app/node.h"
#include "resolver/app/sdnotify.h"
#include "resolver/app/verify.h"
#include "resolver/app/version.h"

namespace idnode {
namespace {

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

// The next of the watched signals; 0 when `timeout` passed first.
int next_signal(const sigset_t& set, std::optional<std::chrono::milliseconds> timeout) {
  const auto wait = timeout.value_or(std::chrono::hours(1));
  const timespec until{.tv_sec = static_cast<time_t>(wait.count() / 1'000),
                       .tv_nsec = (wait.count() % 1'000) * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &until);
  return signal > 0 ? signal : 0;
}

// From now on SIGTERM and SIGINT end the process, whatever it does: the log is the truth, nothing is lost.
void end_at_once_on_next_signal() {
  struct sigaction action{};
  action.sa_handler = [](int) { _exit(1); };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int failed(const std::string& line) {
  log_event(LogLevel::kError, line);
  return 1;
}

std::string first_error(const Config& config) {
  const std::size_t more = config.errors.size() - 1;
  return error_text(config, config.errors.front()) +
         (more == 0
              ? ""
              : " (and " + std::to_string(more) + " more: idnode check-config --config " + config.file + ")");
}

void serve(Node& node, const sigset_t& signals) {
  const auto watchdog = watchdog_interval();
  for (;;) {
    const int signal = next_signal(signals, watchdog);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGUSR1) node.reopen_logs();
    if (signal == SIGHUP) {
      notify_reloading();
      const bool applied = node.reload();
      notify_service_manager(applied ? "READY=1\nSTATUS=serving"
                                     : "READY=1\nSTATUS=serving; the last reload was refused");
    }
    if (watchdog && node.alive()) notify_service_manager("WATCHDOG=1");
  }
}

}  // namespace

int run_node(const std::string& file) {
  // Before any thread: all of them leave these signals to the main thread.
  const sigset_t signals = watched();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Config config = load_config(file);
  if (!config.ok()) return failed(first_error(config));
  configure_log(config.settings.log);
  raise_descriptor_limit();
  auto node = Node::start(std::move(config));
  if (!node) return failed(node.error().text);
  log_event(LogLevel::kInfo, "serving",
            {{"version", std::string(kVersion)}, {"commit", std::string(kCommit)}});
  log_line("READY " + (*node)->listening_text());
  notify_service_manager("READY=1\nSTATUS=serving");
  serve(**node, signals);

  notify_service_manager("STOPPING=1\nSTATUS=draining");
  log_event(LogLevel::kInfo, "stopping");
  end_at_once_on_next_signal();
  const bool quiet = (*node)->stop();
  if (!quiet) log_event(LogLevel::kWarning, "stopped before everything was answered");
  return 0;
}

int check_config(const std::string& file) {
  const Config config = load_config(file);
  for (const ConfigError& error : config.errors) std::puts(error_text(config, error).c_str());
  if (config.ok()) std::puts("ok");
  return config.ok() ? 0 : 1;
}

int print_config(const std::string& file, bool effective) {
  const Config config = load_config(file);
  for (const ConfigError& error : config.errors)
    std::fprintf(stderr, "%s\n", error_text(config, error).c_str());
  if (!config.ok()) return 1;
  std::fputs(show_config(config, effective).c_str(), stdout);
  return 0;
}

int run_init(const std::string& file, const std::string& key_folder, crypto::KeyKind kind, bool force) {
  const Config config = load_config(file);
  if (!config.ok()) return failed(first_error(config));
  configure_log(config.settings.log);
  const auto made = init_node(config, {.key_folder = key_folder, .key_kind = kind, .force = force});
  if (!made) return failed(made.error().text);
  for (const std::string& line : *made) std::puts(line.c_str());
  return 0;
}

int run_verify(const std::string& file) {
  const Config config = load_config(file);
  if (!config.ok()) return failed(first_error(config));
  configure_log(config.settings.log);
  const auto found = verify_node(config);
  if (!found) return failed(found.error().text);
  for (const std::string& line : *found) std::puts(line.c_str());
  return 0;
}

}  // namespace idnode
