// Random operations against plain maps, on both stores, with restarts, power cuts and full disks between.
//
// IDNODE_MODEL_RUNS (2,000) and IDNODE_MODEL_OPERATIONS (100) set the size, IDNODE_MODEL_SEED the start.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdio>
#include <cstdlib>

#include "tests/storage/model/operations.h"

namespace rc {

template <>
struct Arbitrary<idnode::model::Operation> {
  static Gen<idnode::model::Operation> arbitrary() {
    using idnode::model::Kind;
    using idnode::model::Operation;
    const auto kind = gen::weightedElement<Kind>({{400, Kind::kPut},
                                                  {100, Kind::kDelete},
                                                  {100, Kind::kStale},
                                                  {150, Kind::kDelta},
                                                  {150, Kind::kBurst},
                                                  {10, Kind::kFlush},
                                                  {6, Kind::kReopen},
                                                  {10, Kind::kCrash},
                                                  {10, Kind::kTorn},
                                                  {10, Kind::kFull},
                                                  {5, Kind::kBadSync}});
    return gen::build<Operation>(gen::set(&Operation::kind, kind), gen::set(&Operation::key),
                                 gen::set(&Operation::counter), gen::set(&Operation::amount),
                                 gen::set(&Operation::size), gen::set(&Operation::random));
  }
};

}  // namespace rc

namespace idnode::model {
namespace {

int setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

// Loses one write in two hundred.
class ForgetfulStore final : public Store {
 public:
  explicit ForgetfulStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  Result<bool> get(std::string_view key, std::string& image, Depth depth) const override {
    return store_->get(key, image, depth);
  }
  std::unique_ptr<Cursor> scan(std::string_view from, std::string_view to) const override {
    return store_->scan(from, to);
  }
  Result<void> apply_group(std::span<const WriteView> writes, std::uint64_t sequence) override {
    std::vector<WriteView> kept;
    for (const WriteView& write : writes) {
      if (++writes_ % 200 != 0) kept.push_back(write);
    }
    return store_->apply_group(kept, sequence);
  }
  std::uint64_t applied() const override { return store_->applied(); }
  Result<void> flush() override { return store_->flush(); }
  std::uint64_t approximate_bytes() const override { return store_->approximate_bytes(); }

 private:
  std::unique_ptr<Store> store_;
  std::uint64_t writes_ = 0;
};

auto operations(int count) {
  return rc::gen::container<std::vector<Operation>>(count, rc::gen::arbitrary<Operation>());
}

TEST(StorageModel, StoresAgreeWithTheOracleAndWithEachOther) {
  const int runs = setting("IDNODE_MODEL_RUNS", 2'000);
  const int count = setting("IDNODE_MODEL_OPERATIONS", 100);
  std::string parameters = "max_success=" + std::to_string(runs);
  if (const int seed = setting("IDNODE_MODEL_SEED", 0)) parameters += " seed=" + std::to_string(seed);
  ::setenv("RC_PARAMS", parameters.c_str(), 1);
  long done = 0;
  long steps = 0;
  long disagreements = 0;
  const bool agreed = rc::check("storage model", [&] {
    const auto script = *operations(count);
    const Outcome memory = run(script, {false, {}});
    const Outcome rocks = run(script, {true, {}});
    ++done;
    steps += static_cast<long>(script.size());
    if (memory.difference || rocks.difference || memory.contents != rocks.contents) {
      if (++disagreements == 1) {
        std::fprintf(stderr, "memory: %s\nrocks: %s\n", memory.difference.value_or("as it should be").c_str(),
                     rocks.difference.value_or("as it should be").c_str());
      }
    }
    RC_ASSERT(!memory.difference);
    RC_ASSERT(!rocks.difference);
    RC_ASSERT(memory.contents == rocks.contents);
  });

  // The negative control: the same scripts must notice a store that forgets.
  int blind = 0;
  for (const bool rocks : {false, true}) {
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 20 && !found; ++seed) {
      const auto script = operations(200)(rc::Random(seed), rc::kNominalSize).value();
      const Subject forgetful{rocks,
                              [](auto store) { return std::make_unique<ForgetfulStore>(std::move(store)); }};
      found = run(script, forgetful).difference.has_value();
    }
    blind += !found;
  }
  std::printf("model: runs=%ld operations=%ld disagreements=%ld planted_bug=%s\n", done, steps, disagreements,
              blind == 0 ? "found" : "missed");
  EXPECT_TRUE(agreed);
  EXPECT_EQ(disagreements, 0);
  EXPECT_EQ(blind, 0);
}

}  // namespace
}  // namespace idnode::model
