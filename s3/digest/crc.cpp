// CRCs by folding with carry-less multiplication (V. Gopal et al., "Fast CRC Computation for
// Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009), or by slicing tables.
// Thread: any; the tables are constants. Invariant: both ways give the same value.
#include "s3/digest/crc.h"

#include "s3/digest/crc_math.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace millrace::s3 {
namespace {

using crc_math::slices;

template <class Poly>
constexpr auto slice_table = crc_math::make_slices<Poly>();

template <class Poly>
constexpr auto zero_byte_powers = crc_math::make_zero_byte_powers<Poly>();

std::uint64_t load_little(const std::byte* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// `state` is the register, not inverted.
template <class Poly>
typename Poly::Word run_tables(typename Poly::Word state, const std::byte* at, std::size_t size) {
  const auto& table = slice_table<Poly>;
  for (; size >= slices; at += slices, size -= slices) {
    const std::uint64_t low = load_little(at) ^ state;
    const std::uint64_t high = load_little(at + 8);
    state = 0;
    for (unsigned i = 0; i < 8; ++i) {
      state ^= table[15 - i][low >> 8 * i & 0xff];
      state ^= table[7 - i][high >> 8 * i & 0xff];
    }
  }
  for (; size != 0; ++at, --size) {
    const auto index = static_cast<std::uint8_t>(state) ^ std::to_integer<std::uint8_t>(*at);
    state = static_cast<typename Poly::Word>(state >> 8 ^ table[0][index]);
  }
  return state;
}

#if defined(__x86_64__)

constexpr std::size_t lane_bytes = 16;
constexpr std::size_t lanes = 8;
constexpr std::size_t stride_bytes = lane_bytes * lanes;

bool has_folding() {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

// Moves `value` forward by the distance of `by` and adds `next`.
[[gnu::target("pclmul,sse4.1"), gnu::always_inline]] inline __m128i fold(__m128i value, __m128i by,
                                                                         __m128i next) {
  return _mm_xor_si128(
      _mm_xor_si128(_mm_clmulepi64_si128(value, by, 0x00), _mm_clmulepi64_si128(value, by, 0x11)),
      next);
}

[[gnu::target("pclmul,sse4.1"), gnu::always_inline]] inline __m128i load_lane(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// For size >= stride_bytes. Eight lanes hide the multiplier's latency; they are then folded
// into one, and its 16 bytes, whose CRC is that of all, go through the tables.
template <class Poly>
[[gnu::target("pclmul,sse4.1")]] typename Poly::Word run_folding(typename Poly::Word state,
                                                                 const std::byte* at,
                                                                 std::size_t size) {
  constexpr unsigned stride_bits = 8 * stride_bytes;
  constexpr unsigned lane_bits = 8 * lane_bytes;
  // Computed by the compiler: at run time they would take longer than 40 KiB of data.
  constexpr std::array<std::uint64_t, 4> by = {
      crc_math::fold_constant<Poly>(stride_bits), crc_math::fold_constant<Poly>(stride_bits + 64),
      crc_math::fold_constant<Poly>(lane_bits), crc_math::fold_constant<Poly>(lane_bits + 64)};
  const __m128i by_stride =
      _mm_set_epi64x(static_cast<long long>(by[0]), static_cast<long long>(by[1]));
  const __m128i by_lane =
      _mm_set_epi64x(static_cast<long long>(by[2]), static_cast<long long>(by[3]));
  __m128i lane[lanes];
  for (std::size_t i = 0; i < lanes; ++i) lane[i] = load_lane(at + i * lane_bytes);
  lane[0] = _mm_xor_si128(
      lane[0], _mm_cvtsi64_si128(static_cast<long long>(static_cast<std::uint64_t>(state))));
  at += stride_bytes;
  size -= stride_bytes;
  for (; size >= stride_bytes; at += stride_bytes, size -= stride_bytes) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i)
      lane[i] = fold(lane[i], by_stride, load_lane(at + i * lane_bytes));
  }
  __m128i all = lane[0];
  for (std::size_t i = 1; i < lanes; ++i) all = fold(all, by_lane, lane[i]);
  for (; size >= lane_bytes; at += lane_bytes, size -= lane_bytes)
    all = fold(all, by_lane, load_lane(at));

  std::byte last[lane_bytes];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), all);
  state = run_tables<Poly>(0, last, lane_bytes);
  return run_tables<Poly>(state, at, size);
}

constexpr std::size_t wide_lane_bytes = 32;
constexpr std::size_t wide_stride_bytes = wide_lane_bytes * lanes;
constexpr std::size_t wide_bytes_min = 4 * wide_stride_bytes;  // below, it saves nothing

bool has_wide_folding() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq");
}

[[gnu::target("avx2,vpclmulqdq"), gnu::always_inline]] inline __m256i load_wide(
    const std::byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

// The same with lanes of twice the width. What is left of all strides is one, which has the CRC
// of all that came before and goes the way of any data.
template <class Poly>
[[gnu::target("avx2,vpclmulqdq")]] typename Poly::Word run_wide_folding(typename Poly::Word state,
                                                                        const std::byte* at,
                                                                        std::size_t size) {
  constexpr unsigned stride_bits = 8 * wide_stride_bytes;
  constexpr std::array<std::uint64_t, 2> by = {crc_math::fold_constant<Poly>(stride_bits),
                                               crc_math::fold_constant<Poly>(stride_bits + 64)};
  const __m256i by_stride =
      _mm256_set_epi64x(static_cast<long long>(by[0]), static_cast<long long>(by[1]),
                        static_cast<long long>(by[0]), static_cast<long long>(by[1]));
  __m256i lane[lanes];
  for (std::size_t i = 0; i < lanes; ++i) lane[i] = load_wide(at + i * wide_lane_bytes);
  const auto before = static_cast<long long>(static_cast<std::uint64_t>(state));
  lane[0] = _mm256_xor_si256(lane[0], _mm256_set_epi64x(0, 0, 0, before));
  at += wide_stride_bytes;
  size -= wide_stride_bytes;
  for (; size >= wide_stride_bytes; at += wide_stride_bytes, size -= wide_stride_bytes) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < lanes; ++i) {
      lane[i] =
          _mm256_xor_si256(_mm256_xor_si256(_mm256_clmulepi64_epi128(lane[i], by_stride, 0x00),
                                            _mm256_clmulepi64_epi128(lane[i], by_stride, 0x11)),
                           load_wide(at + i * wide_lane_bytes));
    }
  }
  alignas(wide_lane_bytes) std::byte last[wide_stride_bytes];
  for (std::size_t i = 0; i < lanes; ++i)
    _mm256_store_si256(reinterpret_cast<__m256i*>(last + i * wide_lane_bytes), lane[i]);
  state = run_folding<Poly>(0, last, wide_stride_bytes);
  if (size >= stride_bytes) return run_folding<Poly>(state, at, size);
  return run_tables<Poly>(state, at, size);
}

#endif

}  // namespace

template <class Poly>
typename Poly::Word crc_update(typename Poly::Word crc, std::span<const std::byte> data,
                               CrcPath path) {
  using Word = typename Poly::Word;
  const Word state = static_cast<Word>(~crc);
#if defined(__x86_64__)
  if (path == CrcPath::fastest && data.size() >= wide_bytes_min && has_wide_folding())
    return static_cast<Word>(~run_wide_folding<Poly>(state, data.data(), data.size()));
  if (path == CrcPath::fastest && data.size() >= stride_bytes && has_folding())
    return static_cast<Word>(~run_folding<Poly>(state, data.data(), data.size()));
#else
  static_cast<void>(path);
#endif
  return static_cast<Word>(~run_tables<Poly>(state, data.data(), data.size()));
}

template <class Poly>
typename Poly::Word crc_combine(typename Poly::Word crc_a, typename Poly::Word crc_b,
                                std::uint64_t bytes_b) {
  // The inversions of A's end and B's beginning cancel, so A's CRC only needs shifting.
  for (unsigned k = 0; bytes_b != 0; ++k, bytes_b >>= 1) {
    if (bytes_b & 1) crc_a = crc_math::multiply<Poly>(zero_byte_powers<Poly>[k], crc_a);
  }
  return crc_a ^ crc_b;
}

template std::uint32_t crc_update<Crc32Poly>(std::uint32_t, std::span<const std::byte>, CrcPath);
template std::uint32_t crc_update<Crc32cPoly>(std::uint32_t, std::span<const std::byte>, CrcPath);
template std::uint64_t crc_update<Crc64NvmePoly>(std::uint64_t, std::span<const std::byte>,
                                                 CrcPath);
template std::uint32_t crc_combine<Crc32Poly>(std::uint32_t, std::uint32_t, std::uint64_t);
template std::uint32_t crc_combine<Crc32cPoly>(std::uint32_t, std::uint32_t, std::uint64_t);
template std::uint64_t crc_combine<Crc64NvmePoly>(std::uint64_t, std::uint64_t, std::uint64_t);

}  // namespace millrace::s3
