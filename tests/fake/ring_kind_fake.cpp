// See tests/ring_kind.h: the fake. Every fourth seed is plain, so that a failure of all others
// points at a fault's handling. MILLRACE_SEEDS widens the search.
#include "tests/fake/ring_fake.h"
#include "tests/ring_kind.h"

#include <cstdlib>

namespace millrace::tests {

RingKind ring_kind() {
  const char* wanted = std::getenv("MILLRACE_SEEDS");
  return {
      .fake = true,
      .seeds = wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 12U};
}

struct Seed::Installed {
  explicit Installed(fake::Plan plan) : scenario(std::move(plan)) {}
  fake::Scenario scenario;
};

Seed::Seed(std::uint64_t seed, bool real_time) {
  fake::Plan plan = seed % 4 == 0 ? fake::Plan::plain() : fake::Plan{};
  plan.seed = seed;
  plan.real_time = real_time;
  plan.log = false;
  // Few receive buffers, so that running out of them is ordinary; but more than one stream holds
  // while its owner sends, because a test's client has its own from the same shard.
  if (seed % 4 == 1) plan.receive_buffers = 8;
  installed_ = std::make_unique<Installed>(std::move(plan));
}
Seed::~Seed() = default;

}  // namespace millrace::tests
