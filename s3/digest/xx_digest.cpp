// See xx_digest.h.
#include "s3/digest/xx_digest.h"

#include "engine/check.h"

namespace millrace::s3 {

void Xxhash64::reset() {
  CHECK(XXH64_reset(&state_, 0) == XXH_OK);
}

void Xxhash64::update(std::span<const std::byte> data) {
  CHECK(XXH64_update(&state_, data.data(), data.size()) == XXH_OK);
}

Xxhash64::Digest Xxhash64::finish() {
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, XXH64_digest(&state_));
  reset();
  return std::to_array(canonical.digest);
}

void Xxhash3::reset() {
  CHECK(XXH3_64bits_reset(&state_) == XXH_OK);
}

void Xxhash3::update(std::span<const std::byte> data) {
  CHECK(XXH3_64bits_update(&state_, data.data(), data.size()) == XXH_OK);
}

Xxhash3::Digest Xxhash3::finish() {
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(&state_));
  reset();
  return std::to_array(canonical.digest);
}

void Xxhash128::reset() {
  CHECK(XXH3_128bits_reset(&state_) == XXH_OK);
}

void Xxhash128::update(std::span<const std::byte> data) {
  CHECK(XXH3_128bits_update(&state_, data.data(), data.size()) == XXH_OK);
}

Xxhash128::Digest Xxhash128::finish() {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
  reset();
  return std::to_array(canonical.digest);
}

}  // namespace millrace::s3
