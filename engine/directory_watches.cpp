// The seam's calls for watched directories (inotify): they touch no disk, so every kind of ring
// makes them as they are.
#include "engine/ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace millrace::engine {

namespace {

std::int64_t or_errno(std::int64_t result) {
  return result < 0 ? -errno : result;
}

}  // namespace

int Ring::watch_open() {
  return static_cast<int>(or_errno(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
}

int Ring::watch_add(int watcher, int directory, WatchFor what) {
  // inotify takes only paths; this one leads to the open directory wherever it has gone.
  char name[40] = "/proc/self/fd/";
  const auto [end, ignored] = std::to_chars(name + 14, name + sizeof name - 1, directory);
  *end = '\0';
  constexpr std::uint32_t place = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  constexpr std::uint32_t entries = place | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  const std::uint32_t mask = what == WatchFor::entries ? entries : place;
  return static_cast<int>(or_errno(::inotify_add_watch(watcher, name, mask)));
}

int Ring::watch_remove(int watcher, int watch) {
  return static_cast<int>(or_errno(::inotify_rm_watch(watcher, watch)));
}

std::int64_t Ring::watch_read(int watcher, std::span<std::byte> into) {
  return or_errno(::read(watcher, into.data(), into.size()));
}

int Ring::watch_mounts() {
  return static_cast<int>(or_errno(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)));
}

Ring::WatchNews Ring::watch_news(int watcher, int mounts) {
  pollfd asked[] = {{.fd = watcher, .events = POLLIN, .revents = 0},
                    {.fd = mounts, .events = POLLPRI, .revents = 0}};
  if (::poll(asked, 2, 0) < 0) return {.events = true, .mounts = true};
  return {.events = asked[0].revents != 0, .mounts = asked[1].revents != 0};
}

}  // namespace millrace::engine
