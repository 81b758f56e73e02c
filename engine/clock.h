// The clock that intervals are measured by: it never jumps, and says nothing to another host. For
// threads that have no shard (whose loop has read it already). Any thread.
#pragma once

#include <cstdint>
#include <ctime>

namespace millrace::engine {

inline std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace millrace::engine
