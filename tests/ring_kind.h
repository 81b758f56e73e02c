// Which ring the test program is linked with, for tests that run on both.
#pragma once

#include <cstdint>
#include <memory>

namespace millrace::tests {

struct RingKind {
  bool fake = false;
  // How many different runs are worth while: 1 for the real ring.
  unsigned seeds = 1;
};
RingKind ring_kind();

// Rings made while one lives behave by that seed; nothing for the real ring. `real_time`: peers
// are other threads, so the fake must not skip time.
class Seed {
 public:
  explicit Seed(std::uint64_t seed, bool real_time = false);
  ~Seed();
  Seed(const Seed&) = delete;
  Seed& operator=(const Seed&) = delete;

 private:
  struct Installed;
  std::unique_ptr<Installed> installed_;
};

}  // namespace millrace::tests
