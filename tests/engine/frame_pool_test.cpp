// Frames of coroutines: reuse by size class, and what is too large for any.
#include "engine/frame_pool.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

using millrace::engine::FramePool;

TEST_CASE("a released frame is the next one of its class, and of no other") {
  FramePool pool;
  void* first = pool.allocate(100);
  pool.release(first, 100);
  void* other = pool.allocate(129);
  CHECK(other != first);
  CHECK(pool.allocate(128) == first);
  pool.release(first, 128);
  pool.release(other, 129);
}

TEST_CASE("frames of every size hold what they promise") {
  FramePool pool;
  std::vector<std::pair<void*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes < 20'000; bytes = bytes * 3 / 2 + 1) {
    void* frame = pool.allocate(bytes);
    std::memset(frame, 0x5a, bytes);
    frames.emplace_back(frame, bytes);
  }
  for (const auto& [frame, bytes] : frames) {
    const auto* text = static_cast<const unsigned char*>(frame);
    CHECK(text[0] == 0x5a);
    CHECK(text[bytes - 1] == 0x5a);
    pool.release(frame, bytes);
  }
}

TEST_CASE("the class limits: 8 KiB is pooled, one more byte is not kept") {
  FramePool pool;
  void* pooled = pool.allocate(8192);
  pool.release(pooled, 8192);
  CHECK(pool.allocate(8100) == pooled);
  pool.release(pooled, 8100);
  void* large = pool.allocate(8193);
  REQUIRE(large != nullptr);
  pool.release(large, 8193);
}
