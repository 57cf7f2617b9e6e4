// A resolution that is answered from memory allocates nothing: every operator new of this program is counted.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/resolver/logic/node.h"

namespace {
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace idnode::logic_test {
namespace {

std::uint64_t allocations_of(Node& node, const std::string& frame, std::uint32_t code) {
  const handle::Envelope envelope = handle::decode_envelope(frame).value();
  const std::string_view message = std::string_view(frame).substr(handle::kEnvelopeSize);
  std::uint64_t before = 0;
  for (int i = 0; i < 100; ++i) {
    // The first rounds give the buffers their size.
    if (i == 10) before = allocations.load();
    if (node.exchange->start(envelope, message, node.source, node.now) != Step::kDone) return ~0ULL;
    if (node.exchange->record().code != code) return ~0ULL;
  }
  return allocations.load() - before;
}

TEST(Allocation, NoneForWhatMemoryAnswers) {
  Node node;
  const std::string name = "88.118.8/870101.X200.000123.a-name-that-is-longer-than-small-strings-are";
  node.home("0.NA/88.118.8");
  node.home("0.NA/0.NA/88.118");
  node.put(name, {value(1, "URL", std::string(200, 'u')), value(2, "DESC", "text"),
                  value(3, "PRICE", "7", "1100")});
  node.put("0.NA/88.118.8", {site_value(1, "HS_SITE", node.identity().site)});
  constexpr std::uint32_t kRd = handle::flag::kClientDefault | handle::flag::kReturnDigest;

  EXPECT_EQ(allocations_of(node, resolve_frame(name), 1), 0u);
  EXPECT_EQ(allocations_of(node, resolve_frame(name, {{1}, {"DESC"}}), 1), 0u) << "filtered";
  EXPECT_EQ(allocations_of(node, resolve_frame(name, {}, kRd), 1), 0u) << "with a digest";
  EXPECT_EQ(allocations_of(node, resolve_frame("88.118.8/none"), 100), 0u);
  EXPECT_EQ(allocations_of(node, resolve_frame("88.119/none"), 301), 0u);
  EXPECT_EQ(allocations_of(node, resolve_frame("88.118.8"), 1), 0u) << "bare prefix";
  EXPECT_EQ(allocations_of(node, resolve_frame("0.NA/88.118.9"), 100), 0u) << "marker";
  EXPECT_EQ(allocations_of(node, frame_of(handle::OpCode::kSiteInfo, "/"), 1), 0u);
}

TEST(Allocation, TheCounterCounts) {
  const std::uint64_t before = allocations.load();
  const auto one = std::make_unique<int>(1);
  EXPECT_EQ(allocations.load() - before, 1u);
}

}  // namespace
}  // namespace idnode::logic_test
