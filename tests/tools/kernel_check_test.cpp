// Versions, limits, and what is said when io_uring is forbidden.
#include "tools/kernel_check.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

namespace {

using namespace millrace::tools;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// As a container's default profile does it: one system call answers EPERM.
bool forbid(unsigned call) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {std::size(program), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// check_kernel in a process of its own where `call` is forbidden: 0 when it says so.
int refusal_under_seccomp(unsigned call, const char* name) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!forbid(call)) ::_exit(2);
    const CheckReport report = check_kernel();
    if (!report.refusal.has_value()) ::_exit(3);
    const std::string line = report.refusal->line();
    const bool told =
        holds(line, name) && holds(line, "seccomp=unconfined") && holds(line, "seccomp mode is 2");
    ::_exit(told ? 0 : 4);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("kernel releases") {
  CHECK(parse_kernel_release("6.1.0-18-amd64") == KernelVersion{6, 1});
  CHECK(parse_kernel_release("6.18.44-fc") > KernelVersion{6, 1});
  CHECK(parse_kernel_release("5.15.0") < KernelVersion{6, 1});
  CHECK(parse_kernel_release("6.1") == KernelVersion{6, 1});
  CHECK(parse_kernel_release("new") == KernelVersion{0, 0});
  CHECK(parse_kernel_release("6") == KernelVersion{0, 0});
}

TEST_CASE("a forbidden ring names its causes and their remedies") {
  const TemporaryDirectory root;
  root.write("proc/self/status", "Name:\tx\nSeccomp:\t0\nSeccomp_filters:\t0\n");
  Refusal refusal = explain_io_uring("io_uring_setup", EPERM, root.path());
  CHECK(holds(refusal.why, "io_uring_disabled is absent, seccomp mode is 0"));
  CHECK(holds(refusal.remedy, "SELinux"));

  root.write("proc/sys/kernel/io_uring_disabled", "2\n");
  refusal = explain_io_uring("io_uring_setup", EPERM, root.path());
  CHECK(holds(refusal.why, "io_uring_disabled is 2"));
  CHECK(holds(refusal.remedy, "sysctl kernel.io_uring_disabled=0"));
  CHECK_FALSE(holds(refusal.remedy, "seccomp"));
  CHECK_FALSE(holds(refusal.remedy, "io_uring_group"));

  root.write("proc/sys/kernel/io_uring_disabled", "1\n");
  root.write("proc/self/status", "Name:\tx\nSeccomp:\t2\n");
  refusal = explain_io_uring("io_uring_setup", EPERM, root.path());
  CHECK(holds(refusal.remedy, "io_uring_group"));
  CHECK(holds(refusal.remedy, "docker run --security-opt seccomp=unconfined"));

  root.write("proc/sys/kernel/io_uring_disabled", "0\n");
  refusal = explain_io_uring("io_uring_register", ENOSYS, root.path());
  CHECK(holds(refusal.remedy, "seccomp"));
  CHECK_FALSE(holds(refusal.remedy, "sysctl"));
  CHECK(holds(explain_io_uring("io_uring_setup", ENOMEM, root.path()).remedy, "memlock"));
  CHECK(holds(explain_io_uring("io_uring_setup", EINVAL, root.path()).remedy, "6.1"));
}

TEST_CASE("each of the three calls is missed when seccomp forbids it") {
  CHECK(refusal_under_seccomp(SYS_io_uring_setup, "io_uring_setup: ") == 0);
  CHECK(refusal_under_seccomp(SYS_io_uring_enter, "io_uring_enter: ") == 0);
  CHECK(refusal_under_seccomp(SYS_io_uring_register, "io_uring_register: ") == 0);
}

TEST_CASE("limits") {
  const auto refusal_of = [](const Limits& limits) {
    CheckReport report;
    check_limits(limits, report);
    return report.refusal.has_value() ? report.refusal->what : std::string();
  };
  CHECK(refusal_of({.descriptors = 1024, .locked_bytes = 64 * 1024}).empty());
  CHECK(refusal_of({.descriptors = 1023, .locked_bytes = 64 * 1024}) == "open files");
  CHECK(refusal_of({.descriptors = 4096, .locked_bytes = 64 * 1024 - 1}) == "locked memory");
  CHECK(refusal_of({.descriptors = 4096, .locked_bytes = 0, .privileged = true}).empty());
  CHECK(refusal_of({.descriptors = RLIM_INFINITY, .locked_bytes = RLIM_INFINITY}).empty());
}

TEST_CASE("the soft limit on descriptors is raised to the hard one") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 256;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) ::_exit(2);
    check_kernel();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    ::_exit(limit.rlim_cur == limit.rlim_max ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}
