// Upstream refuses, resets, is not there, drips, sends us in circles or to very many places: each question
// ends in time with few messages, and what is broken is left alone (BEHAVIOUR.md §17.2).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <thread>

#include "protocol/identifier.h"
#include "resolver/net/breaker.h"
#include "resolver/net/sockets.h"
#include "tests/resolver/net/own_network.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;
using Outcome = ForwardAnswer::Outcome;

constexpr std::uint64_t kMostMessages = 8;

// When a question has ended for certain, on a machine that does much else; what does not end would take
// longer.
constexpr std::uint64_t kLateMs = kDeadlineMs + 8'000;

class Trouble : public Forwarding {
 protected:
  Trouble() {
    settings.upstream.mode = UpstreamSettings::Mode::kForward;
    settings.limits.upstream_failures = 1'000;
  }
  void use(const Endpoint& server) {
    settings.upstream.servers = {server};
    upstream.reset();
    start();
  }
};

// Takes connections and drops each with a reset at once.
class Resetter {
 public:
  Resetter() {
    const Endpoint wanted{*parse_ip("127.0.0.1"), 0};
    sockaddr_storage at{};
    const socklen_t size = to_sockaddr(wanted, at);
    socket_ = std::move(*make_socket(wanted, SOCK_STREAM));
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(socket_.get(), 64) != 0)
      throw std::runtime_error("no listener");
    thread_ = std::thread([this] {
      while (!stop_.load()) {
        const Descriptor caller(::accept(socket_.get(), nullptr, nullptr));
        if (!caller) {
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          continue;
        }
        const linger at_once{1, 0};
        ::setsockopt(caller.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      }
    });
  }
  ~Resetter() {
    stop_.store(true);
    thread_.join();
  }
  Resetter(const Resetter&) = delete;
  Resetter& operator=(const Resetter&) = delete;
  Endpoint endpoint() const { return local_endpoint(socket_.get()); }

 private:
  Descriptor socket_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Whose queue of connections is full: the kernel answers no more first segments.
class Blackhole {
 public:
  Blackhole() {
    const Endpoint wanted{*parse_ip("127.0.0.1"), 0};
    sockaddr_storage at{};
    socklen_t size = to_sockaddr(wanted, at);
    socket_ = std::move(*make_socket(wanted, SOCK_STREAM));
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(socket_.get(), 0) != 0)
      throw std::runtime_error("no listener");
    size = to_sockaddr(endpoint(), at);
    for (Descriptor& each : fill_) {
      each = std::move(*make_socket(wanted, SOCK_STREAM));
      static_cast<void>(::connect(each.get(), reinterpret_cast<sockaddr*>(&at), size));
    }
  }
  Endpoint endpoint() const { return local_endpoint(socket_.get()); }

 private:
  Descriptor socket_;
  std::array<Descriptor, 4> fill_;
};

// U1: however a server is not there, a question ends in time; after five failures the server is left alone.
TEST_F(Trouble, ServersThatAreNotThere) {
  settings.limits.upstream_failures = 5;
  ScriptedPeer deaf(silent(), /*listen_tcp=*/false);
  const Resetter resetter;
  const Blackhole blackhole;
  ScriptedPeer hangs_up([](const Seen&) { return std::vector<Piece>{{.octets = {}, .reset = true}}; });
  ScriptedPeer mute(silent());
  struct Row {
    const char* what;
    Endpoint server;
    Outcome first;
  };
  const Row rows[] = {{"refused", deaf.endpoint(), Outcome::kFailed},
                      {"reset_at_once", resetter.endpoint(), Outcome::kFailed},
                      {"reset_after_the_question", hangs_up.endpoint(), Outcome::kFailed},
                      {"blackhole", blackhole.endpoint(), Outcome::kTimeout},
                      {"silent", mute.endpoint(), Outcome::kTimeout}};
  for (const Row& row : rows) {
    use(row.server);
    double slowest = 0;
    for (int i = 0; i < 3; ++i) {
      const Timed t = timed(question("88.1/" + std::to_string(i)));
      EXPECT_EQ(t.answer.code, ResponseCode::kError) << row.what;
      EXPECT_EQ(t.answer.outcome, row.first) << row.what;
      EXPECT_LE(t.ms, kLateMs) << row.what;
      slowest = std::max(slowest, t.ms);
    }
    const std::uint64_t attempts = counters().upstream_queries;
    EXPECT_EQ(attempts, 5U) << row.what << ": the fifth failure ends the tries";
    EXPECT_EQ(upstream->servers()[0].state, BreakerState::kOpen) << row.what;
    const auto results = timed_all({question("88.1/a"), question("88.1/b"), question("88.1/c")});
    // One of them may be a probe when this machine was very slow.
    EXPECT_LE(counters().upstream_queries, attempts + 1) << row.what;
    EXPECT_EQ(upstream->servers()[0].opened, 1U) << row.what;
    std::cout << "upstream: U1 server=" << row.what << " failed=" << 3 + results.size()
              << "/6 slowest_ms=" << slowest << " deadline_ms=" << kDeadlineMs << " attempts=" << attempts
              << " breaker=open\n";
  }
  // A server that is there opens nothing.
  mute.set_script(speaks());
  upstream.reset();
  start();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ask("88.1/" + std::to_string(i)).code, ResponseCode::kSuccess);
  EXPECT_EQ(upstream->servers()[0].opened, 0U);
  std::cout << "upstream: U1 control answered=6 breaker=closed\n";
}

TEST_F(Trouble, LinkDown) {
  std::string why_not;
  const bool ran = in_own_network(
      Loopback::kDown,
      [&] {
        const Timed t = timed(question("88.1/a"));
        EXPECT_EQ(t.answer.code, ResponseCode::kError);
        EXPECT_LE(t.ms, kLateMs);
        upstream->stop();
        std::cout << "upstream: U1 server=link_down failed=1/1 slowest_ms=" << t.ms << "\n";
      },
      why_not);
  if (ran) return;
  std::cout << "upstream: U1 SKIP link_down: " << why_not << "\n";
  GTEST_SKIP() << why_not;
}

// U1: when the breaker lets a question through, by a clock that the test moves: 300 nodes, eight failed
// probes each. Every pause is 1 to 30 s, they grow, and they are spread.
TEST(TroubleBreaker, PausesBetweenProbes) {
  std::vector<std::uint64_t> first, last;
  std::uint64_t shortest = ~std::uint64_t{0}, longest = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Breakers breakers(5, seed);
    const Endpoint server = *parse_endpoint("127.0.0.1:3641");
    std::uint64_t now = 1'000;
    for (int i = 0; i < 5; ++i) breakers.failed(server, now += 2'000);
    for (int probe = 0; probe < 8; ++probe) {
      const std::uint64_t since = now;
      const std::uint64_t step = probe == 0 ? 1 : 25;
      now += 999;
      ASSERT_FALSE(breakers.admits(server, now)) << "at least a second";
      while (!breakers.admits(server, now)) now += step;
      ASSERT_FALSE(breakers.admits(server, now)) << "one probe at a time";
      breakers.failed(server, now);
      const std::uint64_t pause = now - since;
      shortest = std::min(shortest, pause);
      longest = std::max(longest, pause);
      if (probe == 0) first.push_back(pause);
      if (probe == 7) last.push_back(pause);
    }
  }
  EXPECT_GE(shortest, 1'000U);
  EXPECT_LE(longest, 30'025U);
  EXPECT_GE(*std::ranges::min_element(last), 20'000U);
  // No moment at which many come back at once.
  const auto crowd = [](std::vector<std::uint64_t> pauses) {
    std::ranges::sort(pauses);
    std::size_t most = 0;
    for (std::size_t i = 0, j = 0; i < pauses.size(); ++i) {
      while (pauses[i] - pauses[j] > 10) ++j;
      most = std::max(most, i - j + 1);
    }
    return 100.0 * static_cast<double>(most) / static_cast<double>(pauses.size());
  };
  EXPECT_LE(crowd(first), 15.0);
  EXPECT_LE(crowd(last), 10.0);
  EXPECT_EQ(crowd(std::vector<std::uint64_t>(2'000, 1'000)), 100.0) << "what the measure has to see";
  std::cout << "upstream: U1 probes=2400 shortest_ms=" << shortest << " longest_ms=" << longest
            << " most_within_10ms_first=" << crowd(first) << "% last=" << crowd(last) << "%\n";
}

// Address and thread sanitizers keep what was freed, or shadow it: memory tells nothing then.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kMemoryTells = false;
#else
constexpr bool kMemoryTells = true;
#endif

// Octets that this process has in memory.
std::uint64_t resident() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, pages = 0;
  file >> size >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// U2: slow servers hold neither more questions than the bound nor more memory than what arrived.
TEST_F(Trouble, SlowServersHoldTheBoundAndNoMemory) {
  const auto whole = [](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "URL", std::string(200'000, 'x'))};
    return frame_of(s, c);
  };
  const std::pair<const char*, Script> slow[] = {
      {"delay", [whole](const Seen& s) { return std::vector<Piece>{{whole(s).substr(0, 100), 30'000}}; }},
      {"drip",
       [whole](const Seen& s) {
         std::vector<Piece> pieces;
         const std::string octets = whole(s).substr(0, 60);
         for (std::size_t i = 0; i < octets.size(); ++i) {
           pieces.push_back({octets.substr(i, 1), static_cast<int>(25 * i)});
         }
         return pieces;
       }},
      {"envelope", [whole](const Seen& s) { return std::vector<Piece>{{whole(s).substr(0, 20)}}; }}};
  settings.limits.upstream_failures = 1'000'000;  // no breaker that would take the pressure away
  const std::uint64_t cap = settings.limits.upstream_in_flight;
  int asked = 0;
  std::uint64_t refused = 0;
  start();
  for (const auto& [what, script] : slow) {
    national->set_script(script);
    std::uint64_t after_first = 0, most = 0;
    std::uint64_t timeouts = 0, busy = 0;
    double slowest = 0;
    std::atomic<bool> over{false};
    std::uint64_t in_flight = 0;
    std::thread watcher([&] {
      while (!over.load()) {
        in_flight = std::max(in_flight, counters().in_flight);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
    for (int round = 0; round < 4; ++round) {
      std::vector<Question> questions;
      for (int i = 0; i < 400; ++i) questions.push_back(question("88.1/" + std::to_string(++asked)));
      for (const Timed& t : timed_all(questions)) {
        if (t.answer.code == ResponseCode::kTooBusy) {
          ++busy;
        } else {
          EXPECT_EQ(t.answer.code, ResponseCode::kError) << what;
          ++timeouts;
        }
        slowest = std::max(slowest, t.ms);
      }
      if (round == 0) after_first = resident();
      most = std::max(most, resident());
      national->forget();
    }
    over.store(true);
    watcher.join();
    EXPECT_EQ(in_flight, cap) << what;
    EXPECT_EQ(timeouts + busy, 1'600U) << what;
    EXPECT_GE(timeouts, 4 * cap) << what;
    EXPECT_GT(busy, 0U) << what;
    refused += busy;
    EXPECT_LE(slowest, kLateMs) << what;
    EXPECT_EQ(counters().in_flight, 0U);
    // An announced length of 200,000 octets for each of 256 questions would be 50 MB a round.
    if (kMemoryTells) EXPECT_LE(most - after_first, std::uint64_t{16} << 20) << what;
    std::cout << "upstream: U2 mode=" << what << " asked=1600 in_flight_most=" << in_flight
              << " timeouts=" << timeouts << " refused=" << busy << " slowest_ms=" << slowest
              << " memory_growth_kib=" << (most - after_first) / 1'024 << "\n";
  }
  EXPECT_EQ(counters().full, refused);
  // What the measure has to see: the memory that announced lengths would have taken.
  const std::uint64_t before = resident();
  const std::vector<std::string> announced(cap, std::string(200'000, 'x'));
  const std::uint64_t growth = resident() - before;
  EXPECT_GE(growth, std::uint64_t{32} << 20);
  std::cout << "upstream: U2 control memory_growth_kib=" << growth / 1'024 << "\n";
}

std::vector<Piece> refer(const Seen& s, const Endpoint& to) {
  Canned c;
  c.code = ResponseCode::kServiceReferral;
  c.values = {site_value(1, site_at(to, Offer::kTcp))};
  return answer(s, c);
}

Endpoint on(const char* network, std::uint32_t host, std::uint16_t port) {
  return {*parse_ip(std::string(network) + std::to_string(host)), port};
}

// U5: in circles, or on and on.
TEST_F(Trouble, CirclesAndChainsEnd) {
  // One peer hears on all of 127/8, so that every stop of the chain is another server.
  ScriptedPeer everywhere(silent(), true, true, "0.0.0.0");
  const std::uint16_t port = everywhere.endpoint().port;
  const Endpoint a = on("127.0.4.", 1, port), b = on("127.0.4.", 2, port);
  std::atomic<std::uint32_t> stop{0};
  const auto handles = [](const Seen& s, const std::string& next) {
    Canned c;
    c.code = ResponseCode::kServiceReferral;
    c.referral_handle = next;
    return answer(s, c);
  };
  struct Row {
    const char* what;
    ResponseCode code;
    Script script;
  };
  const Row rows[] = {
      {"itself", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) { return refer(s, national->endpoint()); }},
      {"ring_of_two", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) { return refer(s, stop.fetch_add(1) % 2 == 0 ? a : b); }},
      {"chain_of_100", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) {
         const std::uint32_t next = stop.fetch_add(1);
         return next < 100 ? refer(s, on("127.0.5.", next + 1, port)) : answer(s, url_of(s));
       }},
      {"service_handle_itself", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) { return handles(s, "0.S/1"); }},
      {"service_handles_ring", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) { return handles(s, s.name == "0.S/1" ? "0.S/2" : "0.S/1"); }},
      {"service_handles_endless", ResponseCode::kRecursionTooHigh,
       [&](const Seen& s) { return handles(s, "0.S/" + std::to_string(stop.fetch_add(1))); }},
  };
  int i = 0;
  for (const Row& row : rows) {
    stop.store(0);
    national->set_script(row.script);
    everywhere.set_script(row.script);
    const std::uint64_t before = upstream ? counters().upstream_queries : 0;
    const Timed t = timed(question("88.1/" + std::to_string(++i)));
    const std::uint64_t messages = counters().upstream_queries - before;
    EXPECT_EQ(t.answer.code, row.code) << row.what;
    EXPECT_LE(messages, kMostMessages) << row.what;
    EXPECT_LE(t.ms, kLateMs) << row.what;
    std::cout << "upstream: U5 loop=" << row.what << " code=" << static_cast<int>(t.answer.code)
              << " messages=" << messages << " ms=" << t.ms << "\n";
  }
  // A chain that ends is followed.
  stop.store(97);
  national->set_script(rows[2].script);
  everywhere.set_script(rows[2].script);
  EXPECT_EQ(ask("88.1/short").code, ResponseCode::kSuccess);
  std::cout << "upstream: U5 control chain_of_3=followed\n";
}

// U5 in the prefix look-up: a prefix served by whoever it names, which is itself.
TEST_F(Trouble, PrefixRecordsInCirclesEnd) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  std::atomic<int> n{0};
  const std::pair<const char*, Script> rows[] = {
      {"prefix_referral_to_itself",
       [&](const Seen& s) {
         Canned c;
         c.code = ResponseCode::kPrefixReferral;
         c.values = {site_value(1, site_at(national->endpoint(), Offer::kTcp), "HS_SITE.PREFIX")};
         return answer(s, c);
       }},
      {"services_name_each_other",
       [](const Seen& s) {
         Canned c;
         c.values = {text_value(1, "HS_SERV", s.name == "88.9/1" ? "88.9/2" : "88.9/1")};
         return answer(s, c);
       }},
      {"services_of_ever_new_prefixes", [&n](const Seen& s) {
         Canned c;
         c.values = {text_value(1, "HS_SERV", "88.9" + std::to_string(n.fetch_add(1)) + "/s")};
         return answer(s, c);
       }}};
  int i = 0;
  for (const auto& [what, script] : rows) {
    national->set_script(script);
    const auto messages = [&] { return counters().upstream_queries + counters().prefix_queries; };
    const std::uint64_t before = upstream ? messages() : 0;
    const Timed t = timed(question("88." + std::to_string(100 + ++i) + "/x"));
    EXPECT_EQ(t.answer.code, ResponseCode::kRecursionTooHigh) << what;
    EXPECT_LE(messages() - before, kMostMessages) << what;
    EXPECT_LE(t.ms, kLateMs) << what;
    std::cout << "upstream: U5 loop=" << what << " code=" << static_cast<int>(t.answer.code)
              << " messages=" << messages() - before << " ms=" << t.ms << "\n";
  }
}

// U5: aliases are the client's to follow: an alias of itself is one answer to one question.
TEST_F(Trouble, AliasesAreNotFollowed) {
  national->set_script([](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "HS_ALIAS", s.name == "88.1/a" ? "88.1/b" : "88.1/a")};
    return answer(s, c);
  });
  EXPECT_EQ(first_data(ask("88.1/a")), "88.1/b");
  EXPECT_EQ(first_data(ask("88.1/b")), "88.1/a");
  EXPECT_EQ(counters().upstream_queries, 2U);
  std::cout << "upstream: U5 loop=aliases questions=2 messages=" << counters().upstream_queries << "\n";
}

// U6: one record that names 256 places.
TEST_F(Trouble, ManyPlacesAreFewAttempts) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  const Script sick = [](const Seen& s) {
    Canned c;
    c.code = ResponseCode::kError;
    return answer(s, c);
  };
  ScriptedPeer everywhere(sick, true, true, "0.0.0.0");
  const std::uint16_t port = everywhere.endpoint().port;
  ScriptedPeer deaf(silent(), /*listen_tcp=*/false, /*listen_udp=*/false);
  const auto sites = [](const char* network, std::uint16_t at, Offer offer) {
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < 256; ++i) {
      values.push_back(site_value(i + 1, site_at(on(network, i, at), offer)));
    }
    return values;
  };
  handle::Site wide = site_at(on("127.0.7.", 1, port), Offer::kTcp);
  for (std::uint32_t i = 2; i <= 256; ++i) {
    wide.servers.push_back(site_at(on("127.0.7.", i % 256, port), Offer::kTcp).servers[0]);
  }
  std::vector<Value> services;
  for (std::uint32_t i = 1; i <= 256; ++i) {
    services.push_back(text_value(i, "HS_SERV", "0.SERV/" + std::to_string(i)));
  }
  const std::pair<const char*, std::vector<Value>> rows[] = {
      {"sites_tcp", sites("127.0.6.", port, Offer::kTcp)},
      {"sites_udp_refused", sites("127.0.6.", national->endpoint().port, Offer::kUdp)},
      {"sites_refused", sites("127.0.6.", deaf.endpoint().port, Offer::kTcp)},
      {"servers", {site_value(1, wide)}},
      {"services", services}};
  int i = 0;
  for (const auto& [what, values] : rows) {
    const std::string prefix = "88.3" + std::to_string(++i);
    const std::size_t heard_before = everywhere.count();
    const std::uint64_t connects_before = upstream ? counters().connects : 0;
    const auto messages = [&] { return counters().upstream_queries + counters().prefix_queries; };
    const std::uint64_t before = upstream ? messages() : 0;
    national->set_script(prefix_record(prefix, values));
    const Timed t = timed(question(prefix + "/x"));
    EXPECT_NE(t.answer.code, ResponseCode::kSuccess) << what;
    EXPECT_LE(t.ms, kLateMs) << what;
    const std::uint64_t attempts = messages() - before;
    EXPECT_LE(attempts, kMostMessages) << what;
    EXPECT_LE(counters().connects - connects_before, kMostMessages) << what;
    const std::size_t heard = everywhere.count() - heard_before;
    EXPECT_LE(heard, 2U) << what << ": one try, one retry";
    std::cout << "upstream: U6 places=256 kind=" << what << " messages=" << attempts
              << " servers_asked=" << heard << " code=" << static_cast<int>(t.answer.code) << "\n";
  }
  // The second of two places is gone to when the first is sick.
  everywhere.set_script(speaks());
  national->set_script(
      prefix_record("88.399", {site_value(1, site_at(deaf.endpoint(), Offer::kTcp)),
                               site_value(2, site_at(on("127.0.6.", 9, port), Offer::kTcp))}));
  EXPECT_EQ(ask("88.399/x").code, ResponseCode::kSuccess);
  std::cout << "upstream: U6 control second_of_two=asked\n";
}

}  // namespace
}  // namespace idnode::test
