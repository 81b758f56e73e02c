// See md5_lanes.h. One text for all kernels, in vectors of the compiler's: what it is compiled for
// is the only difference. With more lanes than a vector has, two vectors go through each step one
// after the other, so that the second is worked on while the first one's result is awaited.
#include "s3/digest/md5_lanes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#define MILLRACE_INLINE [[gnu::always_inline]] inline

namespace millrace::s3 {
namespace {

using Word = std::uint32_t;
constexpr std::size_t block_bytes = 64;
constexpr std::size_t block_words = 16;
constexpr std::size_t steps = 64;

// RFC 1321, 3.4: the integer part of 2^32 |sin(i + 1)|.
constexpr std::array<Word, steps> addends = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

constexpr unsigned rotation(std::size_t step) {
  constexpr unsigned by_round[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  return by_round[step / 16][step % 4];
}

constexpr std::size_t word_of(std::size_t step) {
  constexpr std::size_t times[] = {1, 5, 3, 7};
  constexpr std::size_t plus[] = {0, 1, 5, 0};
  return (times[step / 16] * step + plus[step / 16]) % block_words;
}

template <std::size_t Lanes>
struct VectorOf {
  typedef Word Type __attribute__((vector_size(Lanes * sizeof(Word))));
};
template <std::size_t Lanes>
using Vector = typename VectorOf<Lanes>::Type;

// Vectors are passed by reference only: by value, how they are passed would depend on what the
// caller is compiled for.
template <std::size_t Step, class V>
MILLRACE_INLINE void take_step(V& a, const V& b, const V& c, const V& d, const V* words) {
  // What does not need b, the youngest of them, is added first.
  V sum = a + (words[word_of(Step)] + addends[Step]);
  if constexpr (Step < 16) {
    sum += d ^ (b & (c ^ d));
  } else if constexpr (Step < 32) {
    sum += c & ~d;
    sum += b & d;
  } else if constexpr (Step < 48) {
    sum += b ^ (c ^ d);
  } else {
    sum += c ^ (b | ~d);
  }
  a = b + (sum << rotation(Step) | sum >> (32 - rotation(Step)));
}

// A state is [a, b, c, d]; which of them is the a of a step goes round.
template <std::size_t Step, std::size_t Sets, class V>
MILLRACE_INLINE void step_sets(V (&state)[Sets][4], const V (&words)[Sets][block_words]) {
  for (std::size_t s = 0; s < Sets; ++s) {
    take_step<Step>(state[s][(64 - Step) % 4], state[s][(65 - Step) % 4], state[s][(66 - Step) % 4],
                    state[s][(67 - Step) % 4], words[s]);
  }
}

template <std::size_t Sets, class V, std::size_t... Step>
MILLRACE_INLINE void all_steps(V (&state)[Sets][4], const V (&words)[Sets][block_words],
                               std::index_sequence<Step...> /*steps*/) {
  (step_sets<Step>(state, words), ...);
}

// 16 bytes of every lane at `offset`, as a vector for each of their four words. Lane i + 4 lies in
// the second 16 bytes of the row whose first are lane i's, so that no word crosses them later.
MILLRACE_INLINE void load_rows(Vector<8> (&rows)[4], const std::byte* const* at,
                               std::size_t offset) {
  for (std::size_t i = 0; i < 4; ++i) {
    Vector<4> low;
    Vector<4> high;
    std::memcpy(&low, at[i] + offset, sizeof low);
    std::memcpy(&high, at[i + 4] + offset, sizeof high);
    rows[i] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
  }
}
MILLRACE_INLINE void load_rows(Vector<4> (&rows)[4], const std::byte* const* at,
                               std::size_t offset) {
  for (std::size_t i = 0; i < 4; ++i) std::memcpy(&rows[i], at[i] + offset, sizeof rows[i]);
}

MILLRACE_INLINE void transpose(const Vector<8> (&rows)[4], Vector<8>* words) {
  const Vector<8> a = __builtin_shufflevector(rows[0], rows[1], 0, 8, 1, 9, 4, 12, 5, 13);
  const Vector<8> b = __builtin_shufflevector(rows[2], rows[3], 0, 8, 1, 9, 4, 12, 5, 13);
  const Vector<8> c = __builtin_shufflevector(rows[0], rows[1], 2, 10, 3, 11, 6, 14, 7, 15);
  const Vector<8> d = __builtin_shufflevector(rows[2], rows[3], 2, 10, 3, 11, 6, 14, 7, 15);
  words[0] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
  words[1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  words[2] = __builtin_shufflevector(c, d, 0, 1, 8, 9, 4, 5, 12, 13);
  words[3] = __builtin_shufflevector(c, d, 2, 3, 10, 11, 6, 7, 14, 15);
}
MILLRACE_INLINE void transpose(const Vector<4> (&rows)[4], Vector<4>* words) {
  const Vector<4> a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Vector<4> b = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Vector<4> c = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Vector<4> d = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  words[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  words[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  words[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  words[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// How the lanes lie in vectors while they are worked on.
template <std::size_t Width, std::size_t Sets>
struct Loaded {
  const std::byte* at[Sets][Width];
  Vector<Width> state[Sets][4];
};

// Lanes that are missing hash the first one's bytes for nobody.
template <std::size_t Width, std::size_t Sets>
MILLRACE_INLINE void load(std::span<const Md5Lane> lanes, Loaded<Width, Sets>& to) {
  alignas(64) Word chains[4][Sets * Width];
  for (std::size_t i = 0; i < Sets * Width; ++i) {
    const Md5Lane& lane = lanes[i < lanes.size() ? i : 0];
    (&to.at[0][0])[i] = lane.at;
    for (std::size_t k = 0; k < 4; ++k) chains[k][i] = lane.chain[k];
  }
  for (std::size_t s = 0; s < Sets; ++s) {
    for (std::size_t k = 0; k < 4; ++k) {
      std::memcpy(&to.state[s][k], &chains[k][s * Width], sizeof to.state[s][k]);
    }
  }
}

template <std::size_t Width, std::size_t Sets>
MILLRACE_INLINE void store(const Loaded<Width, Sets>& from, std::span<Md5Lane> lanes,
                           std::size_t blocks) {
  alignas(64) Word chains[4][Sets * Width];
  for (std::size_t s = 0; s < Sets; ++s) {
    for (std::size_t k = 0; k < 4; ++k) {
      std::memcpy(&chains[k][s * Width], &from.state[s][k], sizeof from.state[s][k]);
    }
  }
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    for (std::size_t k = 0; k < 4; ++k) lanes[i].chain[k] = chains[k][i];
    lanes[i].at += blocks * block_bytes;
  }
}

// For 1 to Width * Sets lanes.
template <std::size_t Width, std::size_t Sets>
MILLRACE_INLINE void run(std::span<Md5Lane> lanes, std::size_t blocks) {
  using V = Vector<Width>;
  Loaded<Width, Sets> loaded;
  load(lanes, loaded);
  for (std::size_t offset = 0; offset < blocks * block_bytes; offset += block_bytes) {
    V words[Sets][block_words];
    V before[Sets][4];
    for (std::size_t s = 0; s < Sets; ++s) {
      for (std::size_t quarter = 0; quarter < 4; ++quarter) {
        V rows[4];
        load_rows(rows, loaded.at[s], offset + 16 * quarter);
        transpose(rows, words[s] + 4 * quarter);
      }
      for (std::size_t k = 0; k < 4; ++k) before[s][k] = loaded.state[s][k];
    }
    all_steps(loaded.state, words, std::make_index_sequence<steps>());
    for (std::size_t s = 0; s < Sets; ++s) {
      for (std::size_t k = 0; k < 4; ++k) loaded.state[s][k] += before[s][k];
    }
  }
  store(loaded, lanes, blocks);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void advance_avx2(std::span<Md5Lane> lanes, std::size_t blocks) {
  if (lanes.size() <= 8) return run<8, 1>(lanes, blocks);
  run<8, 2>(lanes, blocks);
}

// Rotates, and three operands in one instruction. The steps are in vectors of 32 bytes all the
// same: two sets of them have as many lanes in flight as one of 64 bytes, and no processor lowers
// its clock for them.
[[gnu::target("avx512f,avx512vl")]] void advance_avx512(std::span<Md5Lane> lanes,
                                                        std::size_t blocks) {
  if (lanes.size() <= 8) return run<8, 1>(lanes, blocks);
  run<8, 2>(lanes, blocks);
}
#endif

// What every processor of the kind has: SSE2, NEON.
void advance_baseline(std::span<Md5Lane> lanes, std::size_t blocks) {
  while (lanes.size() > 4) {
    const auto now = lanes.first(std::min<std::size_t>(lanes.size(), 8));
    run<4, 2>(now, blocks);
    lanes = lanes.subspan(now.size());
  }
  if (!lanes.empty()) run<4, 1>(lanes, blocks);
}

struct Kernels {
  std::array<Md5Kernel, 3> all;
  std::size_t count = 0;
};

Kernels find_kernels() {
  Kernels found;
  if constexpr (std::endian::native != std::endian::little) return found;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    found.all[found.count++] = {.name = "avx512", .lanes_min = 2, .advance = advance_avx512};
  }
  if (__builtin_cpu_supports("avx2")) {
    found.all[found.count++] = {.name = "avx2", .lanes_min = 2, .advance = advance_avx2};
  }
#endif
  found.all[found.count++] = {.name = "baseline", .lanes_min = 2, .advance = advance_baseline};
  return found;
}

}  // namespace

std::span<const Md5Kernel> md5_kernels() {
  static const Kernels kernels = find_kernels();
  return std::span(kernels.all).first(kernels.count);
}

}  // namespace millrace::s3
