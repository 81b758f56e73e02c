// What the member's thread tells the health shard: plain atomics, so that a configuration
// filesystem that hangs holds up nobody.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::health::cluster {

struct Figures {
  std::atomic<bool> drained{false};  // this container: readiness is off until it is undrained
  std::atomic<std::uint64_t> generation{0};
  std::atomic<std::uint64_t> containers{0};  // that the configuration has
  std::atomic<std::uint64_t> containers_active{0};
  // When the configuration filesystem last answered, monotonic; 0: never.
  std::atomic<std::uint64_t> heard_ns{0};
  // Documents that could not be used: torn, foreign or newer than this build.
  std::atomic<std::uint64_t> faults{0};
};

}  // namespace millrace::health::cluster
