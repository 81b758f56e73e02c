// MD5 of several messages side by side (RFC 1321): each step of the algorithm waits for the one
// before it, so a processor that hashes one message idles most of the time. A kernel takes one
// step of every message with each instruction.
// Thread: any; no state of its own. Invariant: every kernel gives what libcrypto gives.
#pragma once

#include "s3/digest/hash.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace::s3 {

// A message on its way: what its blocks so far have come to, and its next ones.
struct Md5Lane {
  Md5::Chain chain{};
  const std::byte* at = nullptr;
};

inline constexpr std::size_t md5_lanes_max = 16;

struct Md5Kernel {
  std::string_view name;
  // With fewer lanes, libcrypto is quicker one by one (measured, bench/micro/digest_bench.cpp).
  std::size_t lanes_min = 0;
  // Advances each lane by `blocks` blocks of 64 bytes; 1 to md5_lanes_max lanes.
  void (*advance)(std::span<Md5Lane> lanes, std::size_t blocks) = nullptr;
};

// Those that this processor can run, the quickest first; none on a big-endian one.
std::span<const Md5Kernel> md5_kernels();

}  // namespace millrace::s3
