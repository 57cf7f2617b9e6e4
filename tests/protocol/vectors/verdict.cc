#include <algorithm>

#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {

void Verdict::fail(std::string what, std::size_t offset) {
  if (failed_) return;
  failed_ = true;
  what_ = std::move(what);
  offset_ = offset;
}

void Verdict::equal(std::string_view what, std::string_view got, std::string_view want) {
  ++comparisons_;
  if (got == want) return;
  const auto [a, b] = std::mismatch(got.begin(), got.end(), want.begin(), want.end());
  const auto offset = static_cast<std::size_t>(a - got.begin());
  fail(std::string(what) + ": " + std::to_string(got.size()) + " octets, expected " +
           std::to_string(want.size()),
       offset);
}

void Verdict::equal(std::string_view what, std::uint64_t got, std::uint64_t want) {
  ++comparisons_;
  if (got != want)
    fail(std::string(what) + ": " + std::to_string(got) + ", expected " + std::to_string(want), 0);
}

void Verdict::holds(std::string_view what, bool condition, std::size_t offset) {
  ++comparisons_;
  if (!condition) fail(std::string(what), offset);
}

}  // namespace idnode::vectors
