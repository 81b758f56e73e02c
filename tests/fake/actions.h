// What the fake ring does for one request: real system calls that never wait.
#pragma once

#include "tests/fake/ring_fake.h"

#include <cstdint>
#include <random>

namespace millrace::tests::fake {

// Seeded decisions of one ring.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t number() { return engine_(); }
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : engine_() % bound; }
  bool happens(double probability) {
    return probability > 0 && static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }
  // `length`, or by the plan's probability less, but at least one byte.
  std::uint32_t shortened(std::uint32_t length, Scenario& scenario);

 private:
  std::mt19937_64 engine_;
};

bool is_file_action(engine::Action action);

// Carries a file action out (and logs it); the result as of the system call.
std::int32_t run_file_action(const engine::Request& request, Scenario& scenario, Chance& chance);
// Logs one that was made to fail without effect.
void log_failed_action(const engine::Request& request, Scenario& scenario, std::int32_t result);

// One attempt at a socket action; -EAGAIN when it has to wait. `done` is what earlier attempts
// moved of a send or receive, counted in the result when it is final.
std::int32_t try_socket_action(const engine::Request& request, std::uint32_t& done,
                               Scenario& scenario, Chance& chance);
// What to poll for until the next attempt.
short awaited_events(const engine::Request& request);

}  // namespace millrace::tests::fake
