// xxHash as a digest: XXH64, XXH3-64 and XXH3-128 with seed 0, in their canonical form, which is
// big-endian (xxhash.h, "Canonical representation"; AWS's SDKs send the same bytes).
// Thread: any one at a time. Invariant: after finish() the object is ready for a new message.
#pragma once

#define XXH_STATIC_LINKING_ONLY  // for the size of the states
#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::s3 {

class Xxhash64 {
 public:
  static constexpr std::size_t digest_bytes = 8;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Xxhash64() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  Digest finish();

 private:
  XXH64_state_t state_;
};

class Xxhash3 {
 public:
  static constexpr std::size_t digest_bytes = 8;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Xxhash3() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  Digest finish();

 private:
  XXH3_state_t state_;
};

class Xxhash128 {
 public:
  static constexpr std::size_t digest_bytes = 16;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Xxhash128() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  Digest finish();

 private:
  XXH3_state_t state_;
};

}  // namespace millrace::s3
