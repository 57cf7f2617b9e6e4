#include "ops/ctl/context.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>

#include "protocol/crypto/key_file.h"
#include "protocol/handle/admin.h"
#include "protocol/rest/decode.h"
#include "resolver/app/config.h"

namespace idnode::ctl {
namespace {

// The port that the node got, when the config leaves the choice to it.
Endpoint first_listener(const Settings& settings) {
  Endpoint endpoint = settings.listen.handle.front();
  if (endpoint.port != 0) return endpoint;
  std::string file = settings.node.data + "/listeners.json";
  boost::system::error_code error;
  boost::json::value root = boost::json::parse(read_file(file), error);
  const boost::json::object* object = error ? nullptr : root.if_object();
  const boost::json::value* list = object == nullptr ? nullptr : object->if_contains("handle");
  if (list == nullptr || !list->is_array() || list->get_array().empty() ||
      !list->get_array()[0].is_string()) {
    throw Stop(kUsage, file + ": names no Handle listener");
  }
  auto got = parse_endpoint(list->get_array()[0].get_string());
  if (!got) throw Stop(kUsage, file + ": names no Handle listener");
  return *got;
}

}  // namespace

void fail_unreachable(const Endpoint& server, Errc error) {
  throw Stop(kUnreachable, fmt::format("{} cannot be reached ({}): is the node running there?",
                                       to_text(server), name(error)));
}

void fail_exchange(const Endpoint& server, Errc error) {
  switch (error) {
    case Errc::kTooLarge: throw Stop(kUsage, "the request is larger than a message may be");
    case Errc::kCrypto: throw Stop(kUsage, "the key of --as cannot sign");
    case Errc::kMalformed:
    case Errc::kInvalid:
      throw Stop(kRefusedByNode,
                 fmt::format("{} gave an answer that is none to this request", to_text(server)));
    default: fail_unreachable(server, error);
  }
}

Endpoint Context::server() const {
  if (!options_.server.empty()) {
    auto endpoint = parse_endpoint(options_.server);
    if (!endpoint)
      throw Stop(kUsage,
                 "--server: an address and port like 127.0.0.1:2641 is needed, not " + options_.server);
    return *endpoint;
  }
  if (!options_.config.empty()) {
    Config config = load_config(options_.config);
    if (!config.ok()) throw Stop(kUsage, error_text(config, config.errors.front()));
    return first_listener(config.settings);
  }
  return parse_endpoint("127.0.0.1:2641").value();
}

Client Context::connect() const { return connect(server()); }

Client Context::connect(const Endpoint& server) const {
  ClientOptions options;
  options.udp = options_.udp;
  std::chrono::milliseconds wait(static_cast<std::int64_t>(std::lround(options_.timeout_seconds * 1000)));
  options.answer_wait = wait;
  options.connect_wait = std::min(wait, options.connect_wait);
  auto client = Client::open(server, options);
  if (!client) fail_unreachable(server, client.error());
  return std::move(*client);
}

const ClientIdentity* Context::identity() {
  if (identity_) return &*identity_;
  if (options_.as.empty()) return nullptr;
  auto who = handle::parse_reference(options_.as);
  if (!who) throw Stop(kUsage, "--as: INDEX:HANDLE is needed, like 300:88.118/ADMIN, not " + options_.as);
  ClientIdentity identity{.who = *who, .key = {}, .secret = {}};
  if (!options_.key.empty()) {
    std::string octets = read_file(options_.key);
    auto key = octets.starts_with("-----BEGIN") ? crypto::PrivateKey::from_pem(octets)
                                                : crypto::read_key_file(octets, "");
    if (!key)
      throw Stop(kUsage, fmt::format("{}: no private key (PEM or Handle key file without passphrase): {}",
                                     options_.key, name(key.error())));
    identity.key = std::move(*key);
  } else if (!options_.secret.empty()) {
    identity.secret = read_file(options_.secret);
    while (!identity.secret.empty() && (identity.secret.back() == '\n' || identity.secret.back() == '\r'))
      identity.secret.pop_back();
  } else {
    throw Stop(kUsage, "--as needs --key FILE or --secret FILE");
  }
  identity_ = std::move(identity);
  return &*identity_;
}

const ClientIdentity& Context::administrator() {
  const ClientIdentity* who = identity();
  if (who == nullptr)
    throw Stop(kUsage, "this command needs --as INDEX:HANDLE with --key FILE (or IDCTL_AS and IDCTL_KEY)");
  return *who;
}

Reply Context::ask(handle::Request request, const ClientIdentity* identity) {
  if (!client_) client_ = connect();
  auto reply = client_->ask(request, identity);
  if (!reply) fail_exchange(server(), reply.error());
  return std::move(*reply);
}

std::vector<Reply> Context::ask_all(handle::Request request, const ClientIdentity* identity) {
  if (!client_) client_ = connect();
  auto replies = client_->ask_all(request, identity);
  if (!replies) fail_exchange(server(), replies.error());
  return std::move(*replies);
}

Reply Context::demand(std::string_view what, handle::Request request, const ClientIdentity* identity) {
  Reply reply = ask(request, identity);
  if (reply.code() != handle::ResponseCode::kSuccess)
    throw Stop(kRefusedByNode, describe_refusal(what, reply));
  return reply;
}

void Context::say(std::string_view text) const {
  if (!options_.quiet && !options_.json) fmt::print("{}\n", text);
}

std::string describe_refusal(std::string_view what, const Reply& reply) {
  std::string_view meaning = handle::text_of(reply.code());
  std::string out = fmt::format("{}: {} {}", what, reply.response.header.response_code,
                                meaning.empty() ? "(unlisted code)" : meaning);
  if (!reply.response.text.empty() && reply.response.text != meaning)
    out += fmt::format(": {}", reply.response.text);
  return out;
}

std::vector<Value> values_from_arguments(const std::vector<std::string>& arguments) {
  std::vector<Value> out;
  for (const std::string& argument : arguments) {
    std::size_t colon = argument.find(':');
    std::size_t equals = argument.find('=', colon == std::string::npos ? 0 : colon);
    Value value;
    try {
      if (colon == std::string::npos || equals == std::string::npos) throw std::invalid_argument("form");
      value.index = static_cast<std::uint32_t>(std::stoul(argument.substr(0, colon)));
    } catch (const std::exception&) {
      throw Stop(kUsage,
                 "--value: INDEX:TYPE=TEXT is needed, like 1:URL=https://example.com/, not " + argument);
    }
    value.type = argument.substr(colon + 1, equals - colon - 1);
    auto data = rest::data_from_text(value.type, std::string_view(argument).substr(equals + 1));
    if (!data) throw Stop(kUsage, "--value " + argument + ": " + data.error());
    value.data = std::move(*data);
    out.push_back(std::move(value));
  }
  return out;
}

std::string read_file(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Stop(kUsage, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace idnode::ctl
