// instruction_driver KIND COUNT [TIMES]: does COUNT operations the way a node does them and says nothing.
// Made to be run under callgrind: what one operation costs is the difference of two runs.
//
//   udp     one resolution, 16 datagrams a batch: UdpSocket, exchange, RocksDB, access line, answer
//   tcp     one resolution, 16 requests a write on one connection
//   create  one registration with challenge and secret key: exchange, committer, log, RocksDB
//
// TIMES: every operation is done so often but counted once; the negative control of instructions_test.py.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/handle/proof.h"
#include "resolver/app/access_log.h"
#include "resolver/net/clock.h"
#include "resolver/net/lane.h"
#include "resolver/net/listeners.h"
#include "resolver/net/tcp.h"
#include "resolver/net/udp.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"
#include "storage/rocks_store.h"
#include "tests/resolver/logic/node.h"

namespace idnode {
namespace {

using logic_test::admin_value;
using logic_test::value;

constexpr std::size_t kDepth = 16;
constexpr std::uint64_t kRecords = 1'000;
const Reference kAdmin{"88.101.5/ADM", 301};
constexpr std::string_view kSecret = "password";

[[noreturn]] void fail(std::string_view what) {
  std::fprintf(stderr, "instruction_driver: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

template <class T>
T must(T result, std::string_view what) {
  if (!result) fail(what);
  return result;
}

std::string name_of(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  return "88.101.5/870101.X200." + std::string(10 - digits.size(), '0') + digits;
}

std::vector<Value> values_of_product() {
  std::vector<Value> values = {value(1, "URL", "https://example.com/products/870101"),
                               value(2, "DESC", std::string(60, 'd')), value(3, "BATCH", "2024-05-17/0042"),
                               value(4, "MAKER", "88.101.5/MAKER"), value(5, "EMAIL", "quality@example.com")};
  return values;
}

// A node whose threads are this one and the committer's.
class World {
 public:
  explicit World(const std::string& folder) : settings_(std::make_shared<Settings>()) {
    settings_->trusted = {*must(parse_network("127.0.0.0/8"), "no network")};
    RocksSettings rocks;
    rocks.flush_at_close = false;  // costs nothing that a count of operations should hold
    store_ = std::move(*must(RocksStore::open(folder + "/store", rocks), "no store"));
    log_ = std::move(must(open_committed(folder + "/log", *store_), "no log")->log);
    routes_.replace(std::make_shared<RouteTable>());
    challenges_ = std::make_unique<Challenges>(settings_->limits);
    identity_ = std::make_shared<NodeIdentity>();
    committer_ = std::make_unique<Committer>(
        *store_, *log_, CommitLimits{},
        [this](std::span<const Committed> group) { routes_.publish(group, identity_->site); }, &resident_);
    fill();
    services_ = std::make_shared<Services>();
    services_->store = store_.get();
    services_->resident = &resident_;
    services_->routes = &routes_;
    services_->challenges = challenges_.get();
    services_->settings = settings_;
    services_->identity = identity_;
  }

  std::shared_ptr<const Services> services() const { return services_; }

  CommitResult commit(Mutation mutation) {
    CommitResult result;
    std::latch answered(1);
    committer_->submit(std::move(mutation), [&](const CommitResult& each) {
      result = each;
      answered.count_down();
    });
    answered.wait();
    return result;
  }

 private:
  void write(std::string key, std::string image) {
    Mutation mutation;
    mutation.id = std::string(16, 'w');
    mutation.action = "create";
    mutation.writes.push_back({std::move(key), std::move(image)});
    filling_.add(mutation, [](const CommitResult& result) {
      if (result.status != CommitStatus::kCommitted) fail("not committed");
    });
  }

  void put(std::string_view name, const std::vector<Value>& values) {
    std::string encoded;
    encode_all(values, encoded);
    write(record_key(name, false), make_record(name, 0, static_cast<std::uint32_t>(values.size()), encoded));
  }

  void fill() {
    write(homed_key("0.NA/88.101.5"), make_record("0.NA/88.101.5", 0, 0, {}));
    put("0.NA/88.101.5", {admin_value(100, kAdmin, handle::kAllPermissions)});
    put(kAdmin.handle, {value(kAdmin.index, "HS_SECKEY", std::string(kSecret), "1100")});
    for (std::uint64_t n = 0; n < kRecords; ++n) put(name_of(n), values_of_product());
    committer_->submit(std::exchange(filling_, {}));
    committer_->drain();
    if (!store_->flush()) fail("not flushed");  // as most records are: in a table, not in the memtable
    std::string image;                          // and in the cache
    for (std::uint64_t n = 0; n < kRecords; ++n)
      if (!store_->get(record_key(name_of(n), false), image, Depth::kDisk)) fail("not read");
  }

  CommitBatch filling_;
  std::shared_ptr<Settings> settings_;
  std::shared_ptr<NodeIdentity> identity_;
  std::unique_ptr<RocksStore> store_;
  Resident resident_{std::size_t{64} << 20, HashKey{1, 2}};
  std::unique_ptr<Log> log_;
  Routes routes_;
  std::unique_ptr<Challenges> challenges_;
  std::unique_ptr<Committer> committer_;
  std::shared_ptr<Services> services_;
};

// One worker's lane, turned by this thread, with an access log that is taken away now and then.
class Desk {
 public:
  explicit Desk(const World& world) : lane_(0, 1, world.services(), sink_, reassembly_) {
    auto listeners = open_listeners({*must(parse_endpoint("127.0.0.1:0"), "no endpoint")}, 1);
    if (!listeners) fail(listeners.error());
    listener_ = std::move(listeners->front());
  }

  Lane& lane() { return lane_; }
  Listener& listener() { return listener_; }
  void turn() {
    lane_.worker.context().run_one();
    lines_.clear();
    access_.drain(lines_);
  }

 private:
  AccessLane access_{std::size_t{1} << 20, LogSettings::Format::kJson};
  std::string lines_;
  AccessSink sink_ = [this](unsigned, const Source& source, const ExchangeRecord& record,
                            const Timing& timing) { access_.write(access_entry(source, record, timing)); };
  Reassembly reassembly_;
  Lane lane_;
  Listener listener_;
};

Descriptor client_of(const Endpoint& node, int type) {
  Descriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_storage address{};
  const socklen_t size = to_sockaddr(node, address);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) fail("no connection");
  return socket;
}

// The requests of one turn: other names each time, other ids each.
std::string request(std::uint64_t n) {
  return logic_test::resolve_frame(
      name_of(n * 7 % kRecords), {}, handle::flag::kClientDefault,
      [n](handle::Request& each) { each.envelope.request_id = static_cast<std::uint32_t>(n + 1); });
}

void udp(std::uint64_t count, std::uint64_t times, World& world) {
  Desk desk(world);
  UdpSocket socket(desk.lane(), std::move(desk.listener().udp.front()), false);
  socket.start();
  const Descriptor client = client_of(desk.listener().endpoint, SOCK_DGRAM);
  char answer[512];
  for (std::uint64_t n = 0; n < count; n += kDepth) {
    for (std::uint64_t time = 0; time < times; ++time) {
      for (std::uint64_t i = 0; i < kDepth; ++i) {
        const std::string datagram = request(n + i);
        if (::send(client.get(), datagram.data(), datagram.size(), 0) < 0) fail("not sent");
      }
      for (std::size_t got = 0; got < kDepth;) {
        desk.turn();
        while (::recv(client.get(), answer, sizeof answer, MSG_DONTWAIT) > 100) ++got;
      }
    }
  }
}

void tcp(std::uint64_t count, std::uint64_t times, World& world) {
  Desk desk(world);
  Connections connections(desk.lane());
  const Descriptor client = client_of(desk.listener().endpoint, SOCK_STREAM);
  Descriptor taken(::accept4(desk.listener().tcp.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  connections.announce();
  connections.adopt(std::move(taken), *parse_endpoint("127.0.0.1:9"), {});
  char answers[16'384];
  std::size_t expected = 0;
  for (std::uint64_t n = 0; n < count; n += kDepth) {
    for (std::uint64_t time = 0; time < times; ++time) {
      std::string frames;
      for (std::uint64_t i = 0; i < kDepth; ++i) frames += request(n + i);
      if (::send(client.get(), frames.data(), frames.size(), 0) < 0) fail("not sent");
      for (std::size_t got = 0; got < expected || got == 0;) {
        desk.turn();
        const ssize_t size = ::recv(client.get(), answers, sizeof answers, MSG_DONTWAIT);
        if (size > 0) got += static_cast<std::size_t>(size);
        if (expected == 0 && size > 0) {
          // All answers are of one size: a first turn that brought them all says how long they are.
          const std::size_t one = handle::kEnvelopeSize + handle::decode_envelope({answers, got})->length;
          if (one < 200) fail("no answer with values");
          expected = one * kDepth;
        }
      }
    }
  }
  ::shutdown(client.get(), SHUT_RDWR);
  while (!connections.empty()) desk.turn();
}

// With one HMAC and not, as clients do, ten thousand of them: they would hide everything else.
std::string answer_to(const handle::Response& challenge) {
  constexpr std::uint8_t kHmacSha256 = 0x13;
  const std::string covered = std::string(challenge.nonce).append(challenge.request_digest.digest);
  const std::string proof =
      static_cast<char>(kHmacSha256) + *must(handle::proof_mac(kHmacSha256, kSecret, covered), "no proof");
  handle::ChallengeAnswerBody body;
  body.type = "HS_SECKEY";
  body.index = kAdmin.index;
  body.proof = proof;
  return logic_test::frame_of(
      handle::OpCode::kAnswerChallenge, kAdmin.handle, body, handle::flag::kClientDefault,
      [&](handle::Request& each) { each.envelope.session_id = challenge.envelope.session_id; });
}

void create(std::uint64_t count, std::uint64_t times, World& world) {
  Exchange exchange(*world.services());
  Source source;
  source.transport = Transport::kTcp;
  source.peer = *parse_endpoint("127.0.0.1:40000");
  source.trusted = source.takes_administration = true;
  source.connection = 1;
  const auto ask = [&](const std::string& frame) {
    Step step = exchange.start(*handle::decode_envelope(frame),
                               std::string_view(frame).substr(handle::kEnvelopeSize), source, clock_now());
    if (step != Step::kDone) exchange.keep();
    while (step != Step::kDone) {
      if (step == Step::kCommit) {
        step = exchange.committed(world.commit(exchange.take_mutation()), clock_now());
      } else {
        exchange.work();
        step = exchange.resume(clock_now());
      }
    }
  };
  std::string values;
  const std::vector<Value> product = values_of_product();
  encode_all(product, values);
  const handle::ValuesBody body{{static_cast<std::uint32_t>(product.size()), values}};
  for (std::uint64_t n = 0; n < count * times; ++n) {
    ask(logic_test::frame_of(handle::OpCode::kCreate, name_of(kRecords + n), body));
    logic_test::Reply challenge{std::make_shared<const std::string>(exchange.frame()), {}};
    challenge.response =
        *must(handle::decode_response(*handle::decode_envelope(*challenge.frame),
                                      std::string_view(*challenge.frame).substr(handle::kEnvelopeSize)),
              "no challenge");
    ask(answer_to(challenge.response));
    if (exchange.record().code != 1) fail("not created");
  }
}

int run(std::string_view kind, std::uint64_t count, std::uint64_t times) {
  char name[] = "/tmp/idnode-instructions-XXXXXX";
  if (::mkdtemp(name) == nullptr) fail("no folder");
  {
    World world(name);
    if (kind == "udp") udp(count, times, world);
    if (kind == "tcp") tcp(count, times, world);
    if (kind == "create") create(count, times, world);
  }
  std::filesystem::remove_all(name);
  return 0;
}

}  // namespace
}  // namespace idnode

int main(int count, char** arguments) {
  if (count < 3) return 2;
  return idnode::run(arguments[1], std::strtoull(arguments[2], nullptr, 10),
                     count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1);
}
