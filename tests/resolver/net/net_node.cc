#include "tests/resolver/net/net_node.h"

#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "protocol/handle/site.h"
#include "storage/keys.h"
#include "storage/log/replay.h"
#include "storage/record.h"

namespace idnode::test {
namespace {

std::filesystem::path own_folder() {
  static std::atomic<int> next{0};
  auto folder = std::filesystem::temp_directory_path() /
                ("idnode-net-" + std::to_string(::getpid()) + "-" + std::to_string(next.fetch_add(1)));
  std::filesystem::create_directories(folder);
  return folder;
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(name(result.error())));
  return std::move(*result);
}

}  // namespace

NetNode::NetNode(const std::function<void(Settings&)>& edit, AccessSink sink)
    : folder_(own_folder()),
      settings_(std::make_shared<Settings>()),
      identity_(std::make_shared<NodeIdentity>()) {
  settings_->node.workers = kWorkers;
  settings_->listen.handle = {must(parse_endpoint("127.0.0.1:0"))};
  if (edit) edit(*settings_);
  auto opened = open_committed((folder_ / "log").string(), store_);
  if (!opened) throw std::runtime_error("no log");
  log_ = std::move(opened->log);
  routes_.replace(std::make_shared<RouteTable>());
  challenges_ = std::make_unique<Challenges>(settings_->limits);
  sessions_ = std::make_unique<Sessions>(settings_->limits);
  committer_ = std::make_unique<Committer>(
      store_, *log_, CommitLimits{},
      [this](std::span<const Committed> group) { routes_.publish(group, identity_->site); });
  auto listeners = open_listeners(settings_->listen.handle, settings_->node.workers);
  if (!listeners) throw std::runtime_error(listeners.error());
  handle::encode(identity_->site, identity_->site_octets);
  Services services;
  services.store = &store_;
  services.routes = &routes_;
  services.challenges = challenges_.get();
  services.sessions = sessions_.get();
  services.settings = settings_;
  services.identity = identity_;
  service_ = std::make_unique<HandleService>(std::move(*listeners), settings_->node.workers, services,
                                             *committer_, nullptr, std::move(sink));
  service_->start();
}

NetNode::~NetNode() {
  service_.reset();
  committer_.reset();
  log_.reset();
  std::filesystem::remove_all(folder_);
}

Client NetNode::client(const ClientOptions& options) const { return must(Client::open(endpoint(), options)); }

Client NetNode::udp(std::vector<std::chrono::milliseconds> waits) const {
  ClientOptions options;
  options.udp = true;
  options.udp_waits = std::move(waits);
  return client(options);
}

bool NetNode::totals_become(const std::function<bool(const ProbeTotals&)>& right,
                            std::chrono::milliseconds wait) const {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    if (right(totals())) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void NetNode::put(std::string_view name, const std::vector<Value>& values) {
  std::string encoded;
  encode_all(values, encoded);
  Mutation mutation;
  mutation.id = std::string(16, 'p');
  mutation.action = "create";
  mutation.writes.push_back(
      {record_key(name, false), make_record(name, 0, static_cast<std::uint32_t>(values.size()), encoded)});
  committer_->submit(std::move(mutation), [](const CommitResult&) {});
  committer_->drain();
}

void NetNode::home(std::string_view prefix_handle) {
  Mutation mutation;
  mutation.id = std::string(16, 'h');
  mutation.action = "home";
  mutation.writes.push_back({homed_key(prefix_handle), make_record(prefix_handle, 0, 0, {})});
  committer_->submit(std::move(mutation), [](const CommitResult&) {});
  committer_->drain();
}

handle::Request resolve(std::string_view name) { return make_request(handle::OpCode::kResolve, name); }

}  // namespace idnode::test
