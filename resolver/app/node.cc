#include "resolver/app/node.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstring>

#include "protocol/crypto/random.h"
#include "protocol/identifier.h"
#include "resolver/app/key_store.h"
#include "resolver/app/log.h"
#include "resolver/app/own_records.h"
#include "resolver/net/clock.h"

namespace idnode {
namespace {

std::string endpoints_json(const std::vector<Endpoint>& endpoints) {
  std::string out = "[";
  for (const Endpoint& endpoint : endpoints)
    out += (out.size() > 1 ? ",\"" : "\"") + to_text(endpoint) + "\"";
  return out + "]";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

void warn_about_http(const Config& config) {
  for (const char* name : {"http", "https"}) {
    const auto& list =
        std::string_view(name) == "http" ? config.settings.listen.http : config.settings.listen.https;
    if (list.empty()) continue;
    log_event(LogLevel::kWarning, origin_text(config, "listen", name) +
                                      ": HTTP is not in this version; the address is not opened");
  }
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log_event(LogLevel::kWarning, "the limit of open files cannot be raised");
}

Node::Node(Config config)
    : config_(std::move(config)),
      settings_(std::make_shared<const Settings>(config_.settings)),
      started_ms_(clock_now().ms) {}

Opened<std::unique_ptr<Node>> Node::start(Config config) {
  std::unique_ptr<Node> node(new Node(std::move(config)));
  warn_about_http(node->config_);
  for (const auto step : {&Node::open_store, &Node::open_resident, &Node::open_listeners, &Node::publish_site,
                          &Node::open_services, &Node::open_admin}) {
    if (const auto done = (node.get()->*step)(); !done) return std::unexpected(done.error());
  }
  node->service_->start();
  if (const auto written = node->write_listeners(); !written) return std::unexpected(written.error());
  node->serving_.store(true, std::memory_order_release);
  return node;
}

Node::~Node() { stop(); }

Opened<void> Node::open_store() {
  auto folder = DataFolder::open(settings_->node.data, settings_->node.case_sensitive);
  if (!folder) return std::unexpected(folder.error());
  folder_.emplace(std::move(*folder));
  auto key = read_node_key(node_key_path(folder_->path()));
  if (!key) return std::unexpected(key.error());
  key_ = std::make_shared<const crypto::PrivateKey>(std::move(*key));
  auto store = RocksStore::open(folder_->store(), {.memory_bytes = settings_->storage.memory_bytes() -
                                                                   settings_->storage.resident_bytes(),
                                                   .journal_path = folder_->store_journal()});
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  auto opened = open_committed(*folder_, *store_);
  if (!opened) return std::unexpected(opened.error());
  log_ = std::move(opened->log);
  for (const std::string& note : opened->notes) log_event(LogLevel::kWarning, note);
  if (opened->mutations != 0) {
    log_event(LogLevel::kInfo, "replayed the log", {{"mutations", std::to_string(opened->mutations)}});
  }
  count_ = std::make_unique<IdentifierCount>(*store_);
  return {};
}

Opened<void> Node::open_resident() {
  const std::size_t bytes = settings_->storage.resident_bytes();
  if (bytes == 0) return {};
  const auto random = crypto::random_octets(sizeof(HashKey));
  if (!random) return open_error(random.error(), "the system has no random octets");
  HashKey key;
  std::memcpy(key.data(), random->data(), sizeof key);
  resident_ = std::make_unique<Resident>(bytes, key);
  return {};
}

Opened<void> Node::open_listeners() {
  auto opened = idnode::open_listeners(settings_->listen.handle, HandleService::workers_of(*settings_));
  if (!opened) return open_error(Errc::kIo, origin_text(config_, "listen", "handle") + ": " + opened.error());
  listeners_ = std::move(*opened);
  for (const Listener& listener : listeners_) handle_endpoints_.push_back(listener.endpoint);
  return {};
}

CommitLimits Node::commit_limits() const {
  CommitLimits limits;
  limits.queue_bytes = settings_->limits.queue_bytes;
  limits.queue_mutations = settings_->limits.queue_mutations;
  limits.free_space_bytes = settings_->limits.free_space_mb << 20;
  const Field* field = find_field("limits", "free_space_mb");
  const bool chosen = config_.lines[static_cast<std::size_t>(field - fields().data())] != 0;
  struct statvfs disk{};
  if (!chosen && statvfs(folder_->path().c_str(), &disk) == 0) {
    limits.free_space_bytes =
        std::min<std::uint64_t>(limits.free_space_bytes, std::uint64_t{disk.f_blocks} * disk.f_frsize / 20);
  }
  return limits;
}

namespace {

// The prefix whose record or home a write is about: "88.118.5"; empty for others. Keys: storage/keys.h.
std::string_view prefix_of(std::string_view key) {
  constexpr std::string_view kPrefixHandle = "0.NA/";
  if (key.empty()) return {};
  const std::string_view name = key.substr(1);
  return name.starts_with(kPrefixHandle) && !is_marker(name) ? name.substr(kPrefixHandle.size())
                                                             : std::string_view{};
}

}  // namespace

void Node::committed(std::span<const Committed> group) {
  routes_.publish(group, identity_->site);
  count_->committed(group);
  if (!upstream_) return;
  // What others said about a prefix is over when its record or its home changes (BEHAVIOUR.md §17.3).
  for (const Committed& each : group) {
    for (const WriteView& write : each.writes) {
      if (const std::string_view prefix = prefix_of(write.key); !prefix.empty())
        upstream_->drop_prefix(std::string(prefix));
    }
  }
}

Opened<void> Node::publish_site() {
  const auto failed = [&](std::string_view what, Errc code) {
    return open_error(code, folder_->path() + ": " + std::string(what) + " (" + std::string(name(code)) +
                                "); check the disk, then restore the folder from a backup");
  };
  const auto published = published_site(*store_, *settings_);
  if (!published) return failed("the node's own records cannot be read", published.error());
  const auto before = handle::decode_site(*published);
  const std::uint16_t port = site_port(*settings_, handle_endpoints_.front().port);
  handle::Site site = make_site(*settings_, port, key_->public_key(), 1);
  const bool moved = before && !same_site(*before, site);
  if (before) site.serial = moved ? next_serial(before->serial) : before->serial;

  auto identity = std::make_shared<NodeIdentity>();
  identity->site = site;
  handle::encode(site, identity->site_octets);
  identity->key = key_;
  identity_ = identity;

  auto routes = Routes::load(*store_, site);
  if (!routes) return failed("the prefix records cannot be read", routes.error());
  routes_.replace(std::move(*routes));
  committer_ = std::make_unique<Committer>(
      *store_, *log_, commit_limits(), [this](std::span<const Committed> group) { committed(group); },
      resident_.get());
  if (resident_) loader_ = std::make_unique<ResidentLoader>(*store_, *resident_);

  const std::uint32_t now = clock_now().seconds();
  auto changes = missing_prefixes(*store_, *settings_, identity->site_octets, now);
  if (changes && moved) {
    auto rewritten = moved_site(*store_, *settings_, *published, identity->site_octets, now);
    if (!rewritten) return failed("the prefix records cannot be read", rewritten.error());
    std::ranges::move(*rewritten, std::back_inserter(*changes));
    log_event(LogLevel::kInfo, "the published site record has changed",
              {{"serial", std::to_string(site.serial)}});
  }
  if (!changes) return failed("the prefix records cannot be read", changes.error());
  const auto written = commit_all(*committer_, std::move(*changes));
  // A full disk must not keep a node from answering what it knows.
  if (!written && written.error() != Errc::kNoSpace)
    return failed("the node's own records cannot be written", written.error());
  if (!written) log_event(LogLevel::kWarning, "the disk is full: the node's own records are not up to date");
  return {};
}

Opened<void> Node::open_services() {
  const unsigned workers = HandleService::workers_of(*settings_);
  if (!settings_->log.access.empty()) {
    auto log =
        AccessLog::open({.path = settings_->log.access, .format = settings_->log.format, .lanes = workers});
    if (!log) {
      return open_error(Errc::kIo,
                        origin_text(config_, "log", "access") + ": " + settings_->log.access +
                            " cannot be opened for appending; check its permissions, or set access = \"\"");
    }
    access_log_ = std::move(*log);
  }
  challenges_ = std::make_unique<Challenges>(settings_->limits);
  sessions_ = std::make_unique<Sessions>(settings_->limits);
  upstream_ = std::make_unique<Upstream>(settings_, handle_endpoints_);
  metrics_ = std::make_unique<Metrics>([this] { return numbers(); });

  Services services;
  services.store = store_.get();
  services.resident = resident_.get();
  services.routes = &routes_;
  services.challenges = challenges_.get();
  services.sessions = sessions_.get();
  services.settings = settings_;
  services.identity = identity_;
  services.status_json = [this] { return metrics_->json(); };
  services.status_numbers = [this] { return status_numbers(); };
  services.started_ms = started_ms_;
  AccessSink sink;
  if (access_log_) {
    sink = [log = access_log_.get()](unsigned worker, const Source& source, const ExchangeRecord& record,
                                     const Timing& timing) {
      log->write(worker, access_entry(source, record, timing));
    };
  }
  service_ = std::make_unique<HandleService>(std::move(listeners_), workers, services, *committer_,
                                             upstream_.get(), std::move(sink));
  upstream_->start();
  return {};
}

Opened<void> Node::open_admin() {
  std::vector<Admin::Route> routes = {
      {"/livez",
       [this](const AdminRequest&) {
         return alive() ? AdminAnswer{200, "text/plain", "ok\n"} : AdminAnswer{503, "text/plain", "stuck\n"};
       }},
      {"/readyz", [this](const AdminRequest& request) { return ready(request); }},
      {"/metrics", [this](const AdminRequest&) {
         return AdminAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_->text()};
       }}};
  auto admin = Admin::open(settings_->listen.admin, std::move(routes));
  if (!admin) return open_error(Errc::kIo, origin_text(config_, "listen", "admin") + ": " + admin.error());
  admin_ = std::move(*admin);
  // Referrals must not lead to our own listeners, this one included; the Handle listeners stay in front.
  std::vector<Endpoint> own = handle_endpoints_;
  own.insert(own.end(), admin_->listening().begin(), admin_->listening().end());
  upstream_->set_own_listeners(std::move(own));
  return {};
}

Opened<void> Node::write_listeners() const {
  const std::string text = fmt::format("{{\"handle\":{},\"admin\":{}}}\n", endpoints_json(handle_endpoints_),
                                       endpoints_json(admin_->listening()));
  return replace_file(folder_->path() + "/listeners.json", text, 0644);
}

std::string Node::listening_text() const {
  std::string out;
  for (const Endpoint& endpoint : handle_endpoints_)
    out += (out.empty() ? "handle=" : " handle=") + to_text(endpoint);
  for (const Endpoint& endpoint : admin_->listening()) out += " admin=" + to_text(endpoint);
  return out;
}

bool Node::reload() {
  const auto refuse = [this](const std::string& why) {
    log_event(LogLevel::kError, "reload refused: " + why);
    reloads_refused_.fetch_add(1, std::memory_order_relaxed);
    last_reload_good_.store(false, std::memory_order_relaxed);
    return false;
  };
  Config next = load_config(config_.file);
  if (!next.ok()) return refuse(error_text(next, next.errors.front()));
  const ConfigChange change = compare(config_.settings, next.settings);
  if (!change.restart.empty()) {
    return refuse("needs a restart: " + joined(change.restart) + "; put the old value back, or restart");
  }
  config_ = std::move(next);
  settings_ = std::make_shared<const Settings>(config_.settings);
  configure_log(settings_->log);
  service_->reload(settings_, identity_);
  upstream_->reload(settings_);
  reloads_good_.fetch_add(1, std::memory_order_relaxed);
  last_reload_good_.store(true, std::memory_order_relaxed);
  log_event(LogLevel::kInfo, "reloaded",
            {{"changed", change.live.empty() ? "nothing" : joined(change.live)}});
  return true;
}

void Node::reopen_logs() {
  if (access_log_) access_log_->reopen();
}

bool Node::stop() {
  serving_.store(false, std::memory_order_release);
  // Answers that wait for a commit or for others need these threads until the service is quiet.
  const bool quiet = service_ == nullptr || service_->stop(kDrain);
  if (upstream_) upstream_->stop();
  admin_.reset();
  service_.reset();
  loader_.reset();
  committer_.reset();
  if (log_ && store_ && !close_committed(*log_, *store_))
    log_event(LogLevel::kWarning, "the store could not be flushed: the next start replays the log");
  log_.reset();
  upstream_.reset();
  access_log_.reset();
  count_.reset();
  resident_.reset();
  store_.reset();
  return quiet;
}

}  // namespace idnode
