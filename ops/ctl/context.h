// What every command of idctl shares: the global options, the connection, and the ways of ending.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/address.h"
#include "resolver/net/client.h"

namespace idnode::ctl {

enum Exit : int { kDone = 0, kRefusedByNode = 1, kUsage = 2, kUnreachable = 3, kPartly = 4 };

// Ends the program with one line on stderr and the exit code.
struct Stop : std::runtime_error {
  Stop(int code, const std::string& text) : std::runtime_error(text), exit_code(code) {}
  int exit_code;
};

struct Options {
  std::string server;
  std::string config;
  std::string as;
  std::string key;
  std::string secret;
  bool udp = false;
  double timeout_seconds = 60;
  bool json = false;
  bool quiet = false;
};

class Context {
 public:
  explicit Context(Options options) : options_(std::move(options)) {}

  const Options& options() const { return options_; }
  // --server, else the config's first Handle listener, else 127.0.0.1:2641.
  Endpoint server() const;
  Client connect() const;
  Client connect(const Endpoint& server) const;
  // From --as with --key or --secret; null without --as.
  const ClientIdentity* identity();
  // As identity(), but a missing one is a usage error.
  const ClientIdentity& administrator();

  // Asks over the connection of this context (opened when first needed). A transport failure ends with
  // kUnreachable.
  Reply ask(handle::Request request, const ClientIdentity* identity = nullptr);
  std::vector<Reply> ask_all(handle::Request request, const ClientIdentity* identity = nullptr);
  // As ask(); every code but success ends with kRefusedByNode, naming `what`.
  Reply demand(std::string_view what, handle::Request request, const ClientIdentity* identity = nullptr);

  // Says something to a person; not with --quiet, not with --json.
  void say(std::string_view text) const;

 private:
  Options options_;
  std::optional<Client> client_;
  std::optional<ClientIdentity> identity_;
};

[[noreturn]] void fail_unreachable(const Endpoint& server, Errc error);
// How an exchange failed, as an exit: not reachable, an answer that is none, or a request that cannot be
// sent.
[[noreturn]] void fail_exchange(const Endpoint& server, Errc error);
// "88.118.5/X: 100 handle not found" + the node's own text.
std::string describe_refusal(std::string_view what, const Reply& reply);

// `INDEX:TYPE=TEXT` arguments as values (typed data by its text form).
std::vector<Value> values_from_arguments(const std::vector<std::string>& arguments);
std::string read_file(const std::string& path);  // "-" is standard input

}  // namespace idnode::ctl
