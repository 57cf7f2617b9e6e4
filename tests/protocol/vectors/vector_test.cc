// Every golden vector through its checker, then every cut of it. Prints one line a failure and two lines of
// sums.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>

#include "tests/protocol/vectors/checks.h"

namespace idnode::vectors {
namespace {

struct Sums {
  std::size_t checked = 0, failed = 0, skipped = 0;
  std::size_t refused = 0, legal = 0, wrong = 0;
};

void check(const Vector& v, const Row& row, Sums& sums) {
  Verdict verdict;
  try {
    row.check(v, verdict);
    if (verdict.comparisons() == 0) verdict.holds("the checker compared nothing", false);
  } catch (const std::exception& e) {
    verdict.holds(e.what(), false);
  }
  ++sums.checked;
  if (!verdict.failed()) return;
  ++sums.failed;
  std::printf("FAILED %s offset %zu: %s\n", v.name.c_str(), verdict.offset(), verdict.what().c_str());
}

// The cut is copied to memory of exactly its size (a string would hide the first octet behind it), so that a
// sanitizer sees a read behind its end.
void check_cuts(const Vector& v, const Row& row, Sums& sums) {
  if (row.accepts == nullptr) return;
  for (std::size_t length = 0; length < v.octets.size(); ++length) {
    const std::unique_ptr<char[]> cut(new char[length]);
    std::copy_n(v.octets.data(), length, cut.get());
    const bool accepted = row.accepts(v, std::string_view(cut.get(), length));
    const char* legal = row.legal_short == nullptr ? nullptr : row.legal_short(v, length);
    if (accepted == (legal != nullptr)) {
      ++(accepted ? sums.legal : sums.refused);
    } else {
      if (++sums.wrong <= 50)
        std::printf("TRUNCATION %s at %zu of %zu: %s\n", v.name.c_str(), length, v.octets.size(),
                    accepted ? "accepted" : legal);
    }
  }
}

int run() {
  Sums sums;
  std::map<std::string, std::size_t> skipped;
  for (const Vector& v : load(default_path())) {
    if (!counted(v.kind)) continue;
    const Row* row = row_of(v.kind);
    if (row == nullptr) {
      ++sums.skipped;
      ++skipped[v.kind];
      continue;
    }
    check(v, *row, sums);
    check_cuts(v, *row, sums);
  }
  for (const auto& [kind, n] : skipped) std::printf("SKIPPED %zu of kind %s: no checker\n", n, kind.c_str());
  std::printf("truncations: %zu tried, %zu refused, %zu legal short forms, %zu wrong\n",
              sums.refused + sums.legal + sums.wrong, sums.refused, sums.legal, sums.wrong);
  std::printf("vectors: %zu checked, %zu failed, %zu skipped\n", sums.checked, sums.failed, sums.skipped);
  return sums.failed == 0 && sums.wrong == 0 && sums.checked > 0 ? 0 : 1;
}

}  // namespace
}  // namespace idnode::vectors

int main() {
  try {
    return idnode::vectors::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "vector_test: %s\n", e.what());
    return 1;
  }
}
