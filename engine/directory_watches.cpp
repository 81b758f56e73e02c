// The seam's calls for watched directories (inotify): they touch no disk, so every kind of ring
// makes them as they are.
#include "engine/ring.h"

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

int Ring::watch_add(int watcher, int directory) {
  // inotify takes only paths; this one leads to the open directory wherever it has gone.
  char name[40] = "/proc/self/fd/";
  const auto [end, ignored] = std::to_chars(name + 14, name + sizeof name - 1, directory);
  *end = '\0';
  constexpr std::uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  return static_cast<int>(or_errno(::inotify_add_watch(watcher, name, mask)));
}

int Ring::watch_remove(int watcher, int watch) {
  return static_cast<int>(or_errno(::inotify_rm_watch(watcher, watch)));
}

std::int64_t Ring::watch_read(int watcher, std::span<std::byte> into) {
  return or_errno(::read(watcher, into.data(), into.size()));
}

}  // namespace millrace::engine
