// Asks the kernel for a ring as the engine's, and for the operations that the engine submits.
// Raw system calls: liburing stays in engine/. Main thread, at start.
#include "tools/kernel_check.h"

#include "engine/descriptor.h"
#include "engine/small_file.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace millrace::tools {
namespace {

using Verdict = CheckRow::Verdict;

constexpr KernelVersion kernel_needed{6, 1};
constexpr std::uint64_t descriptors_min = 1024;
// Rings have not counted against it since 5.12; registered buffers do. 64 KiB is the default of
// kernels before 5.16, so a lower one was set on purpose.
constexpr std::uint64_t locked_bytes_min = 64 * 1024;

struct Operation {
  unsigned code;
  const char* name;
};
// What the engine's ring submits.
constexpr Operation operations_needed[] = {
    {IORING_OP_NOP, "NOP"},
    {IORING_OP_POLL_ADD, "POLL_ADD"},
    {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
    {IORING_OP_MSG_RING, "MSG_RING"},
    {IORING_OP_ACCEPT, "ACCEPT"},
    {IORING_OP_CONNECT, "CONNECT"},
    {IORING_OP_RECV, "RECV"},
    {IORING_OP_SEND, "SEND"},
    {IORING_OP_SHUTDOWN, "SHUTDOWN"},
    {IORING_OP_OPENAT2, "OPENAT2"},
    {IORING_OP_CLOSE, "CLOSE"},
    {IORING_OP_READ, "READ"},
    {IORING_OP_WRITE, "WRITE"},
    {IORING_OP_FSYNC, "FSYNC"},
    {IORING_OP_FALLOCATE, "FALLOCATE"},
    {IORING_OP_STATX, "STATX"},
    {IORING_OP_FGETXATTR, "FGETXATTR"},
    {IORING_OP_FSETXATTR, "FSETXATTR"},
    {IORING_OP_LINKAT, "LINKAT"},
    {IORING_OP_RENAMEAT, "RENAMEAT"},
    {IORING_OP_UNLINKAT, "UNLINKAT"},
    {IORING_OP_MKDIRAT, "MKDIRAT"},
};

std::string field_of(const std::string& text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return {};
  const std::size_t begin = text.find_first_not_of(" \t", at + name.size());
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_first_of(" \t\n", begin) - begin);
}

// The names of needed operations that the ring doesn't know; an Error when it can't be asked.
engine::Result<std::string> missing_operations(int ring_fd) {
  constexpr unsigned count = 256;  // the most that the interface can answer
  const std::size_t bytes = sizeof(io_uring_probe) + count * sizeof(io_uring_probe_op);
  const std::unique_ptr<io_uring_probe, decltype(&std::free)> probe(
      static_cast<io_uring_probe*>(std::calloc(1, bytes)), &std::free);
  if (probe == nullptr) return engine::fail_errno(ENOMEM);
  if (::syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_PROBE, probe.get(), count) < 0) {
    return engine::fail_errno(errno);
  }
  std::string missing;
  for (const Operation& operation : operations_needed) {
    if (operation.code < probe->ops_len &&
        (probe->ops[operation.code].flags & IO_URING_OP_SUPPORTED) != 0) {
      continue;
    }
    if (!missing.empty()) missing += ", ";
    missing += operation.name;
  }
  return missing;
}

void check_io_uring(CheckReport& report) {
  const auto fail = [&](std::string_view call, int errnum) {
    report.add("io_uring", Verdict::no, fmt::format("{}: {}", call, errno_text(errnum)),
               "needed for all input and output");
    report.add_refusal(explain_io_uring(call, errnum, ""));
  };
  io_uring_params parameters = {};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP;
  const engine::Descriptor ring(static_cast<int>(::syscall(SYS_io_uring_setup, 8, &parameters)));
  if (!ring) return fail("io_uring_setup", errno);
  // A seccomp profile may allow one of the three calls and not the others.
  if (::syscall(SYS_io_uring_enter, ring.get(), 0, 0, 0, nullptr, 0) < 0) {
    return fail("io_uring_enter", errno);
  }
  const auto missing = missing_operations(ring.get());
  if (!missing.has_value()) return fail("io_uring_register", missing.error().sys);
  if (!missing->empty()) {
    report.add("io_uring", Verdict::no, "without " + *missing, "needed");
    report.add_refusal({"io_uring", "this kernel lacks the operations " + *missing,
                        "boot a kernel 6.1 or newer, built with CONFIG_IO_URING"});
    return;
  }
  report.add("io_uring", Verdict::ok, fmt::format("{} operations", std::size(operations_needed)),
             "set up as each shard's ring will be");
}

std::uint64_t raise_limit(__rlimit_resource resource) {
  rlimit limit = {};
  if (::getrlimit(resource, &limit) < 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised = {limit.rlim_max, limit.rlim_max};
    if (::setrlimit(resource, &raised) == 0) return raised.rlim_cur;
  }
  return limit.rlim_cur;
}

bool has_ipc_lock() {
  const std::string text = field_of(engine::small_file_text("/proc/self/status"), "\nCapEff:");
  std::uint64_t bits = 0;
  std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  return (bits >> CAP_IPC_LOCK & 1) != 0;
}

std::string limit_text(std::uint64_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}

}  // namespace

KernelVersion parse_kernel_release(std::string_view release) {
  KernelVersion version;
  const char* const end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  return minor.ec == std::errc() ? version : KernelVersion{};
}

Refusal explain_io_uring(std::string_view call, int errnum, const std::string& root) {
  Refusal refusal;
  refusal.what = "io_uring";
  refusal.why = fmt::format("{}: {}", call, errno_text(errnum));
  const std::string disabled = engine::small_file_text(root + "/proc/sys/kernel/io_uring_disabled");
  const std::string seccomp =
      field_of(engine::small_file_text(root + "/proc/self/status"), "\nSeccomp:");
  const std::string sysctl = disabled.empty() ? "absent" : disabled.substr(0, disabled.find('\n'));
  const bool by_sysctl = sysctl == "1" || sysctl == "2";
  const bool by_seccomp = !seccomp.empty() && seccomp != "0";
  if (errnum == EPERM || errnum == EACCES || (errnum == ENOSYS && by_seccomp)) {
    refusal.why += fmt::format(" (sysctl kernel.io_uring_disabled is {}, seccomp mode is {})",
                               sysctl, seccomp.empty() ? "unknown" : seccomp);
    std::string& remedy = refusal.remedy;
    if (by_sysctl) remedy = "run `sysctl kernel.io_uring_disabled=0` on the host";
    if (sysctl == "1") remedy += " (or put this user into the group of kernel.io_uring_group)";
    if (by_seccomp) {
      remedy += by_sysctl ? ", and " : "";
      remedy +=
          "start the container with a seccomp profile that allows io_uring_setup, io_uring_enter "
          "and io_uring_register, or with `docker run --security-opt seccomp=unconfined`";
    }
    if (remedy.empty()) remedy = "look for a rule of SELinux or AppArmor against io_uring";
  } else if (errnum == ENOSYS || errnum == EINVAL) {
    refusal.remedy = "boot a kernel 6.1 or newer, built with CONFIG_IO_URING";
  } else if (errnum == ENOMEM) {
    refusal.remedy =
        "raise the limit on locked memory (`ulimit -l`, LimitMEMLOCK= of the unit, `docker run "
        "--ulimit memlock=-1`) or the memory of the cgroup";
  } else {
    refusal.remedy = "look at the kernel's log";
  }
  return refusal;
}

void check_limits(const Limits& limits, CheckReport& report) {
  const bool descriptors_suffice = limits.descriptors >= descriptors_min;
  report.add("open files", descriptors_suffice ? Verdict::ok : Verdict::no,
             limit_text(limits.descriptors), "each connection takes one, each open object one");
  if (!descriptors_suffice) {
    report.add_refusal(
        {"open files",
         fmt::format("the limit is {}, needed are {}", limits.descriptors, descriptors_min),
         "raise the hard limit (`ulimit -Hn 65536`, LimitNOFILE=65536 of the unit, `docker run "
         "--ulimit nofile=65536`)"});
  }
  const bool memory_suffices = limits.privileged || limits.locked_bytes >= locked_bytes_min;
  report.add("locked memory", memory_suffices ? Verdict::ok : Verdict::no,
             limits.privileged ? "CAP_IPC_LOCK"
             : limits.locked_bytes == RLIM_INFINITY
                 ? "unlimited"
                 : fmt::format("{} KiB", limits.locked_bytes / 1024),
             "counts what rings register");
  if (!memory_suffices) {
    report.add_refusal(
        {"locked memory",
         fmt::format("the limit is {} bytes, needed are {}", limits.locked_bytes, locked_bytes_min),
         "raise the hard limit (`ulimit -Hl 8192`, LimitMEMLOCK=8M of the unit, `docker run "
         "--ulimit memlock=-1`)"});
  }
}

CheckReport check_kernel() {
  CheckReport report;
  utsname names = {};
  ::uname(&names);
  const bool new_enough = parse_kernel_release(names.release) >= kernel_needed;
  report.add("Linux", new_enough ? Verdict::ok : Verdict::no, names.release, "6.1 or newer");
  if (!new_enough) {
    report.add_refusal(
        {"Linux", fmt::format("the kernel is {}", names.release), "boot a kernel 6.1 or newer"});
  }
  check_io_uring(report);
  check_limits({.descriptors = raise_limit(RLIMIT_NOFILE),
                .locked_bytes = raise_limit(RLIMIT_MEMLOCK),
                .privileged = has_ipc_lock()},
               report);
  return report;
}

}  // namespace millrace::tools
