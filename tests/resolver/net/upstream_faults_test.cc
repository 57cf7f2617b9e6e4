// Upstream at its worst: silent, closing, dripping, lying, looping, pointing at where we must not go. Each
// question ends within the deadline, and only an answer that counts is given or kept.
#include <atomic>
#include <latch>
#include <thread>

#include "protocol/identifier.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;
using Outcome = ForwardAnswer::Outcome;
namespace flag = handle::flag;

// When a question has ended for certain, on a machine that does much else; what does not end would take
// longer.
constexpr std::uint64_t kLateMs = kDeadlineMs + 8'000;

class Faults : public Forwarding {
 protected:
  Faults() {
    settings.upstream.mode = UpstreamSettings::Mode::kForward;
    settings.limits.upstream_failures = 1'000;
  }
};

std::string twist(std::string frame, std::size_t offset, std::uint8_t octet) {
  frame[offset] = static_cast<char>(octet);
  return frame;
}

// On TCP a wrong request id says that the connection is out of step: it is closed. The others are waited out.
TEST_F(Faults, WrongIdClosesTheConnectionOtherLiesDoNot) {
  std::atomic<int> asked{0};
  national->set_script([&](const Seen& s) {
    Canned lie = url_of(s);
    lie.request_id_xor = 5;
    return asked.fetch_add(1) == 0 ? answer(s, lie) : answer(s, url_of(s));
  });
  EXPECT_EQ(first_data(ask("88.1/a")), "88.1/a");
  EXPECT_EQ(national->accepted(), 2U);
  national->set_script([&](const Seen& s) {
    Canned lie = url_of(s);
    lie.name = "88.1/another";
    return std::vector<Piece>{{frame_of(s, lie)}, {frame_of(s, url_of(s)), 20}};
  });
  EXPECT_EQ(first_data(ask("88.1/b")), "88.1/b");
  EXPECT_EQ(national->accepted(), 2U);
  // Unsolicited octets on a kept connection make it useless.
  national->set_script([&](const Seen& s) {
    return std::vector<Piece>{{frame_of(s, url_of(s))}, {std::string(40, '\xff'), 5}};
  });
  EXPECT_EQ(first_data(ask("88.1/c")), "88.1/c");
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_EQ(first_data(ask("88.1/d")), "88.1/d");
  EXPECT_EQ(national->accepted(), 3U);
}

struct Misbehaviour {
  const char* what;
  Script script;
  Outcome outcome;
};

TEST_F(Faults, SilenceDripsClosesAndGarbageEndWithinTheDeadline) {
  const auto whole = [](const Seen& s) { return frame_of(s, Forwarding::url_of(s)); };
  const Misbehaviour rows[] = {
      {"silent", silent(), Outcome::kTimeout},
      {"late", [&](const Seen& s) { return std::vector<Piece>{{whole(s), 1'000}}; }, Outcome::kTimeout},
      {"stops after the envelope",
       [&](const Seen& s) { return std::vector<Piece>{{whole(s).substr(0, 20)}}; }, Outcome::kTimeout},
      {"drips",
       [&](const Seen& s) {
         std::vector<Piece> pieces;
         const std::string octets = whole(s);
         for (std::size_t i = 0; i < octets.size(); ++i) {
           pieces.push_back({octets.substr(i, 1), static_cast<int>(20 * i)});
         }
         return pieces;
       },
       Outcome::kTimeout},
      {"closes", [](const Seen&) { return std::vector<Piece>{{{}, 0, true}}; }, Outcome::kFailed},
      {"closes inside", [&](const Seen& s) { return std::vector<Piece>{{whole(s).substr(0, 50), 0, true}}; },
       Outcome::kFailed},
      {"garbage", [](const Seen&) { return std::vector<Piece>{{std::string(200, '\xee')}}; },
       Outcome::kFailed},
      {"an HTTP error",
       [](const Seen&) {
         return std::vector<Piece>{{"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"}};
       },
       Outcome::kFailed},
      {"announces 256 MiB",
       [&](const Seen& s) { return std::vector<Piece>{{twist(whole(s).substr(0, 20), 16, 0x10)}}; },
       Outcome::kFailed},
  };
  int i = 0;
  for (const Misbehaviour& row : rows) {
    national->set_script(row.script);
    const Timed t = timed(question("88.1/" + std::to_string(++i)));
    EXPECT_EQ(t.answer.code, ResponseCode::kError) << row.what;
    EXPECT_EQ(t.answer.outcome, row.outcome) << row.what;
    EXPECT_LE(t.ms, kLateMs) << row.what;
  }
  EXPECT_EQ(national->count("88.1/1"), 2U) << "one try, one retry";
  EXPECT_EQ(counters().in_flight, 0U);
  EXPECT_EQ(counters().waiting, 0U);
  EXPECT_EQ(upstream->cache().counters().entries, 0U);
  // And all is well again.
  national->set_script([](const Seen& s) { return answer(s, Forwarding::url_of(s)); });
  EXPECT_EQ(first_data(ask("88.1/fine")), "88.1/fine");
}

TEST_F(Faults, RefusedConnectionsFailAtOnceAndTheRetryGoesToAnother) {
  ScriptedPeer deaf(silent(), /*listen_tcp=*/false);
  settings.upstream.servers = {deaf.endpoint()};
  Timed t = timed(question("88.1/a"));
  EXPECT_EQ(t.answer.outcome, Outcome::kFailed);
  EXPECT_LE(t.ms, kLateMs);
  settings.upstream.servers = {deaf.endpoint(), national->endpoint()};
  national->set_script([](const Seen& s) { return answer(s, url_of(s)); });
  upstream->reload(std::make_shared<const Settings>(settings));
  EXPECT_EQ(first_data(ask("88.1/b")), "88.1/b");
  // BEHAVIOUR §20.31: code 2 means "try elsewhere" too.
  ScriptedPeer sick([](const Seen& s) {
    Canned c;
    c.code = ResponseCode::kError;
    return answer(s, c);
  });
  settings.upstream.servers = {sick.endpoint(), national->endpoint()};
  upstream->reload(std::make_shared<const Settings>(settings));
  EXPECT_EQ(first_data(ask("88.1/c")), "88.1/c");
  EXPECT_EQ(sick.count(), 1U);
}

// A reference server answers one request and closes: kept connections are replaced without loss.
TEST_F(Faults, ClosedKeptConnectionsAreReplaced) {
  national->set_script([](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), 0, true}}; });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask("88.1/" + std::to_string(i)).code, ResponseCode::kSuccess);
  EXPECT_EQ(counters().requests[static_cast<std::size_t>(Outcome::kAnswered)], 20U);
  for (const ServerState& s : upstream->servers()) EXPECT_EQ(s.recent_failures, 0U);
}

// A peer that vanished: kept connections look open and stay silent. One try is lost, then all of them go.
TEST_F(Faults, SilentKeptConnectionsAreForgotten) {
  start();
  std::latch warm(8);
  national->set_script([](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), 50}}; });
  for (int i = 0; i < 8; ++i) {
    upstream->ask(question("88.1/" + std::to_string(i)), [&](ForwardAnswer) { warm.count_down(); });
  }
  warm.wait();
  ASSERT_EQ(national->accepted(), 8U);
  national->set_script(
      [](const Seen& s) { return s.connection <= 8 ? std::vector<Piece>{} : answer(s, url_of(s)); });
  EXPECT_EQ(first_data(ask("88.1/now")), "88.1/now");
  EXPECT_EQ(national->accepted(), 9U);
}

TEST_F(Faults, BreakerOpensProbesAndCloses) {
  settings.limits.upstream_failures = 5;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("88.1/" + std::to_string(i)).outcome, Outcome::kTimeout);
  EXPECT_EQ(upstream->servers()[0].state, BreakerState::kOpen);
  const std::size_t messages = national->count();
  EXPECT_EQ(messages, 5U) << "the fifth failure ends the tries";
  // Open: failed at once, nothing is sent.
  for (int i = 10; i < 30; ++i) {
    const Timed t = timed(question("88.1/" + std::to_string(i)));
    EXPECT_EQ(t.answer.code, ResponseCode::kError);
    EXPECT_EQ(t.answer.outcome, Outcome::kFailed);
    EXPECT_LE(t.ms, kLateMs);
  }
  EXPECT_EQ(national->count(), messages);
  // Upstream comes back: the next probe, at most 1.3 s later, closes it.
  national->set_script([](const Seen& s) { return answer(s, url_of(s)); });
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  int i = 100;
  while (upstream->servers()[0].state != BreakerState::kClosed && std::chrono::steady_clock::now() < until) {
    ask("88.1/" + std::to_string(++i));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(upstream->servers()[0].state, BreakerState::kClosed);
  EXPECT_EQ(upstream->servers()[0].opened, 1U);
  EXPECT_EQ(ask("88.1/after").code, ResponseCode::kSuccess);
}

TEST_F(Faults, StaleAnswersOnlyWhenAllowedAndOnlyWhileUpstreamFails) {
  settings.limits.cache_stale_seconds = 2;
  std::atomic<int> version{1};
  const auto speaks = [&](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "URL", "v" + std::to_string(version.load()), 1)};
    return answer(s, c);
  };
  national->set_script(speaks);
  EXPECT_EQ(first_data(ask("88.1/a")), "v1");
  national->set_script(silent());
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  const Timed t = timed(question("88.1/a"));
  EXPECT_EQ(first_data(t.answer), "v1");
  EXPECT_LE(t.ms, 1'800);
  EXPECT_EQ(counters().stale_answers, 1U);
  version.store(2);
  national->set_script(speaks);
  EXPECT_EQ(ask_until("88.1/a", "v2"), "v2");
  national->set_script(silent());
  std::this_thread::sleep_for(std::chrono::milliseconds(3'100));
  EXPECT_EQ(ask("88.1/a").code, ResponseCode::kError);
}

// Referrals to oneself, in a ring, without end: the recursion-count error, few messages, in time.
TEST_F(Faults, LoopsEnd) {
  std::vector<Endpoint> ring(2);
  const auto refer_to = [](const Seen& s, const Endpoint& to) {
    Canned c;
    c.code = ResponseCode::kServiceReferral;
    c.values = {site_value(1, site_at(to, Offer::kTcp))};
    return answer(s, c);
  };
  ScriptedPeer a([&](const Seen& s) { return refer_to(s, ring[1]); });
  ScriptedPeer b([&](const Seen& s) { return refer_to(s, ring[0]); });
  ring = {a.endpoint(), b.endpoint()};
  const auto check = [&](const char* name) {
    const std::uint64_t before = upstream ? counters().upstream_queries : 0;
    const Timed t = timed(question(name));
    EXPECT_EQ(t.answer.code, ResponseCode::kRecursionTooHigh) << name;
    EXPECT_LE(t.ms, kLateMs) << name;
    EXPECT_LE(counters().upstream_queries - before, 8U) << name;
  };
  national->set_script([&](const Seen& s) { return refer_to(s, national->endpoint()); });
  check("88.1/itself");
  national->set_script([&](const Seen& s) { return refer_to(s, ring[0]); });
  check("88.1/ring");
  // A chain: every stop is another server, and there is always a next one.
  std::vector<std::unique_ptr<ScriptedPeer>> chain;
  std::vector<Endpoint> stops(20);
  for (std::size_t i = 0; i < stops.size(); ++i) {
    chain.push_back(std::make_unique<ScriptedPeer>(
        [&, i](const Seen& s) { return refer_to(s, stops[(i + 1) % stops.size()]); }));
  }
  for (std::size_t i = 0; i < stops.size(); ++i) stops[i] = chain[i]->endpoint();
  national->set_script([&](const Seen& s) { return refer_to(s, stops[0]); });
  check("88.1/chain");
  EXPECT_EQ(chain[6]->count(), 1U);
  EXPECT_EQ(chain[7]->count(), 0U) << "eight messages in all";
  EXPECT_EQ(counters().loops, 3U);
  // Handles that name each other as the place of their sites.
  national->set_script([](const Seen& s) {
    Canned c;
    c.code = ResponseCode::kServiceReferral;
    c.referral_handle = s.name == "0.S/1" ? "0.S/2" : "0.S/1";
    return answer(s, c);
  });
  const Timed t = timed(question("88.1/handles"));
  EXPECT_NE(t.answer.code, ResponseCode::kSuccess);
  EXPECT_LE(t.ms, kLateMs);
}

TEST_F(Faults, RecursionCountIsBoundedAndAPartOfTheQuestion) {
  Question q = question("88.1/a");
  q.recursion_count = 11;
  EXPECT_EQ(ask(q).code, ResponseCode::kRecursionTooHigh);
  EXPECT_EQ(national->count(), 0U);
  // Upstream asks us back (a loop through another node): the second is not waited for by the first.
  national->set_script([&](const Seen& s) {
    if (s.header.recursion_count < 5) {
      Question again = question(s.name);
      again.recursion_count = static_cast<std::uint8_t>(s.header.recursion_count + 1);
      upstream->ask(again, [](ForwardAnswer) {});
      return std::vector<Piece>{};
    }
    Canned c;
    c.code = ResponseCode::kRecursionTooHigh;
    return answer(s, c);
  });
  ask("88.1/b");
  EXPECT_GE(national->count("88.1/b"), 5U);
  national.reset();  // its script asks us
}

// One answer with 256 sites: at most eight messages a question, two a server.
TEST_F(Faults, ManySitesAreFewMessages) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  std::vector<Value> values;
  std::vector<std::unique_ptr<ScriptedPeer>> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(std::make_unique<ScriptedPeer>([](const Seen& s) {
      Canned c;
      c.code = ResponseCode::kError;
      return answer(s, c);
    }));
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    values.push_back(site_value(i + 1, site_at(peers[i % 8]->endpoint(), Offer::kUdp)));
  }
  national->set_script(prefix_record("88.1", values));
  EXPECT_EQ(ask("88.1/a").code, ResponseCode::kError);
  std::size_t all = 0;
  for (const auto& peer : peers) {
    EXPECT_LE(peer->count(), 2U);
    all += peer->count();
  }
  EXPECT_LE(all, 8U);
  EXPECT_GE(all, 1U);
}

TEST_F(Faults, SitesWhereWeMustNotGo) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  settings.upstream.allow = {};
  ScriptedPeer trap([](const Seen& s) { return answer(s, url_of(s)); });
  national->set_script(prefix_record("88.1", {site_value(1, site_at(trap.endpoint(), Offer::kBoth))}));
  EXPECT_EQ(ask("88.1/loopback").code, ResponseCode::kError);
  for (const char* where : {"10.0.0.1:2641", "169.254.169.254:80", "0.0.0.0:2641", "[::1]:2641", "8.8.8.8:22",
                            "8.8.8.8:6379", "224.0.0.1:2641", "[fe80::1]:2641"}) {
    upstream->drop_prefix("88.1");
    national->set_script(
        prefix_record("88.1", {site_value(1, site_at(*parse_endpoint(where), Offer::kBoth))}));
    const Timed t = timed(question("88.1/a"));
    EXPECT_EQ(t.answer.code, ResponseCode::kError) << where;
    EXPECT_LE(t.ms, kLateMs) << where;
  }
  EXPECT_EQ(trap.accepted(), 0U);
  EXPECT_EQ(trap.count(), 0U);
  EXPECT_EQ(counters().refused_addresses, 9U);
  EXPECT_EQ(counters().upstream_queries, 0U);
}

TEST_F(Faults, OwnListenersAreNeverAskedEvenAsUpstream) {
  ScriptedPeer ourselves([](const Seen& s) { return answer(s, url_of(s)); });
  settings.upstream.servers = {ourselves.endpoint()};
  start({Endpoint{*parse_ip("0.0.0.0"), ourselves.endpoint().port}});
  EXPECT_EQ(ask("88.1/a").code, ResponseCode::kError);
  // The published address is ours too.
  settings.node.site_port = ourselves.endpoint().port;
  upstream->set_own_listeners({});
  upstream->reload(std::make_shared<const Settings>(settings));
  EXPECT_EQ(ask("88.1/b").code, ResponseCode::kError);
  EXPECT_EQ(ourselves.accepted(), 0U);
  settings.node.site_port = 0;
  upstream->reload(std::make_shared<const Settings>(settings));
  EXPECT_EQ(ask("88.1/c").code, ResponseCode::kSuccess);
}

TEST_F(Faults, InFlightIsBoundedAndTheRestIsTooBusy) {
  settings.limits.upstream_in_flight = 16;
  start();
  std::latch answered(1'000);
  std::atomic<int> busy{0}, timeouts{0}, other{0};
  for (int i = 0; i < 1'000; ++i) {
    upstream->ask(question("88.1/" + std::to_string(i)), [&](ForwardAnswer a) {
      if (a.code == ResponseCode::kTooBusy && a.outcome == Outcome::kRefused) {
        busy.fetch_add(1);
      } else if (a.outcome == Outcome::kTimeout) {
        timeouts.fetch_add(1);
      } else {
        other.fetch_add(1);
      }
      answered.count_down();
    });
  }
  answered.wait();
  EXPECT_EQ(busy.load(), 984);
  EXPECT_EQ(timeouts.load(), 16);
  EXPECT_EQ(other.load(), 0);
  EXPECT_LE(national->accepted(), 32U);
}

TEST_F(Faults, StopAnswersEverybodyOnce) {
  settings.limits.upstream_deadline_ms = 10'000;
  settings.limits.upstream_try_ms = 10'000;
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  start();
  std::atomic<int> answers{0};
  for (int i = 0; i < 100; ++i) {
    upstream->ask(question("88." + std::to_string(i % 7) + "/" + std::to_string(i)), [&](ForwardAnswer a) {
      EXPECT_EQ(a.code, ResponseCode::kError);
      answers.fetch_add(1);
    });
  }
  while (national->count() < 7) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto before = std::chrono::steady_clock::now();
  upstream->stop();
  EXPECT_LE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(500));
  EXPECT_EQ(answers.load(), 100);
  upstream->ask(question("88.1/late"), [&](ForwardAnswer) { answers.fetch_add(1); });
  upstream->stop();
  upstream.reset();
  EXPECT_LE(answers.load(), 101);
}

}  // namespace
}  // namespace idnode::test
