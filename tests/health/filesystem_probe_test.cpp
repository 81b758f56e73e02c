// Probes of a healthy directory, of system calls that fail, and of ones that hang.
#include "health/filesystem_probe.h"

#include "engine/acceptor.h"
#include "tests/health/loopback.h"

#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>

using namespace millrace;
using health::FilesystemProbe;
using health::FilesystemState;
using health::ProbeCalls;
using health::ProbeOptions;

namespace {

// What the calls below do; one probe at a time uses them.
std::atomic<int> failure{0};  // errno
std::atomic<bool> hanging{false};
std::atomic<bool> hangs_now{false};

void hang_while_told() {
  while (hanging.load()) {
    hangs_now.store(true);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  hangs_now.store(false);
}

FilesystemState state_now(const FilesystemProbe& probe) {
  return probe.verdict(health::testing::monotonic_ns()).state;
}

bool becomes(const FilesystemProbe& probe, FilesystemState state) {
  return health::testing::eventually([&] { return state_now(probe) == state; });
}

ProbeOptions quick(const std::string& directory, const ProbeCalls& calls) {
  return {.directory = directory,
          .name = "probe",
          .interval_ms = 10,
          .deadline_ms = 150,
          .stop_ms = 100,
          .calls = &calls};
}

std::size_t entries(const std::string& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

// Descriptors of all probes' threads that are sockets.
std::size_t sockets_of_probes() {
  std::size_t sockets = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (name != "mr-probe") continue;
    for (const auto& each : std::filesystem::directory_iterator(task.path() / "fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(each.path(), gone).string();
      if (target.starts_with("socket:")) ++sockets;
    }
  }
  return sockets;
}

}  // namespace

TEST_CASE("a healthy directory: ok, again and again, and nothing is left in it") {
  const health::testing::TemporaryDirectory directory;
  {
    const FilesystemProbe probe(quick(directory.path, health::system_probe_calls));
    CHECK(becomes(probe, FilesystemState::ok));
    CHECK(health::testing::eventually([&] { return probe.rounds() >= 5; }));
    CHECK(probe.rounds_failed() == 0);
    CHECK(probe.duration_ns() > 0);
    const auto verdict = probe.verdict(health::testing::monotonic_ns());
    CHECK(verdict.errnum == 0);
    CHECK(verdict.since_ns > 0);
    CHECK(verdict.since_ns <= health::testing::monotonic_ns());
  }
  CHECK(std::filesystem::is_directory(directory.path + "/.millrace/health"));
  CHECK(entries(directory.path + "/.millrace/health") == 0);
}

TEST_CASE("a directory that isn't there, and then is") {
  const health::testing::TemporaryDirectory parent;
  const std::string path = parent.path + "/later";
  const FilesystemProbe probe(quick(path, health::system_probe_calls));
  CHECK(becomes(probe, FilesystemState::failed));
  CHECK(probe.verdict(health::testing::monotonic_ns()).errnum == ENOENT);
  CHECK(probe.rounds_failed() > 0);
  std::filesystem::create_directory(path);
  CHECK(becomes(probe, FilesystemState::ok));
}

TEST_CASE("the probe's file is not opened through a symbolic link") {
  const health::testing::TemporaryDirectory directory;
  const std::string victim = directory.path + "/victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_directories(directory.path + "/.millrace/health");
  std::filesystem::create_symlink(victim, directory.path + "/.millrace/health/probe");
  const FilesystemProbe probe(quick(directory.path, health::system_probe_calls));
  CHECK(becomes(probe, FilesystemState::failed));
  CHECK(probe.verdict(health::testing::monotonic_ns()).errnum == ELOOP);
  CHECK(std::filesystem::file_size(victim) == 8);
}

TEST_CASE("errors that have a name of their own, and recovery") {
  ProbeCalls calls = health::system_probe_calls;
  calls.sync = [](int fd) {
    return failure != 0 ? -failure.load() : health::system_probe_calls.sync(fd);
  };
  const health::testing::TemporaryDirectory directory;
  const FilesystemProbe probe(quick(directory.path, calls));
  CHECK(becomes(probe, FilesystemState::ok));
  const std::pair<int, FilesystemState> rows[] = {{EROFS, FilesystemState::read_only},
                                                  {ENOSPC, FilesystemState::full},
                                                  {EDQUOT, FilesystemState::full},
                                                  {EIO, FilesystemState::failed},
                                                  {ENOTCONN, FilesystemState::failed}};
  for (const auto& [errnum, state] : rows) {
    failure = errnum;
    CHECK(becomes(probe, state));
    CHECK(health::testing::eventually([&, wanted = errnum] {
      return probe.verdict(health::testing::monotonic_ns()).errnum == wanted;
    }));
  }
  failure = 0;
  CHECK(becomes(probe, FilesystemState::ok));
}

TEST_CASE("one round: each step's failure is told, and the file always goes") {
  const health::testing::TemporaryDirectory directory;
  const auto& system = health::system_probe_calls;
  const int held = system.open_directory(directory.path.c_str());
  REQUIRE(held >= 0);
  const std::string path = ".millrace/health/probe";
  CHECK(health::probe_round(system, held, path, 1) == 0);

  ProbeCalls calls = system;
  SUBCASE("stat") {
    calls.stat = [](int) { return -EIO; };
    CHECK(health::probe_round(calls, held, path, 1) == EIO);
  }
  SUBCASE("open") {
    calls.open = [](int, const char*) { return -EROFS; };
    CHECK(health::probe_round(calls, held, path, 1) == EROFS);
  }
  SUBCASE("short write") {
    calls.write = [](int, const char*, std::size_t) { return std::int64_t{100}; };
    CHECK(health::probe_round(calls, held, path, 1) == ENOSPC);
  }
  SUBCASE("what is read back is older") {
    calls.read = [](int fd, char* bytes, std::size_t size) {
      const auto got = health::system_probe_calls.read(fd, bytes, size);
      bytes[0] = static_cast<char>(bytes[0] - 1);
      return got;
    };
    CHECK(health::probe_round(calls, held, path, 7) == EBADMSG);
  }
  SUBCASE("read back short") {
    calls.read = [](int, char*, std::size_t) { return std::int64_t{0}; };
    CHECK(health::probe_round(calls, held, path, 1) == EBADMSG);
  }
  SUBCASE("close") {
    calls.close = [](int fd) {
      health::system_probe_calls.close(fd);
      return -EDQUOT;
    };
    CHECK(health::probe_round(calls, held, path, 1) == EDQUOT);
  }
  CHECK(entries(directory.path + "/.millrace/health") == 0);
  system.close(held);
}

TEST_CASE("a call that hangs: told after the deadline, forgiven when it returns") {
  hanging = false;
  ProbeCalls calls = health::system_probe_calls;
  calls.stat = [](int fd) {
    hang_while_told();
    return health::system_probe_calls.stat(fd);
  };
  const health::testing::TemporaryDirectory directory;
  const FilesystemProbe probe(quick(directory.path, calls));
  CHECK(becomes(probe, FilesystemState::ok));
  hanging = true;
  REQUIRE(health::testing::eventually([] { return hangs_now.load(); }));
  CHECK(state_now(probe) == FilesystemState::ok);  // the last verdict holds until the deadline
  CHECK(becomes(probe, FilesystemState::hung));
  const std::uint64_t now = health::testing::monotonic_ns();
  CHECK(probe.verdict(now).since_ns <= now);
  // Had the whole process been paused until now, nothing would be known yet.
  CHECK(probe.verdict(now, now).state == FilesystemState::ok);
  hanging = false;
  CHECK(becomes(probe, FilesystemState::ok));
}

TEST_CASE("a probe that hangs from the first call on") {
  hanging = true;
  ProbeCalls calls = health::system_probe_calls;
  calls.open_directory = [](const char* path) {
    hang_while_told();
    return health::system_probe_calls.open_directory(path);
  };
  const health::testing::TemporaryDirectory directory;
  const FilesystemProbe probe(quick(directory.path, calls));
  CHECK(state_now(probe) == FilesystemState::unknown);
  CHECK(becomes(probe, FilesystemState::hung));
  hanging = false;
  CHECK(becomes(probe, FilesystemState::ok));
}

TEST_CASE("a hung probe is left behind in time and holds no port") {
  hanging = true;
  static const ProbeCalls calls = [] {
    ProbeCalls made = health::system_probe_calls;
    made.sync = [](int fd) {
      hang_while_told();
      return health::system_probe_calls.sync(fd);
    };
    return made;
  }();
  const health::testing::TemporaryDirectory directory;
  auto listener = engine::listen_on(health::testing::loopback_address(0), false);
  REQUIRE(listener.has_value());
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&bound), &length);
  {
    const FilesystemProbe probe(quick(directory.path, calls));
    REQUIRE(health::testing::eventually([] { return hangs_now.load(); }));
    const std::uint64_t before = health::testing::monotonic_ns();
    {
      const FilesystemProbe second(quick(directory.path, calls));
    }
    const std::uint64_t took_ms = (health::testing::monotonic_ns() - before) / 1'000'000;
    CHECK(took_ms >= 90);
    CHECK(took_ms < 2000);
  }
  // Both threads still hang, as in a mount that is gone, and would outlive the process's end;
  // the port must not stay taken with them, now or then.
  CHECK(hangs_now.load());
  const auto port = ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
  CHECK(health::testing::connect_to(port).get() >= 0);
  if (health::probe_leaves_descriptors) CHECK(sockets_of_probes() == 0);
  listener->reset();
  CHECK(health::testing::connect_to(port).get() < 0);
  hanging = false;
  CHECK(health::testing::eventually([] { return !hangs_now.load(); }));
  CHECK(health::testing::eventually(
      [&] { return entries(directory.path + "/.millrace/health") == 0; }));
}
