// Which identifier is asked for next: numbers below a bound, uniform or by Zipf's law. The same seed gives
// the same sequence.
#pragma once

#include <cstdint>
#include <vector>

namespace idnode::load {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  double unit();  // [0, 1)

 private:
  std::uint64_t state_;
};

// Rank 0 is the most frequent: rank r comes with a probability proportional to (r + 1)^-s.
// Rejection-inversion after Hörmann and Derflinger (1996): constant time and memory whatever `count` is.
class Zipf {
 public:
  Zipf(std::uint64_t count, double s);  // count >= 1, s > 0
  std::uint64_t next(Random& random) const;

 private:
  double integral(double x) const;
  double inverse_integral(double x) const;

  double count_;
  double s_;
  double upper_;
  double lower_;
  double accept_;
};

class KeyPicker {
 public:
  // zipf 0: uniform. 1 <= count <= 2^32. Zipf's ranks are scattered over the numbers, and drawn beforehand:
  // the sequence repeats after a million.
  KeyPicker(std::uint64_t count, double zipf, std::uint64_t seed);
  std::uint32_t next() {
    if (!drawn_.empty()) {
      if (at_ == drawn_.size()) at_ = 0;
      return drawn_[at_++];
    }
    return static_cast<std::uint32_t>(((random_.next() >> 32) * count_) >> 32);
  }

 private:
  std::uint64_t count_;
  Random random_;
  std::vector<std::uint32_t> drawn_;
  std::size_t at_ = 0;
};

}  // namespace idnode::load
