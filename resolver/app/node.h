// One node: everything that runs, put together in the order of its dependencies and taken apart in the
// reverse.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "resolver/app/access_log.h"
#include "resolver/app/admin.h"
#include "resolver/app/config.h"
#include "resolver/app/identifier_count.h"
#include "resolver/app/metrics.h"
#include "resolver/logic/challenges.h"
#include "resolver/logic/routes.h"
#include "resolver/logic/services.h"
#include "resolver/logic/sessions.h"
#include "resolver/net/handle_service.h"
#include "resolver/net/upstream.h"
#include "storage/commit/committer.h"
#include "storage/data_folder.h"
#include "storage/log/replay.h"
#include "storage/open_error.h"
#include "storage/resident/loader.h"
#include "storage/resident/resident.h"
#include "storage/rocks_store.h"

namespace idnode {

class Node {
 public:
  static constexpr std::chrono::milliseconds kDrain{9'000};  // of the 10 s that a stop may take

  // Opens everything and serves. The error is one line that names a path, an address or file:line and says
  // what to do; nothing runs then.
  static Opened<std::unique_ptr<Node>> start(Config config);
  // stop() when that was not called.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Main thread, all of them.
  // Reads the file again and applies all of it, or logs why not. False: refused.
  bool reload();
  void reopen_logs();
  // True when everything that ran was answered.
  bool stop();

  // "handle=127.0.0.1:2641 admin=127.0.0.1:9641"
  std::string listening_text() const;
  // Whether the threads that answer still turn.
  bool alive() const;

 private:
  explicit Node(Config config);
  Opened<void> open_store();
  Opened<void> open_resident();
  Opened<void> open_listeners();
  Opened<void> publish_site();
  Opened<void> open_services();
  Opened<void> open_admin();
  Opened<void> write_listeners() const;
  void committed(std::span<const Committed> group);
  CommitLimits commit_limits() const;
  NodeNumbers numbers() const;
  StatusNumbers status_numbers() const;
  AdminAnswer ready(const AdminRequest& request) const;

  Config config_;
  std::shared_ptr<const Settings> settings_;
  const std::uint64_t started_ms_;
  std::atomic<bool> serving_{false};
  std::atomic<std::uint64_t> reloads_good_{0}, reloads_refused_{0};
  std::atomic<bool> last_reload_good_{true};

  // In the order in which they are made.
  std::optional<DataFolder> folder_;
  std::shared_ptr<const crypto::PrivateKey> key_;
  std::unique_ptr<RocksStore> store_;
  std::unique_ptr<Resident> resident_;  // null: switched off
  std::unique_ptr<Log> log_;
  std::vector<Listener> listeners_;  // until the service takes them
  std::vector<Endpoint> handle_endpoints_;
  std::shared_ptr<const NodeIdentity> identity_;
  Routes routes_;
  std::unique_ptr<IdentifierCount> count_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<ResidentLoader> loader_;
  std::unique_ptr<Challenges> challenges_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<AccessLog> access_log_;
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<HandleService> service_;
  std::unique_ptr<Admin> admin_;
};

// Raises the number of open files to what the system lets us have.
void raise_descriptor_limit();

}  // namespace idnode
