#include "tests/system/linear/history.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace idnode::linear {
namespace {

// The state after `op` when it takes effect on `state` with the outcome that was seen; nothing when it
// cannot have.
std::optional<std::uint32_t> apply(const Operation& op, std::uint32_t state) {
  const bool there = state != kAbsent;
  const bool fits = op.kind == Kind::kCreate ? !there : there;  // the operation would be done
  if (op.outcome == Outcome::kRefused) return fits ? std::nullopt : std::optional(state);
  if (!fits) return op.outcome == Outcome::kUnknown ? std::optional(state) : std::nullopt;
  switch (op.kind) {
    case Kind::kCreate:
    case Kind::kModify: return op.value;
    case Kind::kDelete: return kAbsent;
    case Kind::kRead: break;
  }
  return op.value == state ? std::optional(state) : std::nullopt;
}

class Search {
 public:
  Search(const History& history, std::uint32_t start) : history_(history), state_(start) {
    taken_.assign(history.size(), '0');
    for (const Operation& op : history) wanted_ += op.answered != kOpen;
  }

  bool run() {
    if (wanted_ == 0) return true;
    if (!seen_.insert(taken_ + std::to_string(state_)).second) return false;
    Time earliest = kOpen;  // nobody may be taken who was asked after somebody untaken was answered
    for (std::size_t i = 0; i < history_.size() && history_[i].asked <= earliest; ++i)
      if (taken_[i] == '0') earliest = std::min(earliest, history_[i].answered);
    for (std::size_t i = 0; i < history_.size() && history_[i].asked <= earliest; ++i)
      if (taken_[i] == '0' && take(i)) return true;
    return false;
  }

 private:
  bool take(std::size_t i) {
    const auto next = apply(history_[i], state_);
    if (!next) return false;
    const std::uint32_t before = state_;
    const std::size_t counts = history_[i].answered != kOpen;
    taken_[i] = '1';
    state_ = *next;
    wanted_ -= counts;
    if (run()) return true;
    taken_[i] = '0';
    state_ = before;
    wanted_ += counts;
    return false;
  }

  const History& history_;  // in the order of asking
  std::uint32_t state_;
  std::string taken_;
  std::size_t wanted_ = 0;  // answered operations that are not taken yet
  std::unordered_set<std::string> seen_;
};

}  // namespace

bool linearizable(History history, std::uint32_t start) {
  std::sort(history.begin(), history.end(),
            [](const Operation& a, const Operation& b) { return a.asked < b.asked; });
  return Search(history, start).run();
}

std::string describe(const History& history) {
  constexpr std::string_view kKinds[] = {"create", "modify", "delete", "read"};
  constexpr std::string_view kOutcomes[] = {"done", "refused", "unknown"};
  History sorted = history;
  std::sort(sorted.begin(), sorted.end(),
            [](const Operation& a, const Operation& b) { return a.asked < b.asked; });
  std::string text;
  for (const Operation& op : sorted) {
    text += std::to_string(op.asked) + " .. ";
    text += op.answered == kOpen ? "open" : std::to_string(op.answered);
    text += ' ';
    text += kKinds[static_cast<std::size_t>(op.kind)];
    text += ' ' + std::to_string(op.value) + ' ';
    text += kOutcomes[static_cast<std::size_t>(op.outcome)];
    text += '\n';
  }
  return text;
}

}  // namespace idnode::linear
