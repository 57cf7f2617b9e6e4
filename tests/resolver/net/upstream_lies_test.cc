// Upstream lies, or somebody in its name does: none of it is given to a client, none of it is kept, and each
// message that did not count is counted by its reason (BEHAVIOUR.md §17.2 rule 8a).
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include "protocol/identifier.h"
#include "resolver/net/attempt.h"
#include "resolver/net/site_table.h"
#include "tests/resolver/net/upstream_fixture.h"

namespace idnode::test {
namespace {

using handle::ResponseCode;
using Outcome = ForwardAnswer::Outcome;
namespace flag = handle::flag;

std::string twist(std::string frame, std::size_t offset, std::uint8_t octet) {
  frame[offset] = static_cast<char>(octet);
  return frame;
}

enum class Over { kBoth, kTcp, kUdp };
// A lie, told to whoever asks for this name. Later than it comes nothing that is true, or the truth: the test
// says which.
struct Lie {
  const char* name;
  Dropped reason;
  std::function<std::string(const Seen&)> octets;
  Over over = Over::kBoth;
};

Canned lying() {
  Canned c;
  c.values = {text_value(1, "URL", "lie")};
  return c;
}

std::vector<Lie> lies() {
  const auto with = [](auto change) {
    return [change](const Seen& s) {
      Canned c = lying();
      change(c);
      return frame_of(s, c);
    };
  };
  const auto plain = [](const Seen& s) { return frame_of(s, lying()); };
  // An honest answer to another question that we might have asked.
  const auto of_another = [](const Seen& s, const Canned& c) {
    Seen other = s;
    other.covered[other.covered.size() - 1] = static_cast<char>(other.covered.back() ^ 1);
    return frame_of(other, c);
  };
  return {
      {"88.1/request id", Dropped::kRequestId, with([](Canned& c) { c.request_id_xor = 1; })},
      {"88.1/other name", Dropped::kName, with([](Canned& c) { c.name = "88.1/another"; })},
      {"88.1/name of other case", Dropped::kName, with([](Canned& c) { c.name = "88.1/name"; })},
      {"88.1/other question", Dropped::kDigest,
       [of_another](const Seen& s) { return of_another(s, lying()); }},
      {"88.1/other absence", Dropped::kDigest,
       [of_another](const Seen& s) {
         Canned c;
         c.code = ResponseCode::kHandleNotFound;
         return of_another(s, c);
       }},
      {"88.1/opcode", Dropped::kOpcode, with([](Canned& c) {
         c.opcode = 101;
         c.code = ResponseCode::kHandleNotFound;
       })},
      {"88.1/code of a draft", Dropped::kCode, with([](Canned& c) { c.raw_code = 900; })},
      {"88.1/no response", Dropped::kCode, [plain](const Seen& s) { return twist(plain(s), 27, 0); }},
      {"88.1/unlisted code", Dropped::kCode, with([](Canned& c) { c.raw_code = 4'711; })},
      {"88.1/expired", Dropped::kExpired, with([](Canned& c) { c.expires_in = -60; })},
      {"88.1/digest", Dropped::kDigest, with([](Canned& c) { c.bad_digest = true; })},
      {"88.1/no digest", Dropped::kDigest, with([](Canned& c) { c.no_digest = true; })},
      {"88.1/encrypted", Dropped::kMalformed, [plain](const Seen& s) { return twist(plain(s), 2, 0x42); }},
      {"88.1/body length", Dropped::kMalformed, [plain](const Seen& s) { return twist(plain(s), 41, 0xff); }},
      {"88.1/value count", Dropped::kMalformed,
       [plain](const Seen& s) { return twist(plain(s), 20 + 24 + 33 + 4 + s.name.size(), 0x7f); }},
      {"88.1/part of a list", Dropped::kCode,
       [plain](const Seen& s) {
         std::string frame = plain(s);
         return twist(frame, 28, static_cast<std::uint8_t>(frame[28] | 0x04));
       }},
      {"88.1/256 MiB", Dropped::kMalformed, [plain](const Seen& s) { return twist(plain(s), 16, 0x10); },
       Over::kTcp},
      {"88.1/one octet above the limit", Dropped::kMalformed,
       [plain](const Seen& s) { return twist(twist(twist(plain(s), 17, 0x04), 18, 0), 19, 1); }, Over::kTcp},
      {"88.1/longer than its datagram", Dropped::kMalformed,
       [plain](const Seen& s) {
         const std::string frame = plain(s);
         return twist(frame, 19, static_cast<std::uint8_t>(frame[19] + 4));
       },
       Over::kUdp},
  };
}

class Lies : public Forwarding {
 protected:
  Lies() {
    settings.upstream.mode = UpstreamSettings::Mode::kForward;
    settings.limits.upstream_failures = 1'000;
    settings.limits.upstream_try_ms = 800;
    settings.limits.upstream_deadline_ms = 2'500;
  }
  // Every lie by the name that is asked for; other names hear the truth.
  static Script telling(std::vector<Lie> all, bool and_the_truth) {
    return [all = std::move(all), and_the_truth](const Seen& s) {
      std::vector<Piece> pieces;
      for (const Lie& lie : all) {
        if (s.name == lie.name) pieces.push_back({lie.octets(s)});
      }
      if (pieces.empty() || and_the_truth) pieces.push_back({frame_of(s, url_of(s)), 30});
      return pieces;
    };
  }
  std::map<Dropped, std::uint64_t> counted() const {
    std::map<Dropped, std::uint64_t> all;
    for (std::size_t i = 0; i < kDroppedReasons; ++i) {
      all[static_cast<Dropped>(i)] = dropped(static_cast<Dropped>(i));
    }
    return all;
  }
};

std::vector<Lie> told_over(Over transport) {
  std::vector<Lie> all = lies();
  std::erase_if(all, [&](const Lie& lie) { return lie.over != Over::kBoth && lie.over != transport; });
  return all;
}

std::vector<Question> questions_of(const std::vector<Lie>& all) {
  std::vector<Question> questions;
  for (const Lie& lie : all) questions.push_back(question(lie.name));
  return questions;
}

std::size_t accepted_lies(const std::vector<Timed>& results) {
  return static_cast<std::size_t>(
      std::ranges::count_if(results, [](const Timed& t) { return t.answer.value_count != 0; }));
}

// U4 over TCP: nothing but lies. Each question fails in time and nothing is kept.
TEST_F(Lies, OverTcpFailInTimeAreCountedAndNotKept) {
  const std::vector<Lie> all = told_over(Over::kTcp);
  national->set_script(telling(all, /*and_the_truth=*/false));
  std::vector<Question> questions = questions_of(all);
  questions.push_back(question("88.1/the truth"));  // what shows that answers would be taken and kept
  const std::vector<Timed> results = timed_all(questions);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(results[i].answer.code, ResponseCode::kError) << all[i].name;
    EXPECT_EQ(results[i].answer.value_count, 0U) << all[i].name;
    EXPECT_LE(results[i].ms, 5'000) << all[i].name;
  }
  EXPECT_EQ(first_data(results.back().answer), "88.1/the truth");
  EXPECT_EQ(upstream->cache().counters().entries, 1U);
  std::map<Dropped, std::uint64_t> told;
  for (const Lie& lie : all) ++told[lie.reason];
  const auto seen = counted();
  for (const auto& [reason, times] : told) EXPECT_GE(seen.at(reason), times) << name(reason);
  std::cout << "upstream: U4 tcp lies=" << all.size() << " accepted=" << accepted_lies(results) - 1
            << " cached=" << upstream->cache().counters().entries - 1;
  for (const auto& [reason, times] : seen) {
    if (times != 0) std::cout << " dropped_" << name(reason) << "=" << times;
  }
  std::cout << " control_accepted=1\n";
}

// U4 over UDP: the lie first, the truth 30 ms later. The truth is what counts.
TEST_F(Lies, OverUdpAreDroppedAndTheWaitGoesOn) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  national->set_script(prefix_record("88.1", {site_value(1, site_at(node->endpoint(), Offer::kUdp))}));
  const std::vector<Lie> all = told_over(Over::kUdp);
  node->set_script(telling(all, /*and_the_truth=*/true));
  const std::vector<Timed> results = timed_all(questions_of(all));
  std::size_t truths = 0;
  std::map<Dropped, std::uint64_t> told;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(first_data(results[i].answer), all[i].name);
    if (first_data(results[i].answer) == all[i].name) ++truths;
    ++told[all[i].reason];
  }
  const auto seen = counted();
  for (const auto& [reason, times] : told) EXPECT_GE(seen.at(reason), times) << name(reason);
  std::cout << "upstream: U4 udp lies=" << all.size() << " accepted=" << all.size() - truths
            << " truths=" << truths << "\n";
}

// A signature that is asked for has to be there and be good.
TEST_F(Lies, BadSignaturesDoNotCount) {
  const auto key = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  const auto other = crypto::PrivateKey::generate(crypto::KeyKind::kRsa);
  ASSERT_TRUE(key && other);
  national->set_script([&](const Seen& s) {
    Canned c = url_of(s);
    c.key = s.name == "88.1/foreign" ? &*other : s.name == "88.1/unsigned" ? nullptr : &*key;
    c.bad_signature = s.name == "88.1/spoiled";
    if (s.header.opcode == 2)
      encode(site_at(national->endpoint(), Offer::kTcp, key->public_key().serialize()), c.site);
    return answer(s, c);
  });
  const std::uint32_t certified = flag::kClientDefault | flag::kCertify;
  const auto results = timed_all({question("88.1/foreign", certified), question("88.1/unsigned", certified),
                                  question("88.1/spoiled", certified), question("88.1/good", certified)});
  EXPECT_EQ(accepted_lies(results), 1U);
  EXPECT_EQ(first_data(results[3].answer), "88.1/good");
  EXPECT_TRUE(results[3].answer.signature_verified);
  EXPECT_GE(dropped(Dropped::kSignature), 3U);
  EXPECT_EQ(upstream->cache().counters().entries, 1U);
  std::cout << "upstream: U4 signatures lies=3 accepted=" << accepted_lies(results) - 1
            << " cached=" << upstream->cache().counters().entries - 1
            << " dropped_signature=" << dropped(Dropped::kSignature) << " control_accepted=1\n";
}

// A lifetime is the server's to name, but not beyond our caps; a negative one is none.
TEST_F(Lies, LifetimesAreClamped) {
  settings.limits.cache_ttl_seconds = 172'800;
  national->set_script([](const Seen& s) {
    Canned c = url_of(s);
    c.values[0].ttl = static_cast<std::uint32_t>(std::stoul(std::string(split(s.name).suffix)));
    return answer(s, c);
  });
  struct Row {
    const char* name;
    std::uint32_t keep;
  };
  const Row rows[] = {{"88.1/2147483647", 172'800},
                      {"88.1/2147483648", 0},
                      {"88.1/4294967295", 0},
                      {"88.1/0", 0},
                      {"88.1/60", 60}};
  std::uint32_t longest = 0;
  int negative_kept = 0;
  for (const Row& row : rows) {
    EXPECT_EQ(first_data(ask(row.name)), row.name);
    const Now now = wall_and_steady();
    const auto kept_until = [&](std::uint64_t seconds) {
      ForwardAnswer found;
      Now then = now;
      then.ms += seconds * 1'000;
      then.steady_ms += seconds * 1'000;
      return upstream->cache().find(question(row.name), then, found);
    };
    EXPECT_FALSE(kept_until(row.keep)) << row.name;
    negative_kept += row.keep == 0 && kept_until(0) ? 1 : 0;
    if (row.keep == 0) continue;
    EXPECT_TRUE(kept_until(row.keep - std::min<std::uint32_t>(row.keep, 30))) << row.name;
    longest = std::max(longest, row.keep);
  }
  // And the sites of a prefix: at most a day, whatever their record says.
  EXPECT_EQ(SiteTable::kMostSeconds, 86'400U);
  std::cout << "upstream: U4 lifetimes rows=" << std::size(rows) << " kept_without_lifetime=" << negative_kept
            << " longest_s=" << longest << "\n";
}

// The truth, but after the deadline: the client has its answer by then, and nobody keeps what comes.
TEST_F(Lies, AnswersAfterTheDeadlineAreNotKept) {
  settings.limits.upstream_try_ms = kTryMs;
  settings.limits.upstream_deadline_ms = 2 * kTryMs;
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  national->set_script(prefix_record("88.1", {site_value(1, site_at(node->endpoint(), Offer::kUdp))}));
  ScriptedPeer tcp(silent());
  const auto late = [](const Seen& s) { return std::vector<Piece>{{frame_of(s, url_of(s)), 700}}; };
  node->set_script(late);
  tcp.set_script(late);
  Question over_tcp = question("88.118.7/late");
  auto entry = std::make_shared<PrefixEntry>();
  entry->prefix_handle = "0.NA/88.118.7";
  entry->sites = {site_at(tcp.endpoint(), Offer::kTcp)};
  over_tcp.route = entry;
  const auto results = timed_all({question("88.1/late"), over_tcp});
  for (const Timed& t : results) EXPECT_EQ(t.answer.outcome, Outcome::kTimeout);
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  EXPECT_EQ(upstream->cache().counters().entries, 0U);
  EXPECT_GE(node->count(), 1U);
  EXPECT_GE(tcp.count(), 1U);
  std::cout << "upstream: U4 late lies=2 accepted=" << accepted_lies(results)
            << " cached=" << upstream->cache().counters().entries
            << " timeouts=" << outcomes(Outcome::kTimeout) << "\n";
}

// A server on UDP that knows how to forge: it counts whom it has heard and does with each request as told.
class Forger {
 public:
  using Deed = std::function<void(int fd, const Seen& seen, const sockaddr_in& to)>;
  explicit Forger(Deed deed) : deed_(std::move(deed)) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{0, 50'000};
    const int large = 4 << 20;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof(at)) != 0 ||
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large)) != 0)
      throw std::runtime_error("no socket for the forger");
    sockaddr_storage bound{};
    socklen_t size = sizeof(bound);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Forger() {
    stop_.store(true);
    thread_.join();
    ::close(fd_);
  }
  Forger(const Forger&) = delete;
  Forger& operator=(const Forger&) = delete;
  Endpoint endpoint() const { return {*parse_ip("127.0.0.1"), port_}; }

 private:
  void run() {
    char buffer[2'048];
    while (!stop_.load()) {
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t n = ::recvfrom(fd_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n <= 0) continue;
      const std::string_view datagram(buffer, static_cast<std::size_t>(n));
      const auto envelope = handle::decode_envelope(datagram);
      if (!envelope) continue;
      const auto request = handle::decode_request(*envelope, datagram.substr(handle::kEnvelopeSize), {});
      if (!request) continue;
      Seen seen;
      seen.tcp = false;
      seen.peer_port = ntohs(from.sin_port);
      seen.envelope = *envelope;
      seen.header = request->header;
      seen.covered = request->covered;
      seen.name = request->name;
      deed_(fd_, seen, from);
    }
  }
  Deed deed_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

bool send_to(int fd, std::string_view octets, const sockaddr_in& to) {
  return ::sendto(fd, octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) >
         0;
}

constexpr std::uint32_t kForgeries = 65'536;

// U10: forged answers that are right in everything but what the forger has to guess. From the server's own
// address and port with the wrong request id; from elsewhere with the right one; and as control from the
// server's address with the right one, which would be taken.
TEST_F(Lies, ForgedDatagramsAreNotTaken) {
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  settings.limits.upstream_try_ms = 30'000;
  settings.limits.upstream_deadline_ms = 50'000;
  std::atomic<std::uint32_t> forged{0};
  std::set<std::string> served;
  Forger forger([&](int fd, const Seen& s, const sockaddr_in& to) {
    if (!served.insert(s.name).second) {  // a repeat: the flood has pushed the truth out of a buffer
      send_to(fd, frame_of(s, url_of(s)), to);
      return;
    }
    Canned lie = lying();
    std::string frame = frame_of(s, lie);
    const int elsewhere = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (std::uint32_t i = 1; i <= kForgeries && s.name != "88.1/control"; ++i) {
      const bool from_server = s.name == "88.1/guess";
      const std::uint32_t id = s.envelope.request_id ^ (from_server ? i : 0);
      for (std::size_t octet = 0; octet < 4; ++octet) {
        frame[8 + octet] = static_cast<char>(id >> (24 - 8 * octet));
      }
      if (send_to(from_server ? fd : elsewhere, frame, to)) forged.fetch_add(1);
      if (i % 128 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::close(elsewhere);
    send_to(fd, s.name == "88.1/control" ? frame : frame_of(s, url_of(s)), to);
  });
  national->set_script(prefix_record("88.1", {site_value(1, site_at(forger.endpoint(), Offer::kUdp))}));
  std::size_t accepted = 0;
  const auto truth = [&](const char* name) {
    const std::string data = first_data(ask(name));
    EXPECT_EQ(data, name);
    accepted += data == "lie" ? 1 : 0;
  };
  truth("88.1/guess");
  const std::uint64_t seen = dropped(Dropped::kRequestId);
  EXPECT_GE(seen, kForgeries / 4) << "most were lost before they arrived";
  truth("88.1/elsewhere");
  EXPECT_EQ(dropped(Dropped::kRequestId), seen) << "the kernel hands over only what the server sent";
  const std::string control = first_data(ask("88.1/control"));
  EXPECT_EQ(control, "lie") << "a forger who guesses right is believed";
  ForwardAnswer kept;
  for (const char* name : {"88.1/guess", "88.1/elsewhere"}) {
    EXPECT_TRUE(upstream->cache().find(question(name), wall_and_steady(), kept));
    EXPECT_EQ(first_data(kept), name);
  }
  std::cout << "upstream: U10 forged=" << forged.load() << " arrived_and_dropped=" << seen
            << " accepted=" << accepted << " control_accepted=" << (control == "lie" ? 1 : 0) << "\n";
}

// Pearson's statistic over `bins`, as standard deviations from what chance gives.
double chi_square_deviation(const std::vector<std::uint64_t>& values, std::uint64_t range, std::size_t bins) {
  std::vector<double> counts(bins, 0);
  for (const std::uint64_t value : values) counts[static_cast<std::size_t>(value * bins / range)] += 1;
  const double expected = static_cast<double>(values.size()) / static_cast<double>(bins);
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  const auto freedom = static_cast<double>(bins - 1);
  return (sum - freedom) / std::sqrt(2 * freedom);
}

// The worst of the four octets of ids and of the steps from one id to the next.
double worst_of_ids(const std::vector<std::uint32_t>& ids) {
  double worst = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    std::vector<std::uint64_t> octets, steps;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      octets.push_back(ids[i] >> shift & 0xff);
      if (i > 0) steps.push_back((ids[i] - ids[i - 1]) >> shift & 0xff);
    }
    for (const auto* list : {&octets, &steps}) {
      worst = std::max(worst, std::abs(chi_square_deviation(*list, 256, 256)));
    }
  }
  return worst;
}

// U10: what a forger has to guess is random: 32 bits of request id and a port of its own for each question.
TEST_F(Lies, RequestIdsAndPortsAreRandom) {
  constexpr std::size_t kQuestions = 8'192;
  constexpr double kMostDeviation = 7;  // of a normal variable: one run in 10^11
  settings.upstream.mode = UpstreamSettings::Mode::kIterate;
  settings.limits.upstream_try_ms = 30'000;
  settings.limits.upstream_deadline_ms = 50'000;
  std::vector<std::uint32_t> ids;
  std::vector<std::uint64_t> ports;
  {
    Forger honest([&](int fd, const Seen& s, const sockaddr_in& to) {
      ids.push_back(s.envelope.request_id);
      ports.push_back(s.peer_port);
      send_to(fd, frame_of(s, url_of(s)), to);
    });
    national->set_script(prefix_record("88.1", {site_value(1, site_at(honest.endpoint(), Offer::kUdp))}));
    ask("88.1/first");
    for (std::size_t begin = 0; begin < kQuestions; begin += 128) {
      std::vector<Question> questions;
      for (std::size_t i = begin; i < begin + 128; ++i)
        questions.push_back(question("88.1/" + std::to_string(i)));
      for (const Timed& t : timed_all(questions)) ASSERT_EQ(t.answer.code, ResponseCode::kSuccess);
    }
    upstream->stop();
  }
  ASSERT_GE(ids.size(), kQuestions);
  const std::uint64_t low = *std::ranges::min_element(ports);
  const std::uint64_t range = *std::ranges::max_element(ports) - low + 1;
  for (std::uint64_t& port : ports) port -= low;
  const double of_ids = worst_of_ids(ids);
  const double of_ports = chi_square_deviation(ports, range, 64);
  EXPECT_LE(of_ids, kMostDeviation);
  EXPECT_LE(of_ports, kMostDeviation);
  EXPECT_GE(range, 8'192U) << "few ports to guess";

  // What the statistic has to find: a counter, and 16 random bits of 32.
  std::vector<std::uint32_t> counting, narrow;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    counting.push_back(static_cast<std::uint32_t>(i) * 0x01010101U);
    narrow.push_back(ids[i] & 0xffffU);
  }
  const double of_counter = worst_of_ids(counting);
  EXPECT_GT(of_counter, kMostDeviation);
  EXPECT_GT(worst_of_ids(narrow), kMostDeviation);
  std::vector<std::uint64_t> few_ports;
  for (const std::uint64_t port : ports) few_ports.push_back(port / 2);
  EXPECT_GT(chi_square_deviation(few_ports, range, 64), kMostDeviation);
  std::cout << "upstream: U10 ids=" << ids.size() << " id_deviation=" << of_ids << " ports_range=" << range
            << " port_deviation=" << of_ports << " most=" << kMostDeviation
            << " control_deviation=" << of_counter << "\n";
}

}  // namespace
}  // namespace idnode::test
