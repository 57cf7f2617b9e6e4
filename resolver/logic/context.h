// What decide() may look at: records, evidence that was gathered for it, snapshots, the time. Made by whoever
// drives a request (Exchange), used by one thread at a time, reused from request to request: buffers keep
// their capacity, so a request that is answered from memory allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/handle/envelope.h"
#include "protocol/handle/request.h"
#include "protocol/result.h"
#include "resolver/logic/authenticate.h"
#include "resolver/logic/outcome.h"
#include "resolver/logic/routes.h"
#include "resolver/logic/services.h"
#include "resolver/logic/settings.h"
#include "resolver/logic/source.h"
#include "storage/commit/mutation.h"
#include "storage/record.h"
#include "storage/store.h"

namespace idnode {

enum class Found : std::uint8_t {
  kYes,
  kNo,      // no such key, or a tombstone
  kCold,    // not in memory; it is remembered as wanted: ask for everything else too, then return Need
  kFailed,  // the store failed, or more than kMostRecords were asked for: RC 2
};

// Views hold until Context::begin() or forget_records().
struct Lookup {
  Found found = Found::kNo;
  RecordView record;
  bool all_public = false;  // what values() holds is known to be for everybody
  bool exists() const { return found == Found::kYes; }
  ValueList values() const { return {record.count, record.values}; }
};

// What a reader without rights of its own wants of a record.
enum class Wanted : std::uint8_t {
  kPublicValues,  // others may be missing from what is found
  kWholeRecord,
};

// The proof that came with opcode 200 and the challenge it answers. Views live as long as the exchange.
struct PresentedProof {
  std::string_view nonce;
  std::string_view digest;
  handle::Version version;    // of the challenge answer's algorithms (PendingChallenge::answer_version)
  std::string_view type;      // HS_PUBKEY, HS_SECKEY
  std::string_view identity;  // handle
  std::uint32_t index = 0;
  std::string_view proof;
};

// The session that the request's envelope names.
struct SessionState {
  enum class Kind : std::uint8_t {
    kNone,        // session id 0 or with the top bit set
    kUnknown,     // an id that nobody knows: 500
    kConnection,  // chosen by an SDK client, bound to its TCP connection (BEHAVIOUR.md §16.3)
    kLive,        // set up with a key (BEHAVIOUR.md §8.11)
  };
  Kind kind = Kind::kNone;
  bool authenticated = false;           // kLive: its identity has been proven; kConnection: by a login
  Reference identity;                   // proven or not
  std::shared_ptr<const Session> live;  // kLive
  std::optional<MacCheck> mac;          // of the request that is executed; none: not looked at yet
  // Left by prove(): the session's own identity has been proven with the key of this index.
  std::optional<std::uint32_t> proven_index;
};

class Context {
 public:
  // Of one decision: a thousand group references, each with its prefix's home entry, and the rest.
  static constexpr std::size_t kMostRecords = 2'200;

  explicit Context(const Services& services) : services_(&services) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Records. Each is read once and remembered with its version.
  Lookup record(std::string_view name);        // by identifier, in any spelling
  Lookup record_by_key(std::string_view key);  // a whole store key (storage/keys.h)
  // For reading alone, from memory where it is there: what is found this way is not among append_reads(), and
  // only its values count.
  Lookup readable_record(std::string_view name, Wanted wanted);
  void append_reads(Mutation& mutation);  // (key, version) of everything that was read, and since when

  // Proofs. None: not checked yet, or checked against other keys; it is remembered as wanted: return Need.
  std::optional<ProofResult> proof(ProofTask task);

  // How the MAC of the request stands (kLive only). None: it is remembered as wanted: return Need.
  std::optional<MacCheck> session_mac();

  // Buffers for what an outcome points to. Each call hands out another one, empty.
  std::string& buffer();

  const Settings& settings() const { return *services_->settings; }
  const NodeIdentity& node() const { return *services_->identity; }
  const Services& services() const { return *services_; }
  const RouteTable& routes() const { return *routes_; }
  std::shared_ptr<const PrefixEntry> route(std::string_view folded_prefix_handle) const;

  // Random octets; false: no entropy (RC 2).
  bool random(char* to, std::size_t octets);
  // Random octets that stay the same as long as the request is decided; empty: no entropy.
  std::string_view seed();

  // What stands around the request; set by the driver.
  Source source;
  Now now;
  SessionState session;
  const PresentedProof* presented = nullptr;  // null: no challenge answer
  const handle::Request* carrier = nullptr;   // kLive: whose MAC is looked at

  // For the driver.
  void begin();  // forgets everything of the request before, but the routes
  // The snapshot to decide with; kept from request to request until another one is given.
  void take_routes(std::shared_ptr<const RouteTable> routes) { routes_ = std::move(routes); }
  void forget_records();  // decide again on the new state (Again); the proof's result stays
  bool wants_records() const { return cold_ != 0; }
  bool wants_proof() const { return wanted_.has_value() || wants_mac_; }
  void load_cold();                          // pool: reads what is cold, with Depth::kDisk
  bool proof_held() const { return held_; }  // of the last check_proof()
  void check_proof();                        // pool: runs the wanted proof, looks at the wanted MAC
  // Before decide() is called again: buffers are free again, what was read is taken up.
  void next_round();
  const std::shared_ptr<const RouteTable>& routes_pointer() const { return routes_; }

 private:
  struct Slot {
    std::string key;
    std::string image;
    RecordView view;
    Found found = Found::kNo;
    std::uint64_t version = 0;
    std::optional<FillTicket> ticket;  // what is found is offered to the memory tier
  };
  void write_key(std::string_view name);  // to key_
  Lookup look(Slot& slot, Depth depth);
  Slot* find(std::string_view key);
  Slot* add(std::string_view key);

  const Services* services_;
  std::shared_ptr<const RouteTable> routes_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::size_t used_ = 0;
  std::uint64_t as_of_ = 0;                            // Store::applied() before the first of them was read
  std::unordered_map<std::string_view, Slot*> index_;  // by key; empty while there are few
  std::size_t cold_ = 0;
  std::vector<std::unique_ptr<std::string>> buffers_;
  std::size_t buffers_used_ = 0;
  std::string key_;
  std::optional<ProofTask> wanted_;
  std::optional<ProofTask> checked_;
  ProofResult result_;
  bool wants_mac_ = false;
  bool held_ = false;
  std::string seed_;
};

}  // namespace idnode
