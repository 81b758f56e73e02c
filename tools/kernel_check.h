// Whether this kernel, as this process is allowed to use it, can run Millrace. Main thread, at
// start; raises this process's own resource limits and changes nothing else.
#pragma once

#include "tools/check_report.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::tools {

// Version, io_uring with all that the engine asks of it, and the limits on descriptors and locked
// memory (soft limits are raised to the hard ones first).
CheckReport check_kernel();

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};
// From uname's release ("6.1.0-18-amd64"); 0.0 where it can't be read.
KernelVersion parse_kernel_release(std::string_view release);

// Why io_uring_setup, io_uring_enter or io_uring_register (`call`) failed with `errnum`, and what
// to do about it. Reads the sysctl and this process's seccomp mode below `root` (empty in
// production).
Refusal explain_io_uring(std::string_view call, int errnum, const std::string& root);

// Whether descriptors and locked memory suffice; `privileged` means CAP_IPC_LOCK.
struct Limits {
  std::uint64_t descriptors = 0;
  std::uint64_t locked_bytes = 0;
  bool privileged = false;
};
void check_limits(const Limits& limits, CheckReport& report);

}  // namespace millrace::tools
