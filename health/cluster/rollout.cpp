// See rollout.h.
#include "health/cluster/rollout.h"

namespace millrace::health::cluster {

namespace {

bool holds_up(std::string_view own, std::uint64_t generation, const Fellow& other) {
  if (!other.settled) return true;
  switch (other.state) {
    case State::inactive: return other.seen;
    case State::suspect:
    case State::joining: return true;
    case State::draining:
      if (!other.drained) return true;  // on its way out, or starting again
      break;
    case State::active:
      if (!other.ready && !other.drained) return true;  // its filesystem hangs, say
      break;
  }
  return other.name < own && other.in_force < generation;
}

}  // namespace

std::string_view restart_waits_for(std::string_view own, std::uint64_t generation,
                                   std::span<const Fellow> others) {
  for (const Fellow& other : others) {
    if (holds_up(own, generation, other)) return other.name;
  }
  return {};
}

}  // namespace millrace::health::cluster
