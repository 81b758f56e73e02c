// Random numbers that every machine makes alike from a seed (SplitMix64, public domain, Vigna):
// the standard library's distributions differ between implementations. Values; no thread of their
// own.
#pragma once

#include <cmath>
#include <cstdint>

namespace millrace::bench {

constexpr std::uint64_t scramble(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

// One number from several; the order matters.
constexpr std::uint64_t mix_numbers(std::uint64_t a, std::uint64_t b) {
  return scramble(scramble(a + 0x9e3779b97f4a7c15ULL) ^ (b + 0x632be59bd9b4e019ULL));
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return scramble(state_ += 0x9e3779b97f4a7c15ULL); }
  // 0 to bound - 1; bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // Above 0, up to 1.
  double fraction() { return (static_cast<double>(next() >> 11) + 1) * 0x1p-53; }
  // Mean 0, standard deviation 1 (Box and Muller).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(fraction()));
    return radius * std::cos(6.283185307179586 * fraction());
  }

 private:
  std::uint64_t state_;
};

}  // namespace millrace::bench
