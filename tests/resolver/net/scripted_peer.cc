#include "tests/resolver/net/scripted_peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "protocol/handle/fragment.h"
#include "protocol/handle/message_auth.h"
#include "protocol/handle/request_digest.h"
#include "protocol/identifier.h"
#include "resolver/net/sockets.h"

namespace idnode::test {

namespace {

std::uint32_t wall_seconds() { return static_cast<std::uint32_t>(::time(nullptr)); }

std::string encoded(const handle::Response& response, const Canned& canned, std::string_view credential) {
  std::string frame;
  if (canned.raw_code == 0) {
    handle::encode_response(response, credential, frame);
    return frame;
  }
  // A code that no encoder writes: patched into the header of an ordinary error.
  handle::Response error = response;
  error.header.response_code = 2;
  handle::encode_response(error, credential, frame);
  for (int i = 0; i < 4; ++i) {
    frame[handle::kEnvelopeSize + 4 + i] = static_cast<char>(canned.raw_code >> (24 - 8 * i));
  }
  return frame;
}

}  // namespace

std::string frame_of(const Seen& seen, const Canned& canned) {
  handle::Response r;
  r.envelope.version = canned.version;
  r.envelope.suggested = handle::kOurVersion;
  r.envelope.request_id = seen.envelope.request_id ^ canned.request_id_xor;
  r.header.opcode = canned.opcode != 0 ? canned.opcode : seen.header.opcode;
  r.header.response_code = static_cast<std::uint32_t>(canned.code);
  r.header.flags = (seen.header.flags & handle::flag::kCopied) | handle::flag::kRecursive;
  r.header.site_serial = canned.serial;
  r.header.recursion_count = seen.header.recursion_count;
  r.header.expiration = static_cast<std::uint32_t>(wall_seconds() + canned.expires_in);
  std::string digest = handle::request_digest(canned.version, seen.covered);
  if (canned.bad_digest) digest[0] = static_cast<char>(digest[0] ^ 1);
  if (canned.no_digest) r.header.flags &= ~handle::flag::kReturnDigest;
  if ((r.header.flags & handle::flag::kReturnDigest) != 0) r.request_digest = {true, 3, digest};

  std::string values;
  encode_all(canned.values, values);
  r.values = {static_cast<std::uint32_t>(canned.values.size()), values};
  r.site = canned.site;
  r.verified = canned.verified;
  const std::string name = canned.name.empty() ? seen.name : canned.name;
  const bool referral = canned.code == handle::ResponseCode::kServiceReferral ||
                        canned.code == handle::ResponseCode::kPrefixReferral;
  r.name = referral ? std::string_view(canned.referral_handle) : std::string_view(name);
  r.has_values = referral ? !canned.values.empty() : canned.code == handle::ResponseCode::kSuccess;
  r.has_text = true;
  r.text = canned.text;
  const std::string nonce(16, 'n');
  r.nonce = nonce;

  std::string frame = encoded(r, canned, {});
  if (canned.key == nullptr || (seen.header.flags & handle::flag::kCertify) == 0) return frame;
  const std::string_view message = std::string_view(frame).substr(handle::kEnvelopeSize);
  const auto header = handle::decode_header(message);
  const handle::Coverage coverage{canned.version, handle::kOurVersion, 0, r.envelope.request_id, 0};
  auto made = handle::sign_message(coverage, message.substr(0, handle::kHeaderSize + header->body_length),
                                   *canned.key);
  if (!made) throw std::runtime_error("the scripted peer can not sign");
  if (canned.bad_signature) made->signature[5] = static_cast<char>(made->signature[5] ^ 1);
  handle::Credential credential;
  credential.present = true;
  credential.type = "HS_SIGNED";
  credential.algorithm = made->algorithm;
  credential.signature = made->signature;
  std::string octets;
  encode(credential, octets);
  return encoded(r, canned, octets);
}

Value text_value(std::uint32_t index, std::string type, std::string data, std::uint32_t ttl) {
  Value value;
  value.index = index;
  value.timestamp = 1'700'000'000;
  value.ttl = ttl;
  value.type = std::move(type);
  value.data = std::move(data);
  return value;
}

handle::Site site_at(const Endpoint& endpoint, Offer offer, std::string public_key, std::uint16_t serial) {
  handle::Site site;
  site.serial = serial;
  handle::SiteServer server;
  std::copy_n(endpoint.address.octets.begin() + 12, 4, server.address.begin() + 12);
  if (!endpoint.address.is_v4()) server.address = endpoint.address.octets;
  server.public_key = std::move(public_key);
  // UDP first: TCP has to be chosen although it comes later.
  if (offer != Offer::kTcp) server.interfaces.push_back({2, 0, endpoint.port});
  if (offer != Offer::kUdp) server.interfaces.push_back({3, 1, endpoint.port});
  site.servers.push_back(std::move(server));
  return site;
}

Value site_value(std::uint32_t index, const handle::Site& site, std::string type, std::uint32_t ttl) {
  std::string data;
  encode(site, data);
  return text_value(index, std::move(type), std::move(data), ttl);
}

ScriptedPeer::ScriptedPeer(Script script, bool listen_tcp, bool listen_udp, const char* address)
    : script_(std::move(script)) {
  for (int attempt = 0; attempt < 50; ++attempt) {
    endpoint_ = {*parse_ip(address), 0};
    sockaddr_storage at{};
    socklen_t length = to_sockaddr(endpoint_, at);
    listener_ = make_socket(endpoint_, SOCK_STREAM)->release();
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), length) != 0) throw std::runtime_error("bind");
    endpoint_ = local_endpoint(listener_);
    length = to_sockaddr(endpoint_, at);
    datagrams_ = make_socket(endpoint_, SOCK_DGRAM)->release();
    if (::bind(datagrams_, reinterpret_cast<sockaddr*>(&at), length) == 0) break;
    ::close(listener_);
    ::close(datagrams_);
  }
  if (listen_tcp) ::listen(listener_, 512);
  // A bound socket that does not listen refuses; a datagram socket has to be closed to do so.
  if (!listen_udp) {
    ::close(datagrams_);
    datagrams_ = -1;
  }
  thread_ = std::thread([this] { run(); });
}

ScriptedPeer::~ScriptedPeer() {
  stop_.store(true);
  thread_.join();
  for (const auto& [fd, connection] : connections_) ::close(fd);
  ::close(listener_);
  if (datagrams_ >= 0) ::close(datagrams_);
}

void ScriptedPeer::set_script(Script script) {
  const std::scoped_lock lock(mutex_);
  script_ = std::move(script);
}

std::vector<Seen> ScriptedPeer::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

void ScriptedPeer::forget() {
  const std::scoped_lock lock(mutex_);
  seen_.clear();
  seen_.shrink_to_fit();
}

std::size_t ScriptedPeer::count(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      seen_, [&](const Seen& s) { return name.empty() || equal_folded(s.name, name); }));
}

void ScriptedPeer::run() {
  while (!stop_.load()) {
    std::vector<pollfd> fds = {{listener_, POLLIN, 0}, {datagrams_, POLLIN, 0}};
    for (const auto& [fd, connection] : connections_) fds.push_back({fd, POLLIN, 0});
    ::poll(fds.data(), fds.size(), 5);
    if ((fds[0].revents & POLLIN) != 0) {
      for (int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0;
           fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) {
        connections_[fd].id = ++accepted_;
      }
    }
    if ((fds[1].revents & POLLIN) != 0) read_datagram();
    for (std::size_t i = 2; i < fds.size(); ++i) {
      if (fds[i].revents != 0) read_stream(fds[i].fd);
    }
    send_due();
  }
}

void ScriptedPeer::drop(int fd) {
  connections_.erase(fd);
  ::close(fd);
}

void ScriptedPeer::read_stream(int fd) {
  char buffer[65'536];
  const ssize_t n = ::recv(fd, buffer, sizeof(buffer), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop(fd);
  std::string& in = connections_[fd].in;
  in.append(buffer, static_cast<std::size_t>(n));
  while (in.size() >= handle::kEnvelopeSize) {
    const auto envelope = handle::decode_envelope(in);
    const std::size_t whole = handle::kEnvelopeSize + envelope->length;
    if (in.size() < whole) return;
    take(*envelope, std::string_view(in).substr(handle::kEnvelopeSize, envelope->length), fd, {});
    in.erase(0, whole);
  }
}

void ScriptedPeer::read_datagram() {
  char buffer[2'048];
  sockaddr_storage from{};
  socklen_t length = sizeof(from);
  const ssize_t n =
      ::recvfrom(datagrams_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (n <= 0) return;
  const auto datagram = handle::classify_datagram({buffer, static_cast<std::size_t>(n)}, true);
  if (datagram.arrival != handle::Arrival::kWhole) return;
  take(datagram.envelope, datagram.part, datagrams_, to_endpoint(from));
}

void ScriptedPeer::take(const handle::Envelope& envelope, std::string_view message, int fd,
                        const Endpoint& peer) {
  Seen seen;
  seen.tcp = fd != datagrams_;
  seen.peer_port = peer.port;
  seen.own = endpoint_;
  seen.connection = seen.tcp ? connections_[fd].id : 0;
  seen.envelope = envelope;
  const auto request = handle::decode_request(envelope, message, {});
  if (!request) return;
  seen.header = request->header;
  seen.covered = request->covered;
  seen.name = request->name;
  seen.has_credential = request->credential.present;
  if (const auto* body = std::get_if<handle::ResolveBody>(&request->body)) {
    for (std::uint32_t i = 0; i < body->indexes.count; ++i) seen.indexes.push_back(body->indexes[i]);
    handle::TextWalk walk(body->types);
    std::string_view type;
    while (walk.next(type)) seen.types.emplace_back(type);
    seen.has_identity = body->has_identity;
    seen.identity = body->identity;
  }
  Script script;
  {
    const std::scoped_lock lock(mutex_);
    seen_.push_back(seen);
    script = script_;
  }
  const auto now = std::chrono::steady_clock::now();
  for (Piece& piece : script(seen)) {
    const auto at = now + std::chrono::milliseconds(piece.after_ms);
    due_.emplace(at, Due{fd, seen.connection, peer, std::move(piece)});
  }
}

void ScriptedPeer::send_due() {
  const auto now = std::chrono::steady_clock::now();
  while (!due_.empty() && due_.begin()->first <= now) {
    const Due due = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    if (due.connection == 0) {
      sockaddr_storage to{};
      const socklen_t length = to_sockaddr(due.to, to);
      const auto envelope = handle::decode_envelope(due.piece.octets);
      for (std::uint32_t i = 0; envelope && i < handle::fragments_of(envelope->length); ++i) {
        std::string datagram;
        handle::append_datagram(due.piece.octets, i, false, datagram);
        ::sendto(datagrams_, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&to), length);
      }
      continue;
    }
    const auto it = connections_.find(due.fd);
    if (it == connections_.end() || it->second.id != due.connection) continue;
    ::send(due.fd, due.piece.octets.data(), due.piece.octets.size(), MSG_NOSIGNAL);
    if (due.piece.reset) {
      const linger at_once{1, 0};
      ::setsockopt(due.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    if (due.piece.close || due.piece.reset) drop(due.fd);
  }
}

}  // namespace idnode::test
