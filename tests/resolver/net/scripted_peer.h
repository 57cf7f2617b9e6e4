// A peer that speaks the protocol over real sockets on loopback and does what a script says: answers, delays,
// lies, closes, drips, keeps silent. One thread; TCP and UDP on the same port.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "protocol/address.h"
#include "protocol/crypto/key.h"
#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/handle/site.h"

namespace idnode::test {

// A request as the peer saw it.
struct Seen {
  bool tcp = true;
  std::uint16_t peer_port = 0;
  std::uint64_t connection = 0;
  Endpoint own;  // where it was heard
  handle::Envelope envelope;
  handle::Header header;
  std::string covered;
  std::string name;
  std::vector<std::uint32_t> indexes;
  std::vector<std::string> types;
  bool has_identity = false;
  std::string identity;
  bool has_credential = false;
};

// What goes back, in order.
struct Piece {
  std::string octets;  // TCP: written as they are; UDP: one frame, cut into datagrams
  int after_ms = 0;    // from the moment the request was read
  bool close = false;  // TCP: afterwards
  bool reset = false;  // the close is a reset
};
using Script = std::function<std::vector<Piece>(const Seen&)>;

// An answer to a request, correct unless a member says otherwise.
struct Canned {
  handle::ResponseCode code = handle::ResponseCode::kSuccess;
  std::vector<Value> values;
  std::string text;
  std::string referral_handle;
  std::string name;  // empty: the request's
  std::string site;  // answer to site info
  std::uint8_t verified = 1;
  std::uint32_t request_id_xor = 0;
  std::uint32_t opcode = 0;  // 0: the request's
  std::int64_t expires_in = 43'200;
  bool bad_digest = false;
  bool no_digest = false;
  std::uint16_t serial = 1;
  handle::Version version = handle::kOurVersion;
  const crypto::PrivateKey* key = nullptr;  // signs when CT is set
  bool bad_signature = false;
  std::uint32_t raw_code = 0;  // overrides code
};
std::string frame_of(const Seen& seen, const Canned& canned);
inline std::vector<Piece> answer(const Seen& seen, const Canned& canned) {
  return {{frame_of(seen, canned)}};
}

Value text_value(std::uint32_t index, std::string type, std::string data, std::uint32_t ttl = 86'400);
// One server with these interfaces.
enum class Offer { kTcp, kUdp, kBoth };
handle::Site site_at(const Endpoint& endpoint, Offer offer, std::string public_key = {},
                     std::uint16_t serial = 1);
Value site_value(std::uint32_t index, const handle::Site& site, std::string type = "HS_SITE",
                 std::uint32_t ttl = 86'400);

class ScriptedPeer {
 public:
  explicit ScriptedPeer(Script script, bool listen_tcp = true, bool listen_udp = true,
                        const char* address = "127.0.0.1");
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  Endpoint endpoint() const { return endpoint_; }
  void set_script(Script script);
  std::vector<Seen> seen() const;
  void forget();  // what was seen
  // Requests for that name (folded comparison), or all for "".
  std::size_t count(std::string_view name = {}) const;
  std::uint64_t accepted() const { return accepted_.load(); }

 private:
  struct Connection {
    std::uint64_t id = 0;
    std::string in;
  };
  struct Due {
    int fd;
    std::uint64_t connection;  // 0: datagram
    Endpoint to;
    Piece piece;
  };
  void run();
  void read_stream(int fd);
  void read_datagram();
  void take(const handle::Envelope& envelope, std::string_view message, int fd, const Endpoint& peer);
  void send_due();
  void drop(int fd);

  mutable std::mutex mutex_;
  Script script_;
  std::vector<Seen> seen_;
  Endpoint endpoint_;
  int listener_ = -1;
  int datagrams_ = -1;
  std::map<int, Connection> connections_;
  std::multimap<std::chrono::steady_clock::time_point, Due> due_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> accepted_{0};
  std::thread thread_;
};

}  // namespace idnode::test
