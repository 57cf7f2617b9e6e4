// A secondary node, a national node and an enterprise's node, all real: forwarding, coalescing, pointing, and
// what happens when nobody answers upstream.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "protocol/handle/site.h"
#include "resolver/net/sockets.h"
#include "tests/system/asking.h"
#include "tests/system/node_process.h"

namespace idnode {
namespace {

using handle::OpCode;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr Code kSuccess = 1;
constexpr Code kFailed = 2;

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

// A socket that listens: the kernel takes connections, nobody answers them. Port 0 takes a free one.
struct Listener {
  explicit Listener(const std::string& endpoint) {
    const Endpoint wanted = parse_endpoint(endpoint).value();
    auto made = make_socket(wanted, SOCK_STREAM);
    sockaddr_storage address{};
    const socklen_t size = to_sockaddr(wanted, address);
    if (!made || ::bind(made->get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(made->get(), 64) != 0)
      fail("no listener on " + endpoint);
    socket = std::move(*made);
    at = local_endpoint(socket.get());
  }
  // Whether anybody has connected.
  bool was_called() const {
    const Descriptor caller(::accept(socket.get(), nullptr, nullptr));
    return static_cast<bool>(caller);
  }
  Descriptor socket;
  Endpoint at;
};

std::string nobody_listens() { return to_text(Listener("127.0.0.1:0").at); }  // closed again on return

ConfigTables national_config() { return {{"limits", {{"trusted", toml_list({"127.0.0.0/8"})}}}}; }

ConfigTables secondary_config(const std::string& upstream,
                              const std::map<std::string, std::string>& limits = {}) {
  ConfigTables tables = {{"upstream",
                          {{"servers", toml_list({upstream})},
                           {"clients", toml_list({"127.0.0.0/8"})},
                           {"allow", toml_list({"127.0.0.1"})}}},
                         {"limits", {{"trusted", toml_list({"127.0.0.0/8"})}}}};
  for (const auto& [name, value] : limits) tables["limits"][name] = value;
  return tables;
}

void add_record(NodeProcess& node, const std::string& name, const std::vector<Value>& values) {
  Client client = node.connect();
  need(ask_values(client, node.administrator(), OpCode::kCreate, name, values), kSuccess, name);
}

// The HS_SITE record that a node gives of itself.
std::string site_of(const NodeProcess& node) {
  Client client = node.connect();
  const auto reply = client.ask(make_request(OpCode::kSiteInfo, "/"));
  need(code_of(reply), kSuccess, "site information");
  return std::string(reply->response.site);
}

// The same site somewhere else.
std::string moved(const std::string& site, const Endpoint& to) {
  handle::Site s = handle::decode_site(site).value();
  for (handle::SiteServer& server : s.servers) {
    server.address = handle::parse_address(to_text(to.address)).value();
    for (handle::Interface& i : server.interfaces) i.port = to.port;
  }
  std::string out;
  handle::encode(s, out);
  return out;
}

void stop_cleanly(NodeProcess& node) { EXPECT_EQ(node.stop(), 0) << node.said(); }

// Equal questions at once are one question upstream. The national node stands still until all have asked, so
// that the first answer cannot come before the last question.
TEST(Upstream, ManyClientsOneQuestion) {
  constexpr int kClients = 1'000;
  NodeProcess national({"88"}, national_config());
  national.start();
  add_record(national, "88/FOREIGN", {text_value(1, "URL", "https://example.com/foreign")});
  const auto asked_before = national.metric("idnode_requests_total", {"operation=\"resolve\""});
  NodeProcess node({"88.118"},
                   secondary_config(to_text(national.endpoint()),
                                    {{"upstream_try_ms", "30000"}, {"upstream_deadline_ms", "50000"}}));
  node.start();

  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) clients.push_back(node.connect());
  national.freeze();
  for (Client& c : clients) ASSERT_TRUE(c.send(make_request(OpCode::kResolve, "88/FOREIGN")));
  wait_until([&] { return node.metric("idnode_upstream_waiting") >= kClients; }, milliseconds(20'000),
             "all clients wait for one answer");
  national.thaw();
  int good = 0;
  for (Client& c : clients) {
    const Answer answer = to_answer(c.receive());
    const bool right = answer.code == kSuccess && answer.values.size() == 1 &&
                       answer.values[0].data == "https://example.com/foreign" &&
                       (answer.flags & handle::flag::kAuthoritative) == 0;
    if (right) ++good;
  }
  EXPECT_EQ(good, kClients);
  const auto questions = node.metric("idnode_upstream_messages_total", {"kind=\"question\""});
  const auto prefixes = node.metric("idnode_upstream_messages_total", {"kind=\"prefix\""});
  const auto asked = national.metric("idnode_requests_total", {"operation=\"resolve\""}) - asked_before;
  std::printf("upstream: clients=%d upstream_queries=%.0f prefix_queries=%.0f\n", good, questions, prefixes);
  EXPECT_EQ(questions, 1);
  EXPECT_EQ(prefixes, 1);
  EXPECT_EQ(asked, 2) << "the national node's own count";
  // From now on the answer is kept: nothing more goes upstream, and a name that is not there is kept as well.
  for (Client& c : clients) {
    if (&c - clients.data() >= 50) break;
    EXPECT_EQ(resolve(c, "88/FOREIGN").code, kSuccess);
    EXPECT_EQ(resolve(c, "88/NOBODY").code, 100U);
  }
  EXPECT_EQ(node.metric("idnode_upstream_messages_total", {"kind=\"question\""}), 2);
  stop_cleanly(node);
  stop_cleanly(national);
}

// What a client of local names sees meanwhile.
struct Local {
  std::uint64_t answers = 0;
  std::uint64_t wrong = 0;
  milliseconds slowest{0};
};

Local ask_locally(const NodeProcess& node, const std::atomic<bool>& stop) {
  Local local;
  Client client = node.connect();
  while (!stop.load()) {
    const auto start = Clock::now();
    if (resolve(client, "88.118/LOCAL").code != kSuccess) ++local.wrong;
    ++local.answers;
    local.slowest = std::max(local.slowest, since(start));
    pause(milliseconds(1));
  }
  return local;
}

TEST(Upstream, SilentUpstreamEndsAtTheDeadline) {
  constexpr int kForeign = 64;
  const Listener silent("127.0.0.1:0");
  NodeProcess node({"88.118"}, secondary_config(to_text(silent.at)));
  node.start();
  add_record(node, "88.118/LOCAL", {text_value(1, "URL", "https://example.com/local")});
  std::atomic<bool> stop{false};
  Local local;
  std::thread asker([&] { local = ask_locally(node, stop); });
  std::vector<Client> clients;
  for (int i = 0; i < kForeign; ++i) clients.push_back(node.connect());
  const auto start = Clock::now();
  for (int i = 0; i < kForeign; ++i) {
    const std::string name = "99.7/X" + std::to_string(i);
    ASSERT_TRUE(clients[static_cast<std::size_t>(i)].send(make_request(OpCode::kResolve, name)));
  }
  int failed = 0;
  for (Client& c : clients)
    if (code_of(c.receive()) == kFailed) ++failed;
  const milliseconds took = since(start);
  stop = true;
  asker.join();
  std::printf(
      "upstream: silent code 2 for %d of %d clients after %lld ms (deadline 5000 ms); meanwhile %llu local "
      "answers, wrong=%llu, slowest %lld ms\n",
      failed, kForeign, static_cast<long long>(took.count()), static_cast<unsigned long long>(local.answers),
      static_cast<unsigned long long>(local.wrong), static_cast<long long>(local.slowest.count()));
  EXPECT_TRUE(silent.was_called());
  EXPECT_EQ(failed, kForeign);
  EXPECT_LE(took.count(), 6'000);
  EXPECT_GT(local.answers, 100U);
  EXPECT_EQ(local.wrong, 0U);
  EXPECT_LT(local.slowest.count(), 500);
  stop_cleanly(node);
}

// An enterprise that answers for itself is asked directly: the national node is not needed.
TEST(Upstream, DeadUpstreamPointerStillFollowed) {
  NodeProcess enterprise({"88.118.7"}, national_config());
  enterprise.start();
  add_record(enterprise, "88.118.7/X", {text_value(1, "URL", "https://example.com/enterprise")});
  NodeProcess node({"88.118"}, secondary_config(nobody_listens()));
  node.start();
  add_record(node, "0.NA/88.118.7", {text_value(1, "HS_SITE", site_of(enterprise))});
  Client client = node.connect();
  EXPECT_EQ(resolve(client, "88/FOREIGN").code, kFailed);
  const Answer answer = resolve(client, "88.118.7/X");
  ASSERT_EQ(answer.code, kSuccess);
  EXPECT_EQ(answer.values.at(0).data, "https://example.com/enterprise");
  EXPECT_EQ(answer.flags & handle::flag::kAuthoritative, 0U);
  EXPECT_EQ(resolve(client, "88.118.7/ABSENT").code, 100U);
  // Who does not ask for recursion is pointed there: 302 with the site, and it is the enterprise's.
  const auto pointed =
      client.ask(make_request(OpCode::kResolve, "88.118.7/X", {}, handle::flag::kPublicOnly));
  ASSERT_EQ(code_of(pointed), 302U);
  const std::vector<Value> sites = to_values(pointed->response.values);
  ASSERT_EQ(sites.size(), 1U);
  EXPECT_EQ(sites[0].data, site_of(enterprise));
  stop_cleanly(node);
  stop_cleanly(enterprise);
}

// Neither a record of ours nor an answer from upstream leads to an address that is not allowed, or to
// ourselves.
TEST(Upstream, DisallowedAddressesAreNotContacted) {
  const Listener forbidden("127.0.0.9:0");
  ConfigTables config = national_config();
  config["upstream"]["clients"] = toml_list({"127.0.0.99"});  // refers, does not go there itself
  NodeProcess national({"88"}, config);
  national.start();
  NodeProcess node({"88.118"}, secondary_config(to_text(national.endpoint())));
  node.start();
  const std::string site = site_of(national);
  add_record(node, "0.NA/88.118.8", {text_value(1, "HS_SITE", moved(site, forbidden.at))});
  add_record(node, "0.NA/88.118.9", {text_value(1, "HS_SITE", site_of(node))});
  add_record(national, "0.NA/88.200", {text_value(1, "HS_SITE", moved(site, forbidden.at))});
  add_record(national, "0.NA/88.201", {text_value(1, "HS_SITE.PREFIX", moved(site, forbidden.at))});
  add_record(national, "0.NA/88.202", {text_value(1, "HS_SITE", moved(site, node.endpoint()))});
  Client client = node.connect();
  double refused = 0;
  for (const char* name : {"88.118.8/X", "88.200/X", "88.201.5/X", "88.202/X"}) {
    const auto start = Clock::now();
    EXPECT_EQ(resolve(client, name).code, kFailed) << name;
    EXPECT_LT(since(start).count(), 3'000) << name << ": refused at once, not after a try";
    const double now = node.metric("idnode_upstream_refused_addresses_total");
    EXPECT_GT(now, refused) << name;
    refused = now;
  }
  EXPECT_FALSE(forbidden.was_called());
  // A prefix that names us and is not hosted is nobody's.
  EXPECT_EQ(resolve(client, "88.118.9/X").code, 301U);
  std::printf("upstream: disallowed addresses refused=%.0f contacted=0\n", refused);
  stop_cleanly(node);
  stop_cleanly(national);
}

}  // namespace
}  // namespace idnode
