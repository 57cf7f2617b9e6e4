#include "tests/resolver/net/upstream_fixture.h"

#include <iostream>
#include <latch>

#include "protocol/identifier.h"

namespace idnode::test {

namespace {

std::string fold_lower(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

// The line that ops/test collects.
class Summary : public ::testing::Environment {
 public:
  void TearDown() override {
    const auto& unit = *::testing::UnitTest::GetInstance();
    std::cout << "upstream: " << fold_lower(unit.GetTestSuite(0)->name())
              << " scenarios=" << unit.test_to_run_count() << " failed=" << unit.failed_test_count() << "\n";
  }
};
[[maybe_unused]] const auto* const kSummary = ::testing::AddGlobalTestEnvironment(new Summary);

}  // namespace

Question question(std::string name, std::uint32_t flags, std::vector<std::uint32_t> indexes,
                  std::vector<std::string> types) {
  Question q;
  q.name = std::move(name);
  q.flags = flags;
  q.recursion_count = 1;
  handle::encode_indexes(indexes, q.indexes);
  handle::encode_texts(types, q.types);
  return q;
}

Forwarding::Forwarding() {
  settings.upstream.servers = {national->endpoint()};
  settings.upstream.allow = {*parse_network("127.0.0.0/8")};
  settings.limits.upstream_try_ms = kTryMs;
  settings.limits.upstream_deadline_ms = kDeadlineMs;
}

Forwarding::~Forwarding() {
  if (upstream) upstream->stop();
}

void Forwarding::start(std::vector<Endpoint> own_listeners) {
  upstream = std::make_unique<Upstream>(std::make_shared<const Settings>(settings), std::move(own_listeners));
  upstream->start();
}

std::string Forwarding::ask_until(const std::string& name, std::string_view data) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (;;) {
    std::string got = first_data(ask(name));
    if (got == data || std::chrono::steady_clock::now() > until) return got;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Timed Forwarding::timed(Question q) {
  if (!upstream) start();
  std::promise<ForwardAnswer> promise;
  std::future<ForwardAnswer> future = promise.get_future();
  const auto before = std::chrono::steady_clock::now();
  upstream->ask(std::move(q), [&promise](ForwardAnswer a) { promise.set_value(std::move(a)); });
  Timed result{future.get(), 0};
  result.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
  return result;
}

std::vector<Timed> Forwarding::timed_all(const std::vector<Question>& questions,
                                         std::optional<Address> source) {
  if (!upstream) start();
  std::vector<Timed> results(questions.size());
  std::latch answered(static_cast<std::ptrdiff_t>(questions.size()));
  const auto before = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    upstream->ask(
        questions[i],
        [&, i](ForwardAnswer a) {
          results[i].answer = std::move(a);
          results[i].ms =
              std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - before).count();
          answered.count_down();
        },
        source);
  }
  answered.wait();
  return results;
}

Script Forwarding::prefix_record(std::string prefix, std::vector<Value> values) {
  return [prefix = "0.NA/" + prefix, values = std::move(values)](const Seen& seen) {
    Canned c;
    if (equal_folded(expand_bare_prefix(seen.name), prefix)) {
      c.values = values;
    } else {
      c.code = handle::ResponseCode::kHandleNotFound;
      c.text = "no such prefix";
    }
    return answer(seen, c);
  };
}

std::string first_data(const ForwardAnswer& answer) {
  const auto values = to_values({answer.value_count, answer.values});
  return values.empty() ? std::string{} : values[0].data;
}

}  // namespace idnode::test
