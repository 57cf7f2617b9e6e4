// Starts the real idnode on loopback for tests: ports from the kernel, bounded waiting, a folder of its own
// that goes away with it. The program is taken from IDNODE_BUILD, or from the folder this test was built in.
//
// One thread (the one that starts a node must outlive it: the node dies with that thread). Whatever goes
// wrong throws std::runtime_error with what the node said.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/address.h"
#include "resolver/net/client.h"

namespace idnode {

// Table -> setting -> value as it stands in the file (TOML).
using ConfigTables = std::map<std::string, std::map<std::string, std::string>>;

class NodeProcess {
 public:
  // Writes the settings and initialises. `more` adds to and replaces the settings of a test node: 4 workers,
  // free ports, nobody upstream. node.data may be an absolute path; its folder stays when the node goes.
  explicit NodeProcess(const std::vector<std::string>& prefixes, const ConfigTables& more = {});
  NodeProcess(NodeProcess&& other) noexcept;
  NodeProcess& operator=(NodeProcess&&) = delete;
  ~NodeProcess();

  // For every later start.
  void set_environment(const std::string& name, const std::string& value) { environment_[name] = value; }
  // Returns once READY was said.
  void start();
  // Begins to start and returns at once; only kill() may follow.
  void launch();
  void kill();
  // SIGTERM; the exit code, or -1 when it does not end within 15 s.
  int stop();
  // SIGSTOP and SIGCONT.
  void freeze();
  void thaw();
  bool running();

  const Endpoint& endpoint() const { return handle_; }
  const std::string& folder() const { return folder_; }
  const std::string& data() const { return data_; }
  // What it wrote to stderr since it was started.
  std::string said() const;
  // 300:<first prefix>/ADMIN with the key that init made.
  const ClientIdentity& administrator() const { return administrator_; }

  Client connect(const ClientOptions& options = {}) const;
  // Sum of the samples of a metric whose labels contain all of `labels` (each as name="value"); 0 without
  // any.
  double metric(std::string_view name, const std::vector<std::string>& labels = {}) const;
  std::string metrics() const { return page("/metrics"); }
  // What the admin listener answers, head and body.
  std::string page(std::string_view path) const;

 private:
  void read_listeners();
  int wait(std::chrono::milliseconds most);

  std::string folder_;
  std::string config_;
  std::string data_;
  std::map<std::string, std::string> environment_;
  pid_t pid_ = -1;
  Endpoint handle_;
  Endpoint admin_;
  ClientIdentity administrator_;
};

// "[\"a\", \"b\"]"
std::string toml_list(const std::vector<std::string>& texts);

std::string read_file(const std::string& path);

// Asks `done` every few milliseconds. Throws when it does not come true in time.
template <typename Condition>
void wait_until(Condition done, std::chrono::milliseconds most, const char* what);

void pause(std::chrono::milliseconds time);
[[noreturn]] void fail(const std::string& what);

template <typename Condition>
void wait_until(Condition done, std::chrono::milliseconds most, const char* what) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) fail(std::string("waited in vain: ") + what);
    pause(std::chrono::milliseconds(5));
  }
}

}  // namespace idnode
