// A node in the test's process: real sockets on loopback, memory store, real log and committer in a folder of
// its own, four workers.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "resolver/net/client.h"
#include "resolver/net/handle_service.h"
#include "storage/log/log.h"
#include "storage/memory_store.h"

namespace idnode::test {

inline constexpr unsigned kWorkers = 4;

class NetNode {
 public:
  // `edit` changes the settings (4 workers, one listener on 127.0.0.1:0, nobody trusted) before the start.
  explicit NetNode(const std::function<void(Settings&)>& edit = {}, AccessSink sink = {});
  ~NetNode();

  HandleService& service() { return *service_; }
  Endpoint endpoint(std::size_t listener = 0) const { return service_->endpoints().at(listener); }
  Client client(const ClientOptions& options = {}) const;
  Client udp(std::vector<std::chrono::milliseconds> waits = {std::chrono::seconds(3)}) const;
  ProbeTotals totals() const { return service_->totals(); }
  // Waits up to `wait` until the totals look as they should.
  bool totals_become(const std::function<bool(const ProbeTotals&)>& right,
                     std::chrono::milliseconds wait = std::chrono::seconds(5)) const;
  bool stop(std::chrono::milliseconds wait) { return service_->stop(wait); }
  // Straight into the store, before anybody asks for it.
  void put(std::string_view name, const std::vector<Value>& values);
  void home(std::string_view prefix_handle);

 private:
  std::filesystem::path folder_;
  MemoryStore store_;
  std::unique_ptr<Log> log_;
  Routes routes_;
  std::shared_ptr<Settings> settings_;
  std::shared_ptr<NodeIdentity> identity_;
  std::unique_ptr<Challenges> challenges_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<HandleService> service_;
};

// A resolution of all values; the frame is the client's.
handle::Request resolve(std::string_view name);

}  // namespace idnode::test
