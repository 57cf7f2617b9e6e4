// The `malformed` vectors over real sockets against a real node with the fixture of
// tests/golden/handle/README.md: what came back is compared with what protocol/handle/WIRE.md §29 requires.
//
// Beyond the vectors' own requirements: no reply carries the compressed or truncated flag; a reply that the
// reference gave with the same code has the same version; on a connection that stays open the next request is
// answered, and nothing stands before its answer.
#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "protocol/handle/envelope.h"
#include "protocol/handle/header.h"
#include "resolver/net/sockets.h"
#include "tests/protocol/vectors/loader.h"
#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;
using vectors::Object;
using vectors::Vector;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kReplyWait{10'000};
constexpr milliseconds kSilence{6'500};  // above the reassembly time
constexpr std::uint32_t kProbeId = 0x7e57'0001;

struct Reply {
  handle::Envelope envelope;
  handle::Header header;
};

// What a peer sees of one vector.
struct Observed {
  std::optional<Reply> reply;
  bool closed = false;
  std::string other;  // a difference that no vector allows; empty when there is none
};

std::optional<Reply> parse(std::string_view octets) {
  const auto envelope = handle::decode_envelope(octets);
  if (!envelope || octets.size() < handle::kEnvelopeSize + envelope->length) return std::nullopt;
  const auto header = handle::decode_header(octets.substr(handle::kEnvelopeSize, envelope->length));
  if (!header) return std::nullopt;
  return Reply{*envelope, *header};
}

// Raw sockets: nothing of the product's client stands between the test and the node.
class Peer {
 public:
  Peer(const Endpoint& node, int type) {
    auto socket = make_socket(node, type);
    sockaddr_storage address{};
    const socklen_t size = to_sockaddr(node, address);
    if (!socket) fail("no socket");
    if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        !wait(*socket, POLLOUT))
      fail("no connection");
    socket_ = std::move(*socket);
  }

  // False once the node has ended the connection.
  bool send(std::string_view octets) const {
    return ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(octets.size());
  }
  void half_close() const { ::shutdown(socket_.get(), SHUT_WR); }

  // One frame of a stream; nothing when the node closed or let the time pass.
  std::optional<Reply> frame(milliseconds most) {
    const auto end = Clock::now() + most;
    for (;;) {
      if (const auto reply = parse(in_)) {
        in_.erase(0, handle::kEnvelopeSize + reply->envelope.length);
        return reply;
      }
      if (!fill(end)) return std::nullopt;
    }
  }
  // One datagram; all answers here fit one.
  std::optional<Reply> datagram(milliseconds most) {
    in_.clear();
    if (!fill(Clock::now() + most)) return std::nullopt;
    return parse(in_);
  }
  // Whether the node closes within the time without sending anything more.
  bool closes(milliseconds most) {
    const auto end = Clock::now() + most;
    while (!closed_ && fill(end)) {
    }
    return closed_ && in_.empty();
  }
  bool closed() const { return closed_; }
  bool holds_octets() const { return !in_.empty(); }

 private:
  static bool wait(const Descriptor& socket, short what, milliseconds most = kReplyWait) {
    pollfd p{.fd = socket.get(), .events = what, .revents = 0};
    return ::poll(&p, 1, static_cast<int>(most.count())) == 1;
  }
  bool fill(Clock::time_point end) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    if (closed_ || !wait(socket_, POLLIN, std::max(left, milliseconds(0)))) return false;
    char part[16'384];
    const ssize_t n = ::recv(socket_.get(), part, sizeof part, 0);
    if (n <= 0) closed_ = true;
    if (n > 0) in_.append(part, static_cast<std::size_t>(n));
    return n > 0;
  }

  Descriptor socket_;
  std::string in_;
  bool closed_ = false;
};

std::string probe() {
  handle::Request request = make_request(OpCode::kSiteInfo, "/");
  request.envelope.request_id = kProbeId;
  std::string frame;
  handle::encode_request(request, {}, frame);
  return frame;
}

bool answers_probe(const std::optional<Reply>& reply) {
  return reply && reply->envelope.request_id == kProbeId && reply->header.response_code == 1;
}

Observed replay_tcp(const Endpoint& node, const Vector& v, const Object& required) {
  Peer peer(node, SOCK_STREAM);
  Observed seen;
  if (!v.octets.empty()) peer.send(v.octets);
  const bool half_closed = vectors::flag(v.fields, "half_close_after_send");
  if (half_closed) peer.half_close();
  const auto& close = vectors::field(required, "close_connection");
  if (close.is_bool() && close.as_bool()) {
    seen.reply = peer.frame(kReplyWait);
    const bool closed = peer.closes(kReplyWait);
    if (peer.holds_octets()) seen.other = "octets behind the reply";
    seen.closed = closed || peer.closed();
    return seen;
  }
  // Nothing but the reply may come before the answer to the next request.
  if (vectors::flag(required, "reply")) seen.reply = peer.frame(kReplyWait);
  if (peer.closed()) {
    seen.closed = true;
    return seen;
  }
  const bool sent = peer.send(probe());
  const auto next = peer.frame(kReplyWait);
  seen.closed = peer.closed();
  if (answers_probe(next) || seen.closed || !sent) return seen;
  if (next && !seen.reply) {
    seen.reply = next;
  } else {
    seen.other = next ? "two replies" : "the next request on the connection is not answered";
  }
  return seen;
}

// A silent vector's socket is kept: at the end nothing must have come.
struct Silent {
  std::string name;
  Peer peer;
};

Observed replay_udp(const Endpoint& node, const Vector& v, const Object& required,
                    std::vector<Silent>& silent) {
  Peer peer(node, SOCK_DGRAM);
  for (const auto& packet : vectors::list(v.fields, "packets")) peer.send(vectors::octets(packet));
  Observed seen;
  if (vectors::flag(required, "reply")) {
    seen.reply = peer.datagram(kReplyWait);
  } else {
    peer.send(probe());
    const auto next = peer.datagram(kReplyWait);
    if (!answers_probe(next)) {
      seen.reply = next;
      if (!next) seen.other = "the next datagram is not answered";
    }
  }
  silent.push_back({v.name, std::move(peer)});
  return seen;
}

void differs(std::vector<std::string>& out, const char* what, std::uint64_t got, std::uint64_t wanted) {
  if (got != wanted)
    out.push_back(std::string(what) + " " + std::to_string(got) + ", required " + std::to_string(wanted));
}

// The reference's version counts where it gave the same answer; but for 2.255, which it reads as below zero
// (WIRE.md §6.2).
void compare_version(const Vector& v, const Reply& reply, std::vector<std::string>& out) {
  const auto& observed = vectors::field(v.fields, "reference_observed");
  const Object& reference =
      observed.is_array() ? observed.as_array().at(0).as_object() : observed.as_object();
  if (!vectors::flag(reference, "reply") ||
      vectors::number(reference, "request_id") != reply.envelope.request_id ||
      vectors::number(reference, "response_code") != reply.header.response_code)
    return;
  const std::string version =
      std::to_string(reply.envelope.version.major) + "." + std::to_string(reply.envelope.version.minor);
  std::string wanted = vectors::text(reference, "version");
  if (wanted == "2.255") wanted = "2.11";
  if (version != wanted) out.push_back("version " + version + ", required " + wanted);
}

std::vector<std::string> compare(const Vector& v, const Object& required, const Observed& seen) {
  std::vector<std::string> out;
  if (!seen.other.empty()) out.push_back(seen.other);
  const bool reply = vectors::flag(required, "reply");
  if (reply != seen.reply.has_value()) out.push_back(reply ? "no reply" : "a reply, required none");
  if (const auto* close = required.if_contains("close_connection"); close != nullptr && close->is_bool())
    if (close->as_bool() && !seen.closed) out.push_back("stays open, required to close");
  if (!reply || !seen.reply) return out;
  const Reply& got = *seen.reply;
  differs(out, "code", got.header.response_code, vectors::number(required, "response_code"));
  differs(out, "request id", got.envelope.request_id, vectors::number(required, "request_id"));
  if (vectors::has(required, "op_code"))
    differs(out, "opcode", got.header.opcode, vectors::number(required, "op_code"));
  if (got.envelope.compressed || got.envelope.truncated) out.push_back("a flag of the request was copied");
  compare_version(v, got, out);
  return out;
}

// A comparison that cannot fail proves nothing: what was seen is held against requirements that are wrong in
// one member each. Returns how many of them went unnoticed.
std::size_t unnoticed(const Vector& v, const Object& required, const Observed& seen, std::size_t& tried) {
  std::size_t missed = 0;
  const auto try_one = [&](const Object& wrong) {
    ++tried;
    if (!compare(v, wrong, seen).empty()) return;
    ++missed;
    std::printf("UNNOTICED %s: %s\n", v.name.c_str(), boost::json::serialize(wrong).c_str());
  };
  Object wrong = required;
  wrong["reply"] = !vectors::flag(required, "reply");
  for (const char* needed : {"response_code", "request_id"})
    if (!wrong.contains(needed)) wrong[needed] = 0;
  try_one(wrong);
  for (const char* member : {"response_code", "request_id", "op_code"}) {
    if (!required.contains(member)) continue;
    wrong = required;
    wrong[member] = vectors::number(required, member) + 1;
    try_one(wrong);
  }
  if (required.contains("close_connection") && !seen.closed) {
    wrong = required;
    wrong["close_connection"] = true;
    try_one(wrong);
  }
  return missed;
}

// The records of the fixture, made as anybody makes them.
void set_up(NodeProcess& node) {
  Client client = node.connect();
  const Reference admin{.handle = "88.101.5/ADMIN", .index = 300};
  ClientIdentity first = node.administrator();
  ClientIdentity second = first;
  second.who.index = 301;
  const std::string key = first.key->public_key().serialize();
  need(ask_values(client, first, OpCode::kAddValues, "88.101.5/ADMIN",
                  {text_value(301, "HS_PUBKEY", key), text_value(302, "HS_PUBKEY", key)}),
       1, "keys");
  constexpr std::uint8_t kNotPublic = kAdminRead | kAdminWrite;
  need(ask_values(client, second, OpCode::kModifyValues, "88.101.5/ADMIN",
                  {text_value(300, "HS_SECKEY", "password", kNotPublic)}),
       1, "secret");
  const ClientIdentity third{.who = admin, .key = std::nullopt, .secret = "password"};
  need(ask_values(client, third, OpCode::kCreate, "88.101.5/SN0001",
                  {admin_value(admin), text_value(1, "URL", "http://example.com/")}),
       1, "SN0001");
  need(ask_values(client, third, OpCode::kCreate, "88.101.5/SECRET",
                  {admin_value(admin), text_value(300, "HS_SECKEY", "password", kNotPublic)}),
       1, "SECRET");
  need(ask_name(client, third, OpCode::kUnhomePrefix, "0.NA/0.NA/88.101.5"), 1, "marker");
}

struct Sums {
  std::size_t replayed = 0, differences = 0, spoiled = 0, unnoticed = 0;
};

void report(const std::string& name, const std::string& what, Sums& sums) {
  ++sums.differences;
  std::printf("DIFFERENT %s: %s\n", name.c_str(), what.c_str());
}

void replay(const NodeProcess& node, Sums& sums) {
  std::vector<Silent> silent;
  for (const Vector& v : vectors::load(vectors::default_path())) {
    if (v.kind != "malformed") continue;
    const Object& required = vectors::object(v.fields, "required");
    const Observed seen = vectors::text(v.fields, "transport") == "udp"
                              ? replay_udp(node.endpoint(), v, required, silent)
                              : replay_tcp(node.endpoint(), v, required);
    ++sums.replayed;
    for (const std::string& difference : compare(v, required, seen)) report(v.name, difference, sums);
    sums.unnoticed += unnoticed(v, required, seen, sums.spoiled);
  }
  pause(kSilence);
  for (Silent& s : silent)
    if (s.peer.datagram(milliseconds(0))) report(s.name, "a late reply, or a second one", sums);
}

int run() {
  NodeProcess node({"88.101.5"},
                   {{"node", {{"administrators", toml_list({"300:88.101.5/ADMIN", "301:88.101.5/ADMIN"})}}},
                    {"listen", {{"udp_admin", "true"}}},
                    {"idis", {{"connection_sessions", "false"}}},
                    {"limits", {{"first_message_seconds", "1"}, {"message_seconds", "1"}}}});
  node.start();
  set_up(node);
  Sums sums;
  replay(node, sums);
  // The node is as it was: it answers, and it ends cleanly (under a sanitizer: without a report).
  Client client = node.connect();
  need(resolve(client, "88.101.5/SN0001").code, 1, "resolution afterwards");
  const int code = node.stop();
  if (code != 0) report("node", "exit code " + std::to_string(code) + ": " + node.said(), sums);
  std::printf("control: %zu wrong requirements, %zu unnoticed\n", sums.spoiled, sums.unnoticed);
  std::printf("malformed: %zu replayed, differences=%zu\n", sums.replayed, sums.differences);
  return sums.replayed > 0 && sums.differences == 0 && sums.spoiled > 0 && sums.unnoticed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode

int main() {
  try {
    return idnode::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "malformed_test: %s\n", e.what());
    return 1;
  }
}
