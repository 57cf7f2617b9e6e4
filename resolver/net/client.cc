#include "resolver/net/client.h"

#include <poll.h>

#include <cerrno>
#include <random>

#include "protocol/crypto/digest.h"
#include "protocol/handle/fragment.h"
#include "protocol/handle/proof.h"

namespace idnode {
namespace {

constexpr std::uint32_t kRequestLife = 43'200;  // seconds: the usual expiration of both client libraries
constexpr int kMostChallenges = 2;

// Whether the socket became ready before the deadline.
bool wait_ready(int fd, short events, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now() + std::chrono::microseconds(999));
    pollfd p{.fd = fd, .events = events, .revents = 0};
    const int n = ::poll(&p, 1, left.count() < 0 ? 0 : static_cast<int>(left.count()));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

Errc error_of(int number) {
  switch (number) {
    case ECONNREFUSED: return Errc::kRefused;
    case ECONNRESET:
    case EPIPE: return Errc::kClosed;
    case ETIMEDOUT: return Errc::kTimeout;
    default: return Errc::kIo;
  }
}

Result<void> connect_to(int fd, const Endpoint& server, std::chrono::milliseconds wait) {
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(server, address);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0) return {};
  if (errno != EINPROGRESS) return std::unexpected(error_of(errno));
  if (!wait_ready(fd, POLLOUT, std::chrono::steady_clock::now() + wait))
    return std::unexpected(Errc::kTimeout);
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return std::unexpected(error_of(error));
  return {};
}

// Header and body of a frame: what a request digest covers.
std::string_view covered_of(std::string_view frame) {
  const std::string_view message = frame.substr(handle::kEnvelopeSize);
  const auto header = handle::decode_header(message);
  return header ? message.substr(0, handle::kHeaderSize + header->body_length) : message;
}

bool digest_fits(const handle::DigestPart& part, std::string_view frame) {
  const auto algorithm =
      part.algorithm == 0 ? crypto::Digest::kMd5 : static_cast<crypto::Digest>(part.algorithm);
  return crypto::digest(algorithm, covered_of(frame)) == part.digest;
}

Result<Reply> make_reply(const handle::Envelope& envelope, std::string message) {
  Reply reply;
  reply.octets = std::make_shared<const std::string>(std::move(message));
  auto response = handle::decode_response(envelope, *reply.octets);
  if (!response) return std::unexpected(Errc::kMalformed);
  reply.response = std::move(*response);
  return reply;
}

bool more_follows(const Reply& reply) {
  return (reply.response.header.flags & handle::flag::kContinuous) != 0;
}

// A digest in a response must be that of what was sent; after a challenge the node may digest the answered
// message or the request it stands for.
bool belongs(const Reply& reply, std::uint32_t id, std::string_view frame, const std::string* earlier) {
  if (reply.response.envelope.request_id != id) return false;
  const handle::DigestPart& part = reply.response.request_digest;
  if (!part.present) return reply.code() != handle::ResponseCode::kAuthenticationNeeded;
  return digest_fits(part, frame) || (earlier != nullptr && digest_fits(part, *earlier));
}

}  // namespace

handle::Request make_request(handle::OpCode op, std::string_view name, handle::RequestBody body,
                             std::uint32_t flags) {
  handle::Request request;
  request.header.opcode = static_cast<std::uint32_t>(op);
  request.header.flags = flags;
  request.name = name;
  request.body = body;
  if (op == handle::OpCode::kResolve && std::holds_alternative<handle::NameBody>(body))
    request.body = handle::ResolveBody{};
  return request;
}

Client::Client(Descriptor socket, ClientOptions options)
    : socket_(std::move(socket)),
      options_(std::move(options)),
      next_id_(std::random_device{}() & 0x3fff'ffff) {}

Result<Client> Client::open(const Endpoint& server, const ClientOptions& options) {
  auto socket = make_socket(server, options.udp ? SOCK_DGRAM : SOCK_STREAM);
  if (!socket) return std::unexpected(socket.error());
  if (auto connected = connect_to(socket->get(), server, options.connect_wait); !connected)
    return std::unexpected(connected.error());
  return Client(std::move(*socket), options);
}

Result<Client::Sent> Client::prepare(handle::Request& request) {
  handle::Envelope& envelope = request.envelope;
  envelope.version = options_.version;
  envelope.suggested = options_.suggested;
  if (envelope.request_id == 0) envelope.request_id = ++next_id_;
  if (request.header.expiration == 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    request.header.expiration =
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()) +
        kRequestLife;
  }
  Sent sent{.id = envelope.request_id, .frame = {}};
  handle::encode_request(request, {}, sent.frame);
  if (sent.frame.size() > handle::kMaxSentMessage + handle::kEnvelopeSize)
    return std::unexpected(Errc::kTooLarge);
  return sent;
}

Result<std::string> Client::frame(handle::Request request) {
  auto sent = prepare(request);
  if (!sent) return std::unexpected(sent.error());
  return std::move(sent->frame);
}

Result<Reply> Client::ask(handle::Request request, const ClientIdentity* identity) {
  auto replies = ask_all(std::move(request), identity);
  if (!replies) return std::unexpected(replies.error());
  return std::move(replies->back());
}

Result<std::vector<Reply>> Client::ask_all(handle::Request request, const ClientIdentity* identity) {
  auto original = prepare(request);
  if (!original) return std::unexpected(original.error());
  auto replies = exchange(*original, nullptr);
  std::string proof;
  for (int i = 0; i < kMostChallenges && identity != nullptr && replies; ++i) {
    if (replies->back().code() != handle::ResponseCode::kAuthenticationNeeded) break;
    auto answer = answer_challenge(request, replies->back(), *identity, proof);
    if (!answer) return std::unexpected(answer.error());
    auto sent = prepare(*answer);
    if (!sent) return std::unexpected(sent.error());
    replies = exchange(*sent, &*original);
  }
  return replies;
}

Result<handle::Request> Client::answer_challenge(const handle::Request& request, const Reply& challenge,
                                                 const ClientIdentity& identity, std::string& proof) const {
  const handle::Response& asked = challenge.response;
  const handle::Challenge what{
      .nonce = asked.nonce,
      .digest = asked.request_digest.digest,
      .version = handle::challenge_version(asked.envelope.version, asked.envelope.suggested)};
  auto made = identity.key ? handle::answer_public_key(what, *identity.key, identity.who.handle)
                           : handle::answer_secret(what, identity.secret);
  if (!made) return std::unexpected(made.error());
  proof = std::move(*made);
  handle::Request answer = make_request(
      handle::OpCode::kAnswerChallenge, identity.who.handle,
      handle::ChallengeAnswerBody{
          .type = identity.key ? "HS_PUBKEY" : "HS_SECKEY", .index = identity.who.index, .proof = proof},
      request.header.flags);
  answer.envelope.session_id = asked.envelope.session_id;
  return answer;
}

Result<std::vector<Reply>> Client::exchange(const Sent& sent, const Sent* earlier) {
  return options_.udp ? exchange_udp(sent, earlier) : exchange_tcp(sent, earlier);
}

Result<std::vector<Reply>> Client::exchange_tcp(const Sent& sent, const Sent* earlier) {
  if (auto ok = send_octets(sent.frame); !ok) return std::unexpected(ok.error());
  std::vector<Reply> replies;
  do {
    auto reply = receive_tcp(Clock::now() + options_.answer_wait);
    if (!reply) return std::unexpected(reply.error());
    if (!belongs(*reply, sent.id, sent.frame, earlier != nullptr ? &earlier->frame : nullptr))
      return std::unexpected(Errc::kInvalid);
    replies.push_back(std::move(*reply));
  } while (more_follows(replies.back()));
  return replies;
}

Result<std::vector<Reply>> Client::exchange_udp(const Sent& sent, const Sent* earlier) {
  Errc last = Errc::kTimeout;
  for (const auto wait : options_.udp_waits) {
    if (auto ok = send_datagrams(sent); !ok) return std::unexpected(ok.error());
    const auto deadline = Clock::now() + wait;
    for (;;) {
      auto reply = receive_udp(sent.id, deadline);
      if (!reply) {
        if (reply.error() != Errc::kTimeout) last = reply.error();
        if (reply.error() == Errc::kRefused) return std::unexpected(last);
        if (reply.error() == Errc::kTimeout) break;
        continue;
      }
      if (!belongs(*reply, sent.id, sent.frame, earlier != nullptr ? &earlier->frame : nullptr)) {
        last = Errc::kInvalid;
        continue;
      }
      std::vector<Reply> replies;
      replies.push_back(std::move(*reply));
      return replies;
    }
  }
  return std::unexpected(last);
}

Result<std::uint32_t> Client::send(handle::Request request) {
  auto sent = prepare(request);
  if (!sent) return std::unexpected(sent.error());
  if (auto ok = send_octets(sent->frame); !ok) return std::unexpected(ok.error());
  waits_[sent->id] = std::move(sent->frame);
  return sent->id;
}

Result<Reply> Client::receive() {
  auto reply = receive_any();
  if (!reply) return reply;
  const auto sent = waits_.find(reply->response.envelope.request_id);
  if (sent == waits_.end() || !belongs(*reply, sent->first, sent->second, nullptr))
    return std::unexpected(Errc::kInvalid);
  if (!more_follows(*reply)) waits_.erase(sent);
  return reply;
}

Result<Reply> Client::receive_any() {
  const auto deadline = Clock::now() + options_.answer_wait;
  return options_.udp ? receive_udp(0, deadline) : receive_tcp(deadline);
}

Result<void> Client::send_octets(std::string_view octets) {
  const auto deadline = Clock::now() + options_.answer_wait;
  while (!octets.empty()) {
    const ssize_t n = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!wait_ready(socket_.get(), POLLOUT, deadline)) return std::unexpected(Errc::kTimeout);
    } else if (errno != EINTR) {
      return std::unexpected(error_of(errno));
    }
    if (options_.udp) break;
  }
  return {};
}

Result<void> Client::send_datagrams(const Sent& sent) {
  const auto length = static_cast<std::uint32_t>(sent.frame.size() - handle::kEnvelopeSize);
  const std::uint32_t count = handle::fragments_of(length);
  std::string datagram;
  for (std::uint32_t i = 0; i < count; ++i) {
    datagram.clear();
    handle::append_datagram(sent.frame, i, true, datagram);
    if (auto ok = send_octets(datagram); !ok) return ok;
  }
  return {};
}

Result<void> Client::fill(Clock::time_point deadline) {
  char part[16'384];
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), part, sizeof part, 0);
    if (n > 0) {
      in_.append(part, static_cast<std::size_t>(n));
      return {};
    }
    if (n == 0) return std::unexpected(Errc::kClosed);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(error_of(errno));
    if (!wait_ready(socket_.get(), POLLIN, deadline)) return std::unexpected(Errc::kTimeout);
  }
}

Result<Reply> Client::receive_tcp(Clock::time_point deadline) {
  while (in_.size() < handle::kEnvelopeSize)
    if (auto ok = fill(deadline); !ok) return std::unexpected(ok.error());
  const auto envelope = handle::decode_envelope(in_);
  if (!envelope || envelope->length > handle::kMaxMessage) return std::unexpected(Errc::kMalformed);
  const std::size_t whole = handle::kEnvelopeSize + envelope->length;
  while (in_.size() < whole)
    if (auto ok = fill(deadline); !ok) return std::unexpected(ok.error());
  std::string message = in_.substr(handle::kEnvelopeSize, envelope->length);
  in_.erase(0, whole);
  return make_reply(*envelope, std::move(message));
}

Result<Reply> Client::receive_udp(std::uint32_t only_id, Clock::time_point deadline) {
  std::optional<handle::Assembly> assembly;
  char part[2'048];
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), part, sizeof part, 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return std::unexpected(error_of(errno));
      if (!wait_ready(socket_.get(), POLLIN, deadline)) return std::unexpected(Errc::kTimeout);
      continue;
    }
    const auto datagram =
        handle::classify_datagram(std::string_view(part, static_cast<std::size_t>(n)), false);
    if (only_id != 0 && datagram.envelope.request_id != only_id) continue;
    if (datagram.arrival == handle::Arrival::kWhole)
      return make_reply(datagram.envelope, std::string(datagram.part));
    if (datagram.arrival != handle::Arrival::kFragment) continue;
    const bool fits = assembly && assembly->envelope().length == datagram.envelope.length &&
                      assembly->envelope().request_id == datagram.envelope.request_id;
    if (!fits) assembly.emplace(datagram.envelope);
    if (assembly->add(datagram.envelope, datagram.part))
      return make_reply(assembly->envelope(), assembly->take());
  }
}

void Client::half_close() { ::shutdown(socket_.get(), SHUT_WR); }

bool Client::wait_closed(std::chrono::milliseconds wait) {
  const auto deadline = Clock::now() + wait;
  if (!in_.empty()) return false;
  const auto result = fill(deadline);
  return !result && result.error() == Errc::kClosed;
}

}  // namespace idnode
