// Arithmetic on polynomials over GF(2) modulo a CRC's polynomial, at compile time and in
// combine. Thread: any; no state. Invariant: a Word is reflected: its lowest bit is the
// coefficient of the highest power, x^(width-1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace millrace::s3::crc_math {

template <class Poly>
inline constexpr int width = std::numeric_limits<typename Poly::Word>::digits;

// The polynomial 1.
template <class Poly>
inline constexpr typename Poly::Word one = typename Poly::Word{1} << (width<Poly> - 1);

template <class Poly>
constexpr typename Poly::Word times_x(typename Poly::Word a) {
  return static_cast<typename Poly::Word>(a >> 1 ^ (a & 1 ? Poly::poly : 0));
}

template <class Poly>
constexpr typename Poly::Word multiply(typename Poly::Word a, typename Poly::Word b) {
  typename Poly::Word product = 0;
  // From x^0 upwards: b runs through b * x^i.
  for (int i = width<Poly> - 1; i >= 0; --i) {
    if (a >> i & 1) product ^= b;
    b = times_x<Poly>(b);
  }
  return product;
}

template <class Poly>
constexpr typename Poly::Word x_to_the(std::uint64_t exponent) {
  typename Poly::Word result = one<Poly>;
  typename Poly::Word square = times_x<Poly>(one<Poly>);
  for (; exponent != 0; exponent >>= 1) {
    if (exponent & 1) result = multiply<Poly>(result, square);
    square = multiply<Poly>(square, square);
  }
  return result;
}

// powers[k] = x^(8 * 2^k): what appending 2^k zero bytes multiplies by.
template <class Poly>
constexpr std::array<typename Poly::Word, 64> make_zero_byte_powers() {
  std::array<typename Poly::Word, 64> powers{};
  powers[0] = x_to_the<Poly>(8);
  for (std::size_t k = 1; k < powers.size(); ++k)
    powers[k] = multiply<Poly>(powers[k - 1], powers[k - 1]);
  return powers;
}

inline constexpr std::size_t slices = 16;

// Slicing by 16: table[s][b] is the CRC register after byte b and then s zero bytes.
template <class Poly>
constexpr std::array<std::array<typename Poly::Word, 256>, slices> make_slices() {
  std::array<std::array<typename Poly::Word, 256>, slices> table{};
  for (unsigned b = 0; b < 256; ++b) {
    typename Poly::Word value = b;
    for (int bit = 0; bit < 8; ++bit) value = times_x<Poly>(value);
    table[0][b] = value;
  }
  for (std::size_t s = 1; s < slices; ++s) {
    for (unsigned b = 0; b < 256; ++b) {
      const typename Poly::Word before = table[s - 1][b];
      table[s][b] = static_cast<typename Poly::Word>(before >> 8 ^ table[0][before & 0xff]);
    }
  }
  return table;
}

// The multiplier that moves 64 reflected bits forward by `bits`: x^(bits - 1) mod P in the
// upper end of the lane. One less, because the product of two reflected lanes of 64 bits has
// 127 bits and so comes out multiplied by x.
template <class Poly>
constexpr std::uint64_t fold_constant(unsigned bits) {
  return static_cast<std::uint64_t>(x_to_the<Poly>(bits - 1)) << (64 - width<Poly>);
}

}  // namespace millrace::s3::crc_math
