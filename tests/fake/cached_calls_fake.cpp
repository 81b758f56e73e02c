// The fake's calls that don't block (engine/cached_calls.cpp is the real one): plain system
// calls that miss, fall short or fail by the plan of the scenario. Their decisions follow a
// sequence of their own, so they don't shift those of requests.
#include "engine/ring.h"
#include "tests/fake/actions.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::engine {

using tests::fake::Chance;

namespace {

std::int64_t or_errno(std::int64_t result) {
  return result < 0 ? -errno : result;
}

// One sequence a thread, begun anew with each scenario.
Chance& chance() {
  thread_local std::uint64_t of = 0;
  thread_local Chance sequence(0);
  auto& scenario = tests::fake::scenario();
  if (of != scenario.id) {
    of = scenario.id;
    sequence = Chance(~scenario.plan.seed);
  }
  return sequence;
}

bool misses() {
  auto& scenario = tests::fake::scenario();
  if (!chance().happens(scenario.plan.miss_probability)) return false;
  scenario.note_injected();
  return true;
}

std::size_t shortened(std::size_t bytes) {
  const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, 0x7fffffff));
  return chance().shortened(length, tests::fake::scenario());
}

}  // namespace

int Ring::open_cached(int directory, const char* path, const open_how& how) {
  if (misses()) return -EAGAIN;
  return static_cast<int>(or_errno(::syscall(SYS_openat2, directory, path, &how, sizeof how)));
}

std::int64_t Ring::read_cached(int fd, std::span<std::byte> into, std::uint64_t offset) {
  if (misses()) return -EAGAIN;
  return or_errno(::pread(fd, into.data(), shortened(into.size()), static_cast<off_t>(offset)));
}

bool Ring::resident(int, std::uint64_t, std::uint64_t, bool) {
  return !misses();
}

std::int64_t Ring::send_file(int socket, int fd, std::uint64_t offset, std::size_t bytes) {
  if (misses()) return -EAGAIN;
  auto position = static_cast<off_t>(offset);
  return or_errno(::sendfile(socket, fd, &position, shortened(bytes)));
}

std::int64_t Ring::send_now(int socket, std::span<const std::byte> bytes, bool more) {
  if (misses()) return -EAGAIN;
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  return or_errno(::send(socket, bytes.data(), shortened(bytes.size()), flags));
}

int Ring::stat_open(int fd, struct statx& out) {
  constexpr unsigned mask = STATX_BASIC_STATS | STATX_BTIME;
  return static_cast<int>(or_errno(::statx(fd, "", AT_EMPTY_PATH, mask, &out)));
}

std::int64_t Ring::get_attribute_open(int fd, const char* name, std::span<std::byte> into) {
  return or_errno(::fgetxattr(fd, name, into.data(), into.size()));
}

int Ring::shut_down(int socket, int how) {
  return static_cast<int>(or_errno(::shutdown(socket, how)));
}

int Ring::close_now(int fd) {
  return static_cast<int>(or_errno(::close(fd)));
}

}  // namespace millrace::engine
