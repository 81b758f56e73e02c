// What the kernel says of this process: memory, its limit, descriptors, times. Reads procfs and
// cgroupfs, which live in memory and wait for no disk. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace millrace::health {

// Resident memory, mapped files included; 0 when procfs can't be read.
std::uint64_t resident_bytes();

// The least memory.max (cgroup v2) or memory.limit_in_bytes (v1) of this process's cgroup and
// its ancestors, or MemTotal when that is less. 0: unknown. Every path is looked up below
// `root` (empty in production).
std::uint64_t memory_limit_bytes(const std::string& root);

// When the process began, in seconds since 1970 (UTC). Ask once: clocks are compared for it, and
// a second answer may differ in the last digits.
double start_time_seconds();

struct ProcessFacts {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptors_max = 0;
  double cpu_seconds = 0.0;         // user and system, of all threads
  double start_time_seconds = 0.0;  // as given
};
ProcessFacts process_facts(double start_time_seconds);

}  // namespace millrace::health
