// In what order containers take new settings: each starts again, one at a time by name, and only
// while the others serve. So a change reaches all of them without an interruption, and one that
// can't be started with (a port that is taken) stops at the first container that tries it. Pure.
#pragma once

#include "health/cluster/beat.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::health::cluster {

// What a container that has to start again knows of another one.
struct Fellow {
  std::string_view name;
  State state = State::inactive;
  bool drained = false;        // by an administrator
  bool ready = false;          // it takes requests
  bool settled = true;         // there has been time to find out
  bool seen = false;           // alive at some time since the change was read
  std::uint64_t in_force = 0;  // the generation whose settings it serves by
};

// Whom the container `own` has to wait for before it starts again with the settings of
// `generation`; empty: for nobody. One that was dead before the change holds up nobody, one that
// has died since does, until it is back or removed: it may have died of the change.
std::string_view restart_waits_for(std::string_view own, std::uint64_t generation,
                                   std::span<const Fellow> others);

}  // namespace millrace::health::cluster
