// See actions.h. Files act at once; sockets are tried with MSG_DONTWAIT whatever their mode.
#include "tests/fake/actions.h"

#include "engine/check.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

namespace millrace::tests::fake {

using engine::Action;
using engine::Request;

namespace {

std::int32_t or_errno(std::int64_t result) {
  return result < 0 ? -errno : static_cast<std::int32_t>(result);
}

std::string path_of(int fd) {
  if (fd < 0) return {};
  char target[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const auto length = ::readlink(link.c_str(), target, sizeof target);
  return length < 0 ? std::string{} : std::string(target, static_cast<std::size_t>(length));
}

std::string joined(int directory, const char* path) {
  if (path == nullptr || *path == '\0') return path_of(directory);
  if (*path == '/') return path;
  return path_of(directory) + "/" + path;
}

bool names_a_path(Action action) {
  return action == Action::open || action == Action::stat || action == Action::link ||
         action == Action::rename || action == Action::unlink || action == Action::make_directory;
}

LogEntry entry_of(const Request& r, const Scenario& scenario) {
  LogEntry entry{.action = r.action};
  if (!scenario.plan.log) return entry;
  entry.path = names_a_path(r.action) ? joined(r.fd, r.path) : path_of(r.fd);
  if (r.path2 != nullptr) entry.path2 = joined(r.fd2, r.path2);
  struct stat about{};
  if (r.fd >= 0 && ::fstat(r.fd, &about) == 0) {
    entry.device = about.st_dev;
    entry.inode = about.st_ino;
  }
  entry.offset = r.offset;
  entry.length = r.action == Action::allocate ? r.extra : r.length;
  entry.flags = r.flags;
  if (r.action == Action::open) {
    entry.flags = static_cast<std::uint32_t>(static_cast<const open_how*>(r.address)->flags);
  }
  return entry;
}

std::int32_t act(const Request& r, std::uint32_t length) {
  const auto flags = static_cast<int>(r.flags);
  const auto offset = static_cast<off_t>(r.offset);
  const bool at_position = r.offset == ~0ULL;
  switch (r.action) {
    case Action::read:
      return or_errno(at_position ? ::read(r.fd, r.address, length)
                                  : ::pread(r.fd, r.address, length, offset));
    case Action::write:
      return or_errno(at_position ? ::write(r.fd, r.address, length)
                                  : ::pwrite(r.fd, r.address, length, offset));
    case Action::fsync: return or_errno(r.flags != 0 ? ::fdatasync(r.fd) : ::fsync(r.fd));
    case Action::allocate:
      return or_errno(::fallocate(r.fd, flags, offset, static_cast<off_t>(r.extra)));
    case Action::open:
      return or_errno(::syscall(SYS_openat2, r.fd, r.path, r.address, sizeof(open_how)));
    case Action::close: return or_errno(::close(r.fd));
    case Action::stat:
      return or_errno(
          ::statx(r.fd, r.path, flags, r.length, static_cast<struct statx*>(r.address)));
    case Action::get_attribute: return or_errno(::fgetxattr(r.fd, r.path, r.address, r.length));
    case Action::set_attribute:
      return or_errno(::fsetxattr(r.fd, r.path, r.address, r.length, flags));
    case Action::link: return or_errno(::linkat(r.fd, r.path, r.fd2, r.path2, flags));
    case Action::rename: return or_errno(::renameat2(r.fd, r.path, r.fd2, r.path2, r.flags));
    case Action::unlink: return or_errno(::unlinkat(r.fd, r.path, flags));
    case Action::make_directory: return or_errno(::mkdirat(r.fd, r.path, r.flags));
    case Action::call: return static_cast<std::int32_t>(r.call(r.address));
    default: CHECK(false);
  }
}

}  // namespace

std::uint32_t Chance::shortened(std::uint32_t length, Scenario& scenario) {
  if (length <= 1 || !happens(scenario.plan.short_probability)) return length;
  scenario.note_injected();
  // Half of the time by a little, else to anything: both ends have their bugs.
  if (happens(0.5)) return length - 1;
  return 1 + static_cast<std::uint32_t>(below(length - 1));
}

bool is_file_action(Action action) {
  return action >= Action::read && action != Action::cancel && action != Action::message;
}

std::int32_t run_file_action(const Request& request, Scenario& scenario, Chance& chance) {
  LogEntry entry = entry_of(request, scenario);
  std::uint32_t length = request.length;
  if (request.action == Action::read || request.action == Action::write) {
    length = chance.shortened(length, scenario);
  }
  entry.result = act(request, length);
  entry.took_effect = entry.result >= 0;
  if (request.action == Action::write && entry.result > 0 && scenario.plan.log_bytes) {
    entry.bytes.assign(static_cast<const char*>(request.address),
                       static_cast<std::size_t>(entry.result));
  }
  const auto result = entry.result;
  scenario.record(std::move(entry));
  return result;
}

void log_failed_action(const Request& request, Scenario& scenario, std::int32_t result) {
  LogEntry entry = entry_of(request, scenario);
  entry.result = result;
  scenario.record(std::move(entry));
}

namespace {

std::int32_t try_receiving(const Request& r, std::uint32_t& done, Scenario& scenario,
                           Chance& chance) {
  const bool all = (r.flags & MSG_WAITALL) != 0;
  for (;;) {
    auto* at = static_cast<std::byte*>(r.address) + done;
    const std::uint32_t wanted = r.length - done;
    const std::uint32_t length = chance.shortened(wanted, scenario);
    const auto flags = static_cast<int>(r.flags & ~static_cast<unsigned>(MSG_WAITALL));
    const auto moved = or_errno(::recv(r.fd, at, length, flags | MSG_DONTWAIT));
    if (moved == -EAGAIN) return -EAGAIN;
    if (moved <= 0) return done > 0 ? static_cast<std::int32_t>(done) : moved;
    done += static_cast<std::uint32_t>(moved);
    // Short of all now and then, as when a signal or a limit ends the kernel's own retries.
    if (done == r.length || !all || (length < wanted && chance.happens(0.2))) {
      return static_cast<std::int32_t>(done);
    }
  }
}

std::int32_t try_connecting(const Request& r, std::uint32_t& done) {
  if (done != 0) {
    pollfd ready{r.fd, POLLOUT, 0};
    if (::poll(&ready, 1, 0) == 0) return -EAGAIN;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(r.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return -error;
  }
  const int mode = ::fcntl(r.fd, F_GETFL);
  ::fcntl(r.fd, F_SETFL, mode | O_NONBLOCK);
  const auto result = or_errno(::connect(r.fd, static_cast<const sockaddr*>(r.address), r.length));
  ::fcntl(r.fd, F_SETFL, mode);
  if (result != -EINPROGRESS) return result;
  done = 1;
  return -EAGAIN;
}

}  // namespace

std::int32_t try_socket_action(const Request& r, std::uint32_t& done, Scenario& scenario,
                               Chance& chance) {
  switch (r.action) {
    case Action::nop: return 0;
    case Action::accept_multishot: {
      pollfd ready{r.fd, POLLIN, 0};
      if (::poll(&ready, 1, 0) == 0) return -EAGAIN;
      return or_errno(::accept4(r.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    case Action::receive: return try_receiving(r, done, scenario, chance);
    case Action::poll: {
      pollfd ready{r.fd, static_cast<short>(r.flags), 0};
      return ::poll(&ready, 1, 0) == 0 ? -EAGAIN : ready.revents;
    }
    case Action::connect: return try_connecting(r, done);
    default: CHECK(false);
  }
}

short awaited_events(const Request& request) {
  switch (request.action) {
    case Action::connect: return POLLOUT;
    case Action::poll: return static_cast<short>(request.flags);
    default: return POLLIN;
  }
}

}  // namespace millrace::tests::fake
