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
  // Few receive buffers, so that running out of them is ordinary; but more than two streams hold
  // while their owners send, because a test's client has its own from the same shard. A stream
  // holds its backlog, in pieces that may be little over half a buffer, and what comes before its
  // receive has stopped; how large the pieces are depends on how the system's memory is cut up.
  if (seed % 4 == 1) plan.receive_buffers = 16;
  installed_ = std::make_unique<Installed>(std::move(plan));
}
Seed::~Seed() = default;

}  // namespace millrace::tests
