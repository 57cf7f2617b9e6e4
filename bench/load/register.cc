// `idload register`: signed registrations through the running node. Each is a create request, the challenge,
// the answer with a signature over it, and the result; several are under way on each connection.
#include <fmt/core.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <unordered_map>

#include "bench/load/cpu.h"
#include "bench/load/histogram.h"
#include "bench/load/names.h"
#include "bench/load/records.h"
#include "protocol/crypto/key_file.h"
#include "protocol/handle/admin.h"
#include "protocol/handle/proof.h"
#include "resolver/net/client.h"

namespace idnode::load {
namespace {

using handle::OpCode;
using handle::ResponseCode;

ClientIdentity identity_of(const RegisterOptions& options) {
  auto who = handle::parse_reference(options.as);
  if (!who) throw Stop{kUsage, "--as: INDEX:HANDLE is needed, like 300:88.118/ADMIN, not " + options.as};
  std::ifstream in(options.key, std::ios::binary);
  if (!in) throw Stop{kUsage, options.key + ": cannot be read"};
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  auto key = octets.starts_with("-----BEGIN") ? crypto::PrivateKey::from_pem(octets)
                                              : crypto::read_key_file(octets, "");
  if (!key) throw Stop{kUsage, options.key + ": no private key (PEM or Handle key file)"};
  return {.who = *who, .key = std::move(*key), .secret = {}};
}

// One connection, one thread. Takes numbers until there are none left.
class Registrar {
 public:
  // `together`: where all wait before they send a signed answer; null: nobody waits.
  Registrar(Client client, const ClientIdentity& identity, const Names& names,
            std::atomic<std::uint64_t>& next, unsigned depth, std::barrier<>* together)
      : client_(std::move(client)),
        identity_(identity),
        names_(names),
        next_(next),
        depth_(together == nullptr ? depth : 1),
        together_(together) {}

  void run() {
    while (!lost) {
      while (under_way_.size() < depth_ && start()) {
      }
      if (under_way_.empty()) break;
      receive();
    }
    if (together_ != nullptr) together_->arrive_and_drop();
  }

  std::uint64_t registered = 0;
  std::uint64_t refused = 0;
  std::uint32_t last_code = 0;  // of what was refused
  Histogram latency;            // from the request to the result, signing included
  std::optional<Errc> lost;

 private:
  bool start() {
    const std::uint64_t i = next_.fetch_add(1);
    if (i >= names_.count() || lost) return false;
    const std::string name = names_[i];
    const std::string values = values_of(name);
    send(make_request(OpCode::kCreate, name,
                      handle::ValuesBody{{.count = kValuesOfRecord, .encoded = values}}),
         steady_ns());
    return !lost;
  }

  void send(handle::Request request, std::uint64_t since) {
    auto id = client_.send(std::move(request));
    if (id)
      under_way_.emplace(*id, since);
    else
      lost = id.error();
  }

  void receive() {
    auto reply = client_.receive();
    if (!reply) {
      lost = reply.error();
      return;
    }
    const auto found = under_way_.find(reply->response.envelope.request_id);
    if (found == under_way_.end()) return;
    const std::uint64_t since = found->second;
    under_way_.erase(found);
    if (reply->code() == ResponseCode::kAuthenticationNeeded) return answer(*reply, since);
    if (reply->code() == ResponseCode::kSuccess) {
      ++registered;
      latency.add(steady_ns() - since);
    } else {
      ++refused;
      last_code = reply->response.header.response_code;
    }
  }

  void answer(const Reply& challenge, std::uint64_t since) {
    const handle::Response& r = challenge.response;
    const handle::Challenge question{r.nonce, r.request_digest.digest,
                                     handle::challenge_version(r.envelope.version, r.envelope.suggested)};
    auto proof = handle::answer_public_key(question, *identity_.key, identity_.who.handle);
    if (!proof) {
      lost = proof.error();
      return;
    }
    handle::Request request =
        make_request(OpCode::kAnswerChallenge, identity_.who.handle,
                     handle::ChallengeAnswerBody{"HS_PUBKEY", identity_.who.index, *proof});
    request.envelope.session_id = r.envelope.session_id;
    if (together_ != nullptr) together_->arrive_and_wait();
    send(std::move(request), since);
  }

  Client client_;
  const ClientIdentity& identity_;
  const Names& names_;
  std::atomic<std::uint64_t>& next_;
  unsigned depth_;
  std::barrier<>* together_;
  std::unordered_map<std::uint32_t, std::uint64_t> under_way_;  // request id -> since when
};

Client connect(const Endpoint& target) {
  auto client = Client::open(target, {});
  if (!client) throw Stop{kUnreachable, to_text(target) + " cannot be reached: is the node running there?"};
  return std::move(*client);
}

constexpr const char* kText =
    "registered={} refused={} last_code={} registrations_per_s={:.0f} p50_us={:.0f} p99_us={:.0f} "
    "max_us={:.0f} "
    "seconds={:.3f} cpu_s={:.3f} watched_cpu_s={:.4f} foreign_cpu_s={:.3f}\n";
constexpr const char* kJson =
    "{{\"registered\":{},\"refused\":{},\"last_code\":{},\"registrations_per_s\":{:.0f},\"p50_us\":{:.0f},"
    "\"p99_us\":{:.0f},\"max_us\":{:.0f},\"seconds\":{:.3f},\"cpu_s\":{:.3f},\"watched_cpu_s\":{:.4f},"
    "\"foreign_cpu_s\":{:.3f}}}\n";

}  // namespace

int run(const RegisterOptions& options) {
  const ClientIdentity identity = identity_of(options);
  const Names names(options.names);
  std::atomic<std::uint64_t> next = 0;
  std::barrier<> together(options.connections);
  std::vector<std::unique_ptr<Registrar>> registrars;
  for (unsigned i = 0; i < options.connections; ++i)
    registrars.push_back(std::make_unique<Registrar>(connect(options.target), identity, names, next,
                                                     options.depth, options.together ? &together : nullptr));
  const CpuReading before(options.watch);
  const std::uint64_t start = steady_ns();
  {
    std::vector<std::jthread> threads;
    for (auto& registrar : registrars) threads.emplace_back([&registrar] { registrar->run(); });
  }
  const double seconds = static_cast<double>(steady_ns() - start) / 1e9;
  const CpuUse cpu = CpuReading(options.watch).since(before);
  std::uint64_t registered = 0;
  std::uint64_t refused = 0;
  std::uint32_t code = 0;
  Histogram latency;
  std::optional<Errc> lost;
  for (const auto& registrar : registrars) {
    registered += registrar->registered;
    refused += registrar->refused;
    if (registrar->refused > 0) code = registrar->last_code;
    latency.merge(registrar->latency);
    lost = lost ? lost : registrar->lost;
  }
  fmt::print(fmt::runtime(options.json ? kJson : kText), registered, refused, code,
             static_cast<double>(registered) / seconds, static_cast<double>(latency.quantile(0.5)) / 1e3,
             static_cast<double>(latency.quantile(0.99)) / 1e3, static_cast<double>(latency.max()) / 1e3,
             seconds, cpu.own, cpu.watched, cpu.foreign);
  if (lost) fmt::print(stderr, "idload: a connection was lost: {}\n", name(*lost));
  return registered == names.count() && !lost ? kRight : kWrong;
}

}  // namespace idnode::load
