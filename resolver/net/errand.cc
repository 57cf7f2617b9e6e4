#include "resolver/net/errand.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/crypto/random.h"
#include "protocol/identifier.h"
#include "resolver/net/upstream_udp.h"

namespace idnode {

namespace asio = boost::asio;
using handle::ResponseCode;
using How = Finding::How;

namespace {

constexpr std::uint32_t kTries = 2;  // one retry
constexpr std::size_t kMostTargets = 8;
constexpr std::uint64_t kKeyLifeMs = 86'400'000;
// What a look-up has just found is not doubted: a site that always differs would cost one for each question.
constexpr std::uint64_t kRefreshAfterMs = 1'000;
// Less than this is not worth a connection.
constexpr std::chrono::milliseconds kLeastTry{5};

bool is_prefix_name(std::string_view name) { return !has_slash(name) || is_prefix_handle(name); }

bool is_referral(ResponseCode code, const Ask& ask) {
  return code == ResponseCode::kServiceReferral ||
         (code == ResponseCode::kPrefixReferral && is_prefix_name(ask.name));
}

}  // namespace

bool is_global_name(std::string_view name) { return !has_slash(name) || name.starts_with("0."); }

Errand::Errand(UpstreamState& state, Kind kind, SteadyTime deadline, bool certify,
               std::uint8_t recursion_count)
    : state_(state),
      view_(state.view),
      deadline_(deadline),
      certify_(certify),
      recursion_count_(recursion_count),
      budget_(kind == Kind::kQuestion ? kQuestionMessages : kPrefixMessages,
              kind == Kind::kQuestion ? state.counts.upstream_queries : state.counts.prefix_queries) {}

std::vector<Target> Errand::targets_of(const std::vector<handle::Site>& sites, std::string_view name,
                                       bool primary) {
  std::uint64_t refused = 0;
  std::vector<Target> targets =
      choose_targets(sites, expand_bare_prefix(name), primary, view_->reach, kMostTargets, refused);
  state_.counts.refused_addresses.add(refused);
  return targets;
}

asio::awaitable<Attempt> Errand::ask_one(Target& target, const Ask& ask, std::uint64_t& waited_ms) {
  const auto id = crypto::random_u64();
  if (!id) co_return Attempt{};
  const Now now = wall_and_steady();
  const Outgoing sent = make_outgoing(ask, target, static_cast<std::uint32_t>(*id), now);
  const SteadyTime until =
      std::min(deadline_, std::chrono::steady_clock::now() +
                              std::chrono::milliseconds(view_->settings->limits.upstream_try_ms));
  Attempt attempt;
  if (target.tcp) {
    attempt = co_await state_.pool.exchange(target, sent, until, budget_);
  } else {
    attempt = co_await exchange_udp(state_.io, state_.alarms, state_.counts, target, sent, until, budget_);
  }
  waited_ms = wall_and_steady().steady_ms - now.steady_ms;
  co_return attempt;
}

// Only the server itself tells the key of a configured address (opcode 2). It is believed for a day: who sits
// on the way then already carries every unsigned answer.
asio::awaitable<bool> Errand::learn_key(Target& target) {
  const std::uint64_t now = wall_and_steady().steady_ms;
  const auto known = state_.keys.find(target.endpoint);
  if (known != state_.keys.end() && known->second.until > now) {
    target.public_key = known->second.octets;
    co_return true;
  }
  Ask ask;
  ask.op = handle::OpCode::kSiteInfo;
  ask.name = "/";
  ask.flags = handle::flag::kReturnDigest;
  std::uint64_t waited = 0;
  const Attempt attempt = co_await ask_one(target, ask, waited);
  if (attempt.end != Attempt::End::kAnswer || attempt.answer->response.code() != ResponseCode::kSuccess) {
    co_return false;
  }
  const auto site = handle::decode_site(attempt.answer->response.site);
  if (!site || site->servers.empty()) co_return false;
  const auto here = std::ranges::find_if(site->servers, [&](const handle::SiteServer& server) {
    return site_address(server.address) == target.endpoint.address;
  });
  target.public_key = here != site->servers.end() ? here->public_key : site->servers.front().public_key;
  if (target.public_key.empty()) co_return false;
  state_.keys[target.endpoint] = {target.public_key, now + kKeyLifeMs};
  co_return true;
}

asio::awaitable<Errand::Reply> Errand::ask_any(std::vector<Target> targets, Ask ask) {
  Reply last;
  const std::string name = fold(ask.name);
  const bool had_targets = !targets.empty();
  std::erase_if(targets, [&](const Target& t) { return visited_.contains({t.endpoint, name}); });
  if (targets.empty()) {
    last.how = had_targets ? How::kLoop : How::kFailed;
    if (had_targets) state_.counts.loops.add();
    co_return last;
  }
  for (const Target& target : targets) visited_.emplace(target.endpoint, name);

  std::vector<bool> done(targets.size(), false);  // gave an answer: not asked again
  std::uint32_t tries = 0;
  // Twice round: the retry goes to another target when there is one, else to the same.
  for (std::size_t i = 0; i < 2 * targets.size() && tries < kTries; ++i) {
    Target& target = targets[i % targets.size()];
    if (done[i % targets.size()]) continue;
    if (state_.stopping) co_return last;
    if (std::chrono::steady_clock::now() + kLeastTry >= deadline_) {
      last.how = How::kTimeout;
      co_return last;
    }
    if (budget_.left() == 0) {
      last.how = How::kLoop;
      state_.counts.loops.add();
      co_return last;
    }
    if (!state_.breakers.admits(target.endpoint, wall_and_steady().steady_ms)) continue;
    ++tries;
    ++tries_;
    if (certify_ && target.public_key.empty() && target.configured && !co_await learn_key(target)) {
      state_.breakers.failed(target.endpoint, wall_and_steady().steady_ms);
      last.how = How::kFailed;
      continue;
    }

    std::uint64_t waited_ms = 0;
    Attempt attempt = co_await ask_one(target, ask, waited_ms);
    const std::uint64_t now = wall_and_steady().steady_ms;
    switch (attempt.end) {
      case Attempt::End::kAnswer:
        if (state_.breakers.succeeded(target.endpoint)) state_.failures.clear();
        if (certify_ && !signed_by(attempt.answer->response, target.public_key)) {
          state_.counts.drop(Dropped::kSignature);
          state_.keys.erase(target.endpoint);
          last.how = How::kFailed;
          break;
        }
        done[i % targets.size()] = true;
        last.how = How::kAnswered;
        last.target = target;
        last.incoming = std::move(attempt.answer);
        // Code 2 means "try elsewhere"; every other answer ends the search.
        if (last.code() != ResponseCode::kError) co_return last;
        break;
      case Attempt::End::kTimeout:
        // The end of the question's own time says little about the server.
        if (waited_ms * 2 >= view_->settings->limits.upstream_try_ms) {
          state_.breakers.failed(target.endpoint, now);
        } else {
          state_.breakers.abandoned(target.endpoint);
        }
        if (!last.incoming) last.how = How::kTimeout;
        break;
      case Attempt::End::kUnreachable:
      case Attempt::End::kClosed: state_.breakers.failed(target.endpoint, now); break;
      case Attempt::End::kLocal: state_.breakers.abandoned(target.endpoint); break;
    }
  }
  co_return last;
}

asio::awaitable<Errand::Reply> Errand::pursue(std::vector<Target> targets, Ask ask) {
  Reply reply = co_await ask_any(std::move(targets), ask);
  while (reply.how == How::kAnswered && is_referral(reply.code(), ask)) {
    const Service next = co_await referred(reply, ask);
    if (next.how != How::kAnswered && next.values.sites.empty()) {
      reply = Reply{};
      reply.how = next.how;
      co_return reply;
    }
    std::vector<Target> targets_there =
        targets_of(next.values.sites, ask.name, (ask.flags & handle::flag::kAuthoritative) != 0);
    // Whoever a referral names answers for itself.
    ask.flags &= ~handle::flag::kRecursive;
    reply = co_await ask_any(std::move(targets_there), ask);
  }
  co_return reply;
}

asio::awaitable<Errand::Service> Errand::referred(const Reply& reply, const Ask& ask) {
  const handle::Response& response = reply.incoming->response;
  const bool prefix = response.code() == ResponseCode::kPrefixReferral;
  const std::uint32_t now = wall_and_steady().seconds();
  Service found;
  if (response.has_values) found.values = read_sites(response.values, prefix, now);
  std::vector<handle::Site>& sites = found.values.sites;
  std::vector<std::string> handles = std::move(found.values.services);
  if (sites.empty() && handles.empty() && !response.name.empty()) handles.emplace_back(response.name);
  for (std::string& name : handles) {
    if (!sites.empty() || found.how == How::kLoop) break;
    Service more = co_await sites_of_handle(std::move(name), prefix);
    if (more.how != How::kAnswered) found.how = more.how;
    std::ranges::move(more.values.sites, std::back_inserter(sites));
  }
  co_return found;
}

// HS_SERV values and referrals name handles that hold the sites.
asio::awaitable<Errand::Service> Errand::sites_of_handle(std::string name, bool for_prefix_referral) {
  constexpr std::uint32_t kMostNested = 4;
  if (++nested_ > kMostNested) {
    state_.counts.loops.add();
    co_return Service{How::kLoop, {}};
  }
  std::vector<Target> targets;
  if (is_global_name(name)) {
    targets = view_->servers;
  } else {
    // Within this question's own bounds: joining another look-up could wait for itself.
    const Finding finding = co_await find_sites(fold(split(name).prefix));
    if (finding.how != How::kAnswered) co_return Service{finding.how, {}};
    if (!finding.sites) co_return Service{How::kFailed, {}};
    targets = targets_of(finding.sites->sites, name, false);
    if (finding.sites->global) targets.insert(targets.end(), view_->servers.begin(), view_->servers.end());
  }
  Ask ask = ask_for_sites(name, for_prefix_referral, certify_, recursion_count_);
  const Reply reply = co_await pursue(std::move(targets), std::move(ask));
  if (reply.how != How::kAnswered) co_return Service{reply.how, {}};
  switch (reply.code()) {
    case ResponseCode::kHandleNotFound:
    case ResponseCode::kValuesNotFound: co_return Service{};
    case ResponseCode::kSuccess:
      co_return Service{How::kAnswered, read_sites(reply.incoming->response.values, for_prefix_referral,
                                                   wall_and_steady().seconds())};
    default: co_return Service{How::kFailed, {}};
  }
}

Finding Errand::keep_found(std::string_view prefix, SiteValues found, bool global) {
  auto sites = std::make_shared<PrefixSites>();
  sites->sites = std::move(found.sites);
  sites->global = global;
  sites->found_steady_ms = wall_and_steady().steady_ms;
  sites->verified = certify_;
  Finding finding{How::kAnswered, ResponseCode::kSuccess, sites};
  if (keep) state_.sites.put(prefix, std::move(sites), found.ttl, wall_and_steady().steady_ms);
  return finding;
}

Finding Errand::keep_absent(std::string_view prefix) {
  auto sites = std::make_shared<PrefixSites>();
  sites->code = ResponseCode::kHandleNotFound;
  sites->verified = certify_;
  Finding finding{How::kAnswered, ResponseCode::kHandleNotFound, sites};
  const auto seconds = static_cast<std::uint32_t>(view_->settings->limits.cache_negative_seconds);
  if (keep) state_.sites.put(prefix, std::move(sites), seconds, wall_and_steady().steady_ms);
  return finding;
}

// The bare name first, which recursion nodes of the industry know; the form of the root registry when that
// was not understood. A record without sites is asked for once more of the primary.
asio::awaitable<Finding> Errand::find_sites(std::string prefix) {
  if (auto known = state_.sites.find(prefix, certify_, wall_and_steady().steady_ms)) {
    co_return Finding{How::kAnswered, known->code, known};
  }
  ResponseCode said = ResponseCode::kError;
  bool without_sites = false;
  for (const bool bare : {true, false}) {
    Ask ask = ask_for_sites(bare ? prefix : "0.NA/" + prefix, false, certify_, recursion_count_);
    // A recursion node is asked to find out; a root holds the record or refers.
    if (bare) ask.flags |= handle::flag::kRecursive;
    if (without_sites) ask.flags |= handle::flag::kAuthoritative;
    const Reply reply = co_await pursue(view_->servers, std::move(ask));
    if (reply.how != How::kAnswered) co_return Finding{reply.how, ResponseCode::kError, nullptr};
    said = reply.code();
    if (said == ResponseCode::kHandleNotFound) co_return keep_absent(prefix);
    if (said == ResponseCode::kTooBusy || said == ResponseCode::kRecursionTooHigh) break;
    if (said == ResponseCode::kValuesNotFound) without_sites = true;
    if (said != ResponseCode::kSuccess) continue;

    SiteValues found = read_sites(reply.incoming->response.values, false, wall_and_steady().seconds());
    bool global = false;
    How unread = How::kAnswered;
    for (std::string& service : found.services) {
      if (equal_folded(service, "0.NA/0.NA")) {
        global = true;
        continue;
      }
      Service more = co_await sites_of_handle(std::move(service), false);
      if (more.how != How::kAnswered) {
        unread = more.how;
        if (unread == How::kLoop) break;
        continue;
      }
      found.ttl = std::min(found.ttl, more.values.ttl);
      std::ranges::move(more.values.sites, std::back_inserter(found.sites));
    }
    if (global || !found.sites.empty()) co_return keep_found(prefix, std::move(found), global);
    // A service that could not be read says nothing about whether the prefix exists.
    if (unread != How::kAnswered) co_return Finding{unread, ResponseCode::kError, nullptr};
    without_sites = true;
  }
  if (without_sites) co_return keep_absent(prefix);
  co_return Finding{How::kAnswered, code_for_client(said), nullptr};
}

asio::awaitable<Finding> Errand::look_up(std::string prefix) {
  const Finding finding = co_await find_sites(std::move(prefix));
  end_ = finding.how;
  co_return finding;
}

namespace {

asio::awaitable<void> fly_for_prefix(UpstreamState& state, std::shared_ptr<PrefixFlight> flight,
                                     std::string prefix, std::string key, bool certify,
                                     std::uint8_t recursion_count) {
  const Limits& limits = state.view->settings->limits;
  const std::chrono::milliseconds time(limits.upstream_deadline_ms);
  const std::uint64_t most_seconds = limits.upstream_failure_seconds;
  Errand errand(state, Errand::Kind::kPrefix, std::chrono::steady_clock::now() + time, certify,
                recursion_count);
  flight->finding = co_await errand.look_up(prefix);
  if (flight->finding.how == How::kAnswered) {
    state.failures.drop(prefix);
  } else if (const auto failed = errand.failed(); failed && flight->keep) {
    state.failures.failed({prefix, key}, *failed, most_seconds, wall_and_steady().steady_ms);
  }
  // Dropped while it was under way: those who wait may use it, nobody after them.
  if (!flight->keep) state.sites.drop(prefix);
  flight->messages = errand.messages();
}

}  // namespace

asio::awaitable<Finding> Errand::joined_sites(std::string prefix) {
  if (auto known = state_.sites.find(prefix, certify_, wall_and_steady().steady_ms)) {
    co_return Finding{How::kAnswered, known->code, known};
  }
  // The count stands in the key so that a question that comes round a loop is not waited for by itself.
  std::string key = prefix + '\n' + (certify_ ? '1' : '0') + std::to_string(recursion_count_);
  if (const auto failed = state_.failures.find({prefix, key}, wall_and_steady().steady_ms)) {
    state_.counts.kept_failures.add();
    co_return Finding{*failed, ResponseCode::kError, nullptr};
  }
  std::shared_ptr<PrefixFlight> flight = state_.prefix_flights[key];
  if (!flight) {
    flight = std::make_shared<PrefixFlight>(state_.io);
    state_.prefix_flights[key] = flight;
    asio::co_spawn(state_.io, fly_for_prefix(state_, flight, prefix, key, certify_, recursion_count_),
                   [&state = state_, flight, key](std::exception_ptr) {
                     flight->finished = true;
                     flight->finished_signal.cancel();
                     state.prefix_flights.erase(key);
                   });
  }
  if (!flight->finished) {
    boost::system::error_code ignored;
    co_await flight->finished_signal.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  budget_.charge(flight->messages);
  co_return flight->finding;
}

ForwardAnswer Errand::failure(const Finding& finding) {
  ForwardAnswer answer;
  switch (finding.how) {
    case How::kTimeout:
      answer.outcome = ForwardAnswer::Outcome::kTimeout;
      answer.text = "no answer in time";
      break;
    case How::kLoop:
      answer.code = ResponseCode::kRecursionTooHigh;
      answer.text = "referrals do not end";
      break;
    case How::kAnswered:
      answer.code = finding.code;
      answer.text = std::string(handle::text_of(finding.code));
      if (finding.code == ResponseCode::kHandleNotFound) answer.outcome = ForwardAnswer::Outcome::kNotFound;
      break;
    case How::kFailed: answer.text = "no responsible server could be asked"; break;
  }
  return answer;
}

ForwardAnswer Errand::report(const Reply& reply) {
  end_ = reply.how;
  if (reply.how != How::kAnswered) return failure({reply.how, ResponseCode::kError, nullptr});
  const handle::Response& response = reply.incoming->response;
  ForwardAnswer answer;
  answer.code = code_for_client(response.code());
  answer.signature_verified = certify_;
  switch (answer.code) {
    case ResponseCode::kSuccess:
      answer.outcome = ForwardAnswer::Outcome::kAnswered;
      answer.value_count = response.values.count;
      answer.values = response.values.encoded;
      answer.verified = response.verified;
      break;
    case ResponseCode::kHandleNotFound:
    case ResponseCode::kValuesNotFound:
      answer.outcome = ForwardAnswer::Outcome::kNotFound;
      answer.text = response.text;
      break;
    default:
      if (answer.code == response.code()) answer.text = response.text;
  }
  return answer;
}

asio::awaitable<ForwardAnswer> Errand::answer(const Question& question) {
  const UpstreamSettings& settings = view_->settings->upstream;
  const bool primary = (question.flags & handle::flag::kAuthoritative) != 0;
  if (question.route) {
    // A pointer prefix of ours: downwards, never to the national node.
    co_return report(
        co_await pursue(targets_of(question.route->sites, question.name, primary), ask_of(question)));
  }
  if (settings.mode == UpstreamSettings::Mode::kForward) {
    Ask ask = ask_of(question);
    ask.flags |= handle::flag::kRecursive;
    co_return report(co_await pursue(view_->servers, std::move(ask)));
  }
  if (is_global_name(question.name)) co_return report(co_await pursue(view_->servers, ask_of(question)));
  co_return co_await answer_from_prefix(question);
}

// What is known of a prefix is out of date when nobody there answers, when whoever does is not responsible,
// or when it speaks of another version of its site record.
void Errand::refresh_when_outdated(const std::string& prefix, const Finding& finding, const Reply& reply) {
  if (finding.sites->found_steady_ms + kRefreshAfterMs > wall_and_steady().steady_ms) return;
  bool outdated = reply.how == How::kTimeout || reply.how == How::kFailed;
  if (reply.how == How::kAnswered) {
    const std::uint16_t serial = reply.incoming->response.header.site_serial;
    outdated = reply.code() == ResponseCode::kNotResponsible ||
               reply.code() == ResponseCode::kOutOfDateSite ||
               (serial != handle::kUnknownSerial && reply.target.serial != handle::kUnknownSerial &&
                serial != reply.target.serial);
  }
  if (outdated) state_.sites.drop(prefix);
}

asio::awaitable<ForwardAnswer> Errand::answer_from_prefix(const Question& question) {
  const std::string prefix = fold(split(question.name).prefix);
  const Finding finding = co_await joined_sites(prefix);
  if (finding.how != How::kAnswered || finding.code != ResponseCode::kSuccess || !finding.sites) {
    end_ = finding.how;
    co_return failure(finding);
  }
  const bool primary = (question.flags & handle::flag::kAuthoritative) != 0;
  std::vector<Target> targets = targets_of(finding.sites->sites, question.name, primary);
  if (finding.sites->global) targets.insert(targets.end(), view_->servers.begin(), view_->servers.end());
  const Reply reply = co_await pursue(std::move(targets), ask_of(question));

  refresh_when_outdated(prefix, finding, reply);
  co_return report(reply);
}

}  // namespace idnode
