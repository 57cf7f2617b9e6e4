// Forwarding as BEHAVIOUR.md §17.1-17.5 has it: routes, what goes out, what comes back, coalescing, cache.
#include <atomic>
#include <iostream>
#include <latch>
#include <thread>

#include "protocol/identifier.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;
using Outcome = ForwardAnswer::Outcome;
namespace flag = handle::flag;

// §17.2 rule 4c: the bare prefix first, then the responsible node; both over TCP.
TEST_F(Forwarding, IteratesFromThePrefixRecordToTheResponsibleNode) {
  national->set_script(prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kBoth))}));
  const ForwardAnswer a =
      ask(question("88.200/Item", flag::kClientDefault | flag::kRecurseWithIdentity, {7}, {"URL"}));
  EXPECT_EQ(a.outcome, Outcome::kAnswered);
  EXPECT_EQ(a.code, ResponseCode::kSuccess);
  EXPECT_EQ(first_data(a), "88.200/Item");
  EXPECT_FALSE(a.signature_verified);

  ASSERT_EQ(national->seen().size(), 1U);
  const Seen prefix = national->seen()[0];
  EXPECT_EQ(prefix.name, "88.200");
  EXPECT_EQ(prefix.types, (std::vector<std::string>{"HS_SITE", "HS_SITE.6", "HS_SERV"}));
  EXPECT_EQ(prefix.header.flags & (flag::kPublicOnly | flag::kAuthoritative | flag::kCertify),
            flag::kPublicOnly);
  EXPECT_EQ(prefix.header.recursion_count, 1);
  EXPECT_EQ(prefix.header.site_serial, handle::kUnknownSerial);
  EXPECT_EQ(prefix.envelope.version, (handle::Version{2, 3}));

  ASSERT_EQ(node->seen().size(), 1U);
  const Seen seen = node->seen()[0];
  EXPECT_TRUE(seen.tcp);
  EXPECT_EQ(seen.name, "88.200/Item");
  EXPECT_EQ(seen.indexes, std::vector<std::uint32_t>{7});
  EXPECT_EQ(seen.types, std::vector<std::string>{"URL"});
  EXPECT_EQ(seen.header.flags,
            flag::kPublicOnly | flag::kCacheCertify | flag::kReturnDigest | flag::kRecurseWithIdentity);
  EXPECT_EQ(seen.header.recursion_count, 1);
  EXPECT_EQ(seen.header.site_serial, 1);
  // BEHAVIOUR §20.36
  EXPECT_EQ(seen.envelope.session_id, 0U);
  EXPECT_FALSE(seen.has_credential);
  EXPECT_EQ(seen.envelope.version, handle::kOurVersion);
  EXPECT_FALSE(seen.has_identity);

  // The prefix is known now.
  EXPECT_EQ(ask("88.200/Other").code, ResponseCode::kSuccess);
  EXPECT_EQ(national->count(), 1U);
  EXPECT_EQ(counters().upstream_queries, 2U);
  EXPECT_EQ(counters().prefix_queries, 1U);
  EXPECT_EQ(counters().connects, 2U) << "the connection to the node was kept";
}

TEST_F(Forwarding, RootsThatKnowOnlyTheLongForm) {
  const Script record = prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kTcp))});
  national->set_script([record](const Seen& s) {
    Canned no;
    no.code = ResponseCode::kNotResponsible;
    return has_slash(s.name) ? record(s) : answer(s, no);
  });
  EXPECT_EQ(ask("88.200/Item").code, ResponseCode::kSuccess);
  ASSERT_EQ(national->seen().size(), 2U);
  EXPECT_EQ(national->seen()[1].name, "0.NA/88.200");
  EXPECT_EQ(national->seen()[1].header.flags & flag::kRecursive, 0U);
}

// BEHAVIOUR §20.36: an id of our own.
TEST_F(Forwarding, UdpWhenTheSiteOffersNothingElseWithRandomIdsAndPorts) {
  national->set_script(prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kUdp))}));
  node->set_script([](const Seen& s) {
    Canned c;
    c.values = {text_value(1, "URL", std::string(30'000, 'x'))};  // many datagrams
    return answer(s, c);
  });
  std::set<std::uint32_t> ids;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 20; ++i) {
    const ForwardAnswer a = ask("88.200/" + std::to_string(i));
    EXPECT_EQ(a.code, ResponseCode::kSuccess);
    EXPECT_EQ(first_data(a).size(), 30'000U);
  }
  bool up = false, down = false;
  const auto seen = node->seen();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_FALSE(seen[i].tcp);
    ids.insert(seen[i].envelope.request_id);
    ports.insert(seen[i].peer_port);
    if (i > 0) (seen[i].envelope.request_id > seen[i - 1].envelope.request_id ? up : down) = true;
  }
  EXPECT_EQ(ids.size(), 20U);
  EXPECT_GE(ports.size(), 15U);
  EXPECT_TRUE(up && down) << "ids are not random";
}

// §17.1, `1 88.101.7/x` with the enterprise's site known here: downwards, the national node is not asked.
TEST_F(Forwarding, PointerPrefixesAreAskedDirectly) {
  auto entry = std::make_shared<PrefixEntry>();
  entry->prefix_handle = "0.NA/88.118.7";
  entry->sites = {site_at(node->endpoint(), Offer::kTcp)};
  Question q = question("88.118.7/x");
  q.route = entry;
  EXPECT_EQ(first_data(ask(q)), "88.118.7/x");
  EXPECT_EQ(node->seen()[0].header.flags & flag::kRecursive, 0U);
  EXPECT_EQ(national->count(), 0U);
  // Whatever the pointer says, ourselves are not asked.
  upstream->set_own_listeners({node->endpoint()});
  q.name = "88.118.7/y";
  const ForwardAnswer a = ask(q);
  EXPECT_EQ(a.code, ResponseCode::kError);
  EXPECT_EQ(a.outcome, Outcome::kFailed);
  EXPECT_EQ(node->count(), 1U);
  EXPECT_EQ(counters().refused_addresses, 1U);
}

TEST_F(Forwarding, ModeForwardSendsTheQuestionItself) {
  settings.upstream.mode = UpstreamSettings::Mode::kForward;
  national->set_script([](const Seen& s) { return answer(s, url_of(s)); });
  Question q = question("88.200/Item", flag::kRecursive | flag::kDoNotRefer | flag::kAuthoritative);
  q.has_identity = true;
  q.identity = "token";
  EXPECT_EQ(first_data(ask(q)), "88.200/Item");
  const Seen seen = national->seen()[0];
  EXPECT_EQ(seen.header.flags, flag::kRecursive | flag::kCacheCertify | flag::kReturnDigest |
                                   flag::kDoNotRefer | flag::kAuthoritative);
  EXPECT_EQ(seen.identity, "token");
  EXPECT_EQ(national->count(), 1U);
  EXPECT_EQ(upstream->cache().counters().entries, 0U) << "an answer to a token is not kept";
}

// §15.1 rule 3: prefix handles and bare prefixes go to the national node as they are.
TEST_F(Forwarding, GlobalNamesGoToTheNationalNode) {
  national->set_script([](const Seen& s) { return answer(s, url_of(s)); });
  EXPECT_EQ(first_data(ask("0.NA/88.300")), "0.NA/88.300");
  EXPECT_EQ(first_data(ask("88.301")), "88.301");
  EXPECT_EQ(first_data(ask("0.TYPE/URL")), "0.TYPE/URL");
  EXPECT_EQ(counters().prefix_queries, 0U);
}

// §17.2 rule 9, one row a code.
TEST_F(Forwarding, CodesForTheClient) {
  settings.upstream.mode = UpstreamSettings::Mode::kForward;
  struct Row {
    std::uint32_t upstream, client;
    Outcome outcome;
  };
  const Row rows[] = {
      {1, 1, Outcome::kAnswered},     {3, 3, Outcome::kFailed},       {6, 6, Outcome::kFailed},
      {100, 100, Outcome::kNotFound}, {200, 200, Outcome::kNotFound}, {301, 301, Outcome::kFailed},
      {401, 401, Outcome::kFailed},   {402, 401, Outcome::kFailed},   {2, 2, Outcome::kFailed},
      {4, 4, Outcome::kFailed},       {5, 5, Outcome::kFailed},       {7, 7, Outcome::kFailed},
      {300, 300, Outcome::kFailed},   {302, 2, Outcome::kFailed},     {303, 2, Outcome::kFailed},
      {406, 406, Outcome::kFailed},
  };
  national->set_script([](const Seen& s) {
    Canned c;
    c.code = static_cast<ResponseCode>(std::stoul(std::string(split(s.name).suffix)));
    c.text = "said";
    return answer(s, c);
  });
  for (const Row& row : rows) {
    const ForwardAnswer a = ask("88.200/" + std::to_string(row.upstream));
    EXPECT_EQ(static_cast<std::uint32_t>(a.code), row.client) << row.upstream;
    EXPECT_EQ(a.outcome, row.outcome) << row.upstream;
  }
}

TEST_F(Forwarding, UnknownPrefixIsNotFoundAndRemembered) {
  national->set_script(prefix_record("88.200", {}));
  for (const char* name : {"88.999/a", "88.999/b"}) {
    const ForwardAnswer a = ask(name);
    EXPECT_EQ(a.code, ResponseCode::kHandleNotFound);
    EXPECT_EQ(a.outcome, Outcome::kNotFound);
  }
  EXPECT_EQ(national->count(), 1U);
  upstream->drop_prefix("88.999");
  EXPECT_EQ(ask("88.999/c").code, ResponseCode::kHandleNotFound);
  EXPECT_EQ(national->count(), 2U);
}

// §15.2 rule 5: no site at first; once more, of the primary.
TEST_F(Forwarding, PrefixWithoutSites) {
  national->set_script([](const Seen& s) {
    Canned c;
    c.code = ResponseCode::kValuesNotFound;
    return answer(s, c);
  });
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kHandleNotFound);
  ASSERT_EQ(national->seen().size(), 2U);
  EXPECT_NE(national->seen()[1].header.flags & flag::kAuthoritative, 0U);
}

TEST_F(Forwarding, ServiceHandlesNameTheSites) {
  const Value site = site_value(3, site_at(node->endpoint(), Offer::kTcp));
  national->set_script([site](const Seen& s) {
    Canned c;
    if (s.name == "88.200") c.values = {text_value(1, "HS_SERV", "0.SERV/88.200")};
    if (s.name == "0.SERV/88.200") c.values = {site};
    if (c.values.empty()) c.code = ResponseCode::kHandleNotFound;
    return answer(s, c);
  });
  EXPECT_EQ(first_data(ask("88.200/a")), "88.200/a");
  EXPECT_EQ(counters().prefix_queries, 2U);
}

// §15.4: 302 with values, with a handle, 303 for prefix names only.
TEST_F(Forwarding, FollowsReferrals) {
  ScriptedPeer target([](const Seen& s) { return answer(s, url_of(s)); });
  const handle::Site site = site_at(target.endpoint(), Offer::kTcp);
  settings.upstream.mode = UpstreamSettings::Mode::kForward;
  national->set_script([site](const Seen& s) {
    Canned c;
    if (s.name == "88.200/values") {
      c.code = ResponseCode::kServiceReferral;
      c.values = {site_value(1, site)};
    } else if (s.name == "88.200/handle") {
      c.code = ResponseCode::kServiceReferral;
      c.referral_handle = "0.SERV/x";
    } else if (s.name == "0.SERV/x") {
      c.values = {site_value(1, site)};
    } else {
      c.code = ResponseCode::kPrefixReferral;
      c.values = {site_value(1, site, "HS_SITE.PREFIX")};
    }
    return answer(s, c);
  });
  EXPECT_EQ(first_data(ask("88.200/values")), "88.200/values");
  EXPECT_EQ(first_data(ask("88.200/handle")), "88.200/handle");
  EXPECT_EQ(first_data(ask("0.NA/88.200.5")), "0.NA/88.200.5");
  EXPECT_EQ(target.seen()[0].header.flags & flag::kRecursive, 0U);
  EXPECT_EQ(ask("88.200/prefix referral for no prefix").code, ResponseCode::kError);
  EXPECT_EQ(target.count(), 3U);
}

TEST_F(Forwarding, PrefixLookUpIsReferredDownwards) {
  ScriptedPeer registry(prefix_record("88.200.5", {site_value(1, site_at(node->endpoint(), Offer::kTcp))}));
  const handle::Site site = site_at(registry.endpoint(), Offer::kTcp);
  national->set_script([site](const Seen& s) {
    Canned c;
    c.code = ResponseCode::kPrefixReferral;
    c.values = {site_value(1, site, "HS_SITE.PREFIX")};
    return answer(s, c);
  });
  EXPECT_EQ(first_data(ask("88.200.5/a")), "88.200.5/a");
  EXPECT_EQ(registry.seen()[0].name, "88.200.5");
}

TEST_F(Forwarding, VerifyIsPassedOnCertifiedAndNeverKept) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  ASSERT_TRUE(key);
  national->set_script([&](const Seen& s) {
    Canned c;
    c.key = &*key;
    if (s.header.opcode == 2)
      encode(site_at(national->endpoint(), Offer::kTcp, key->public_key().serialize()), c.site);
    c.values = {site_value(1, site_at(node->endpoint(), Offer::kTcp, key->public_key().serialize()))};
    return answer(s, c);
  });
  node->set_script([&](const Seen& s) {
    Canned c;
    c.key = &*key;
    c.verified = 1;
    return answer(s, c);
  });
  Question q = question("88.200/ADMIN", 0);
  q.op = handle::OpCode::kVerifyAnswer;
  Writer w(q.verify_body);
  w.bytes("88.200/ADMIN");
  w.u32(300);
  w.bytes(std::string(16, 'n'));
  w.bytes(std::string(32, 'd'));
  w.bytes("proof");
  for (int i = 0; i < 2; ++i) {
    const ForwardAnswer a = ask(q);
    EXPECT_EQ(a.code, ResponseCode::kSuccess);
    EXPECT_EQ(a.verified & 1, 1);
    EXPECT_TRUE(a.signature_verified);
  }
  ASSERT_EQ(node->seen().size(), 2U);
  EXPECT_EQ(node->seen()[0].header.flags, flag::kCertify | flag::kCacheCertify | flag::kReturnDigest);
}

TEST_F(Forwarding, CertifiedAnswersAreVerified) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  const auto other = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  const std::string site_key = key->public_key().serialize();
  settings.limits.upstream_failures = 1'000;
  national->set_script([&, site_key](const Seen& s) {
    Canned c;
    c.key = &*key;
    if (s.header.opcode == 2) encode(site_at(national->endpoint(), Offer::kTcp, site_key), c.site);
    c.values = {
        site_value(1, site_at(node->endpoint(), Offer::kTcp, s.name == "88.201" ? std::string{} : site_key))};
    return answer(s, c);
  });
  node->set_script([&](const Seen& s) {
    Canned c = url_of(s);
    c.key = s.name == "88.200/foreign" ? &*other : s.name == "88.200/unsigned" ? nullptr : &*key;
    c.bad_signature = s.name == "88.200/bad";
    return answer(s, c);
  });
  const std::uint32_t certified = flag::kClientDefault | flag::kCertify;
  const ForwardAnswer good = ask(question("88.200/good", certified));
  EXPECT_EQ(good.code, ResponseCode::kSuccess);
  EXPECT_TRUE(good.signature_verified);
  for (const char* name : {"88.200/bad", "88.200/foreign", "88.200/unsigned", "88.201/no key"}) {
    const ForwardAnswer a = ask(question(name, certified));
    EXPECT_EQ(a.code, ResponseCode::kError) << name;
    EXPECT_EQ(a.value_count, 0U) << name;
  }
  EXPECT_EQ(dropped(Dropped::kSignature), 8U);  // one try and one retry each
  // A certified question is answered from a verified entry, an unverified one does not do.
  const std::size_t before = node->count();
  EXPECT_TRUE(ask(question("88.200/good", certified)).signature_verified);
  EXPECT_EQ(node->count(), before);
  EXPECT_EQ(ask(question("88.200/plain")).code, ResponseCode::kSuccess);
  EXPECT_TRUE(ask(question("88.200/plain", certified)).signature_verified);
  EXPECT_EQ(node->count("88.200/plain"), 2U);
}

TEST_F(Forwarding, AnswersAreKeptAndDropped) {
  national->set_script(prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kTcp))}));
  std::atomic<bool> gone{false};
  node->set_script([&](const Seen& s) {
    Canned c = url_of(s);
    if (gone.load()) c.code = ResponseCode::kHandleNotFound;
    return answer(s, c);
  });
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kSuccess);
  ForwardAnswer found;
  const Now now{static_cast<std::uint64_t>(time(nullptr)) * 1000,
                static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::chrono::steady_clock::now().time_since_epoch())
                                               .count())};
  EXPECT_TRUE(upstream->cache().find(question("88.200/a"), now, found)) << "a worker finds it";
  gone.store(true);
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kSuccess);
  EXPECT_EQ(ask(question("88.200/a", flag::kClientDefault | flag::kAuthoritative)).code,
            ResponseCode::kHandleNotFound);
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kHandleNotFound) << "the AT answer refreshed the entry";
  gone.store(false);
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kHandleNotFound);
  upstream->drop("88.200/a");
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kSuccess);
  EXPECT_EQ(node->count(), 3U);
}

TEST_F(Forwarding, AnAnswerOnItsWayIsNotKeptAfterADrop) {
  national->set_script(prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kTcp))}));
  node->set_script([](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), 100}}; });
  start();
  std::promise<ForwardAnswer> promise;
  upstream->ask(question("88.200/a"), [&](ForwardAnswer a) { promise.set_value(std::move(a)); });
  while (node->count() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  upstream->drop("88.200/a");
  EXPECT_EQ(promise.get_future().get().code, ResponseCode::kSuccess);
  EXPECT_EQ(upstream->cache().counters().entries, 0U);
}

TEST_F(Forwarding, AnotherSerialRefreshesThePrefix) {
  std::atomic<std::uint16_t> serial{1};
  national->set_script([&](const Seen& s) {
    Canned c;
    c.values = {site_value(1, site_at(node->endpoint(), Offer::kTcp, {}, serial.load()))};
    return answer(s, c);
  });
  node->set_script([&](const Seen& s) {
    Canned c = url_of(s);
    c.serial = serial.load();
    return answer(s, c);
  });
  EXPECT_EQ(ask("88.200/a").code, ResponseCode::kSuccess);
  serial.store(2);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  EXPECT_EQ(ask("88.200/b").code, ResponseCode::kSuccess);
  EXPECT_EQ(national->count(), 1U);
  EXPECT_EQ(ask("88.200/c").code, ResponseCode::kSuccess);
  EXPECT_EQ(national->count(), 2U);
  EXPECT_EQ(ask("88.200/d").code, ResponseCode::kSuccess);
  EXPECT_EQ(national->count(), 2U);
}

// A thousand clients on four workers ask for one name at once: one question, one prefix look-up.
TEST_F(Forwarding, AThousandClientsAreOneQuestion) {
  settings.limits.upstream_try_ms = 2'000;
  settings.limits.upstream_deadline_ms = 5'000;
  const Script record = prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kTcp))});
  national->set_script([record](const Seen& s) {
    auto pieces = record(s);
    pieces[0].after_ms = 100;
    return pieces;
  });
  node->set_script([](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), 200}}; });
  start();
  std::latch answered(1'000);
  std::atomic<int> good{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        upstream->ask(question("88.200/hot"), [&](ForwardAnswer a) {
          if (first_data(a) == "88.200/hot") good.fetch_add(1);
          answered.count_down();
        });
      }
    });
  }
  for (std::thread& w : workers) w.join();
  answered.wait();
  const UpstreamCounters c = counters();
  EXPECT_EQ(good.load(), 1'000);
  EXPECT_EQ(c.upstream_queries, 1U);
  EXPECT_EQ(c.prefix_queries, 1U);
  EXPECT_EQ(node->count(), 1U);
  EXPECT_EQ(national->count(), 1U);
  EXPECT_EQ(c.coalesced + c.cache_answers, 999U);
  EXPECT_EQ(c.waiting, 0U);
  std::cout << "upstream: clients=1000 workers=4 upstream_queries=" << c.upstream_queries
            << " prefix_queries=" << c.prefix_queries << "\n";
}

TEST_F(Forwarding, DifferentQuestionsAreNotJoinedButTheirPrefixLookUpIs) {
  const Script record = prefix_record("88.200", {site_value(1, site_at(node->endpoint(), Offer::kTcp))});
  national->set_script([record](const Seen& s) {
    auto pieces = record(s);
    pieces[0].after_ms = 50;
    return pieces;
  });
  start();
  std::vector<Question> questions = {question("88.200/A"),
                                     question("88.200/a"),
                                     question("88.200/A", flag::kClientDefault, {1}),
                                     question("88.200/A", flag::kClientDefault, {}, {"URL"}),
                                     question("88.200/A", flag::kClientDefault | flag::kAuthoritative),
                                     question("88.200/A", flag::kRecursive)};
  Question token = question("88.200/A");
  token.has_identity = true;
  token.identity = "token";
  questions.push_back(token);
  std::latch answered(static_cast<std::ptrdiff_t>(questions.size()));
  for (const Question& q : questions) {
    upstream->ask(q, [&](ForwardAnswer a) {
      EXPECT_EQ(a.code, ResponseCode::kSuccess);
      answered.count_down();
    });
  }
  answered.wait();
  EXPECT_EQ(counters().upstream_queries, questions.size());
  EXPECT_EQ(counters().prefix_queries, 1U);
  EXPECT_EQ(counters().coalesced, 0U);
}

}  // namespace
}  // namespace idnode::test
