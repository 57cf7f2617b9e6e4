// A network of its own for a part of a test: every address is this machine's there, nothing leaves, nothing
// else is heard. Needs root.
#pragma once

#include <functional>
#include <string>

namespace idnode::test {

enum class Loopback { kDown, kUp, kEveryAddress };

// Runs `body` on a thread in a new network namespace (threads that it starts are there as well) and waits for
// it. False, with the reason, when there can be none; `body` is not run then.
bool in_own_network(Loopback loopback, const std::function<void()>& body, std::string& why_not);

// Counts what would have left the machine: the datagrams and first segments of connections that were sent in
// this network to any but `allowed_port`. To be made and read in that network.
class Departures {
 public:
  explicit Departures(unsigned allowed_port);
  ~Departures();
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;
  // Since the last call.
  unsigned count();

 private:
  int fd_ = -1;
  unsigned allowed_port_;
};

}  // namespace idnode::test
