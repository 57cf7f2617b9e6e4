#include "bench/load/keys.h"

#include <cmath>
#include <numeric>

namespace idnode::load {
namespace {

constexpr std::size_t kDrawn = std::size_t{1} << 20;

// (e^x - 1) / x and log(1 + x) / x without the hole at 0: s = 1 is then no special case.
double expm1_over(double x) { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2; }
double log1p_over(double x) { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2; }

}  // namespace

// SplitMix64.
std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

// The integral of t^-s from 1 to x.
double Zipf::integral(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1 - s_) * log_x) * log_x;
}

double Zipf::inverse_integral(double x) const {
  const double t = std::max(-1.0, x * (1 - s_));
  return std::exp(log1p_over(t) * x);
}

Zipf::Zipf(std::uint64_t count, double s) : count_(static_cast<double>(count)), s_(s) {
  lower_ = integral(1.5) - 1;
  upper_ = integral(count_ + 0.5);
  accept_ = 2 - inverse_integral(integral(2.5) - std::pow(2, -s_));
}

std::uint64_t Zipf::next(Random& random) const {
  for (;;) {
    const double u = upper_ + random.unit() * (lower_ - upper_);
    const double x = inverse_integral(u);
    const double k = std::min(std::max(std::floor(x + 0.5), 1.0), count_);
    if (k - x <= accept_ || u >= integral(k + 0.5) - std::pow(k, -s_))
      return static_cast<std::uint64_t>(k) - 1;
  }
}

KeyPicker::KeyPicker(std::uint64_t count, double zipf, std::uint64_t seed) : count_(count), random_(seed) {
  if (zipf <= 0) return;
  std::uint64_t step = 2'654'435'761U % count;
  while (std::gcd(step, count) != 1) ++step;
  const Zipf law(count, zipf);
  drawn_.reserve(kDrawn);
  for (std::size_t i = 0; i < kDrawn; ++i)
    drawn_.push_back(static_cast<std::uint32_t>(law.next(random_) * step % count));
}

}  // namespace idnode::load
