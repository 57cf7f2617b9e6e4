// What an exchange works with: shared tables and snapshots. All members outlive every exchange; all may be
// used from any worker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "protocol/crypto/key.h"
#include "protocol/handle/site.h"
#include "resolver/logic/challenges.h"
#include "resolver/logic/routes.h"
#include "resolver/logic/sessions.h"
#include "resolver/logic/settings.h"
#include "storage/resident/resident.h"
#include "storage/store.h"

namespace idnode {

// Who this node is towards others. Immutable; replaced as a whole when listeners change.
struct NodeIdentity {
  handle::Site site;
  std::size_t server = 0;                         // position of this server in the site's list
  std::string site_octets;                        // encoded: the answer to opcode 2
  std::shared_ptr<const crypto::PrivateKey> key;  // signs answers
};

// Value 1 of 0.SITE/status (BEHAVIOUR.md §7.6); octets.
struct StatusNumbers {
  std::uint64_t free_memory = 0;
  std::uint64_t total_memory = 0;
  std::uint64_t most_memory = 0;
  std::uint64_t requests = 0;
};

struct Services {
  const Store* store = nullptr;
  Resident* resident = nullptr;  // in front of the store; null: there is none
  const Routes* routes = nullptr;
  Challenges* challenges = nullptr;
  Sessions* sessions = nullptr;              // null: none can be set up
  std::shared_ptr<const Settings> settings;  // replaced on reload between requests of a worker
  std::shared_ptr<const NodeIdentity> identity;
  // Fills the buffer with the current numbers for 0.SITE/status value 2 (JSON); may be empty.
  std::function<std::string()> status_json;
  std::function<StatusNumbers()> status_numbers;  // for value 1; may be empty
  std::uint64_t started_ms = 0;                   // wall clock at start, for 0.SITE/status
  // Fills with random octets, false without entropy; empty: the system's generator. Tests that repeat exactly
  // put their own here.
  std::function<bool(char*, std::size_t)> random;
};

}  // namespace idnode
