// A client of the Handle protocol for tools, benchmarks and tests: one connection (or one UDP socket) to one
// server, blocking calls with deadlines. Knows nothing of the node's own services.
//
// One thread at a time. Errors: kRefused (nobody listens there), kTimeout, kClosed (the server ended the
// connection), kIo, kMalformed (octets that are no response), kInvalid (an answer to something else: request
// id or request digest differ), kTooLarge (a request that no server takes), kCrypto (the key cannot sign).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/address.h"
#include "protocol/crypto/key.h"
#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/result.h"
#include "protocol/value.h"
#include "resolver/net/sockets.h"

namespace idnode {

// Who acts, and how that is proved: a private key (HS_PUBKEY) or else the secret (HS_SECKEY).
struct ClientIdentity {
  Reference who;
  std::optional<crypto::PrivateKey> key;
  std::string secret;
};

struct ClientOptions {
  bool udp = false;
  handle::Version version = handle::kOurVersion;  // of our messages
  handle::Version suggested = handle::kOurVersion;
  std::chrono::milliseconds connect_wait{10'000};
  std::chrono::milliseconds answer_wait{60'000};  // TCP: between a request and its answer
  // UDP: how long each sending of the request is waited for (WIRE.md §4.1).
  std::vector<std::chrono::milliseconds> udp_waits{
      std::chrono::milliseconds(500), std::chrono::milliseconds(1'000), std::chrono::milliseconds(1'500)};
};

// One response message. The views of `response` point into `octets`.
struct ClientReply {
  std::shared_ptr<const std::string> octets;
  handle::Response response;
  handle::ResponseCode code() const { return response.code(); }
};
using Reply = ClientReply;

// A request with the usual flags of a client; envelope and expiration are filled in when it is sent. Views
// stay the caller's.
handle::Request make_request(handle::OpCode op, std::string_view name, handle::RequestBody body = {},
                             std::uint32_t flags = handle::flag::kClientDefault);

class Client {
 public:
  static Result<Client> open(const Endpoint& server, const ClientOptions& options = {});
  Client(Client&&) = default;
  Client& operator=(Client&&) = default;

  // Asks and waits; the last message of the answer. With an identity a challenge is answered (at most twice);
  // without one the challenge itself is the answer. A request id of 0 is replaced by a fresh one.
  Result<Reply> ask(handle::Request request, const ClientIdentity* identity = nullptr);
  // All messages of an answer that comes in several (CN: list operations).
  Result<std::vector<Reply>> ask_all(handle::Request request, const ClientIdentity* identity = nullptr);

  // Pipelining (TCP): sends without waiting and returns the request id; answers are then taken in the order
  // in which the server gives them. Each answer must belong to a request that was sent and not yet answered.
  Result<std::uint32_t> send(handle::Request request);
  Result<Reply> receive();
  // The octets of a request as send() would send them, for callers with their own way of sending.
  Result<std::string> frame(handle::Request request);

  // Beneath all that: octets as they are.
  Result<void> send_octets(std::string_view octets);
  // One whole response frame (TCP) or one message (UDP), whatever its request id.
  Result<Reply> receive_any();
  // Says that nothing more will be sent; answers are still read.
  void half_close();
  // Waits until the server has ended the connection: true; false when it sent octets or let the time pass.
  bool wait_closed(std::chrono::milliseconds wait);
  int native() const { return socket_.get(); }

 private:
  struct Sent {
    std::uint32_t id = 0;
    std::string frame;
  };
  using Clock = std::chrono::steady_clock;

  Client(Descriptor socket, ClientOptions options);
  Result<Sent> prepare(handle::Request& request);
  Result<std::vector<Reply>> exchange(const Sent& sent, const Sent* earlier);
  Result<std::vector<Reply>> exchange_tcp(const Sent& sent, const Sent* earlier);
  Result<std::vector<Reply>> exchange_udp(const Sent& sent, const Sent* earlier);
  Result<void> send_datagrams(const Sent& sent);
  Result<Reply> receive_tcp(Clock::time_point deadline);
  Result<Reply> receive_udp(std::uint32_t only_id, Clock::time_point deadline);
  // Reads what is there into `in_`; waits until the deadline for something to come.
  Result<void> fill(Clock::time_point deadline);
  Result<handle::Request> answer_challenge(const handle::Request& request, const Reply& challenge,
                                           const ClientIdentity& identity, std::string& proof) const;

  Descriptor socket_;
  ClientOptions options_;
  std::uint32_t next_id_;
  std::string in_;                                        // TCP: octets not yet taken
  std::unordered_map<std::uint32_t, std::string> waits_;  // pipelined: request id -> frame
};

}  // namespace idnode
