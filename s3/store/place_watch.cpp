// See place_watch.h. A directory that is removed was empty, so that no kept object was below it
// any more: its path is forgotten, but no era ends.
#include "s3/store/place_watch.h"

#include "engine/file.h"
#include "engine/shard.h"

#include <fcntl.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Ring;
using engine::Shard;

namespace {
constexpr std::size_t watches_beyond_objects_max = 64;
}  // namespace

bool PlaceWatch::ready() {
  if (watcher_ || failed_) return !failed_;
  Ring& ring = Shard::current().ring();
  const int watcher = ring.watch_open();
  const int mounts = ring.watch_mounts();
  if (watcher >= 0) watcher_ = Descriptor(watcher);
  if (mounts >= 0) mounts_ = Descriptor(mounts);
  failed_ = !watcher_ || !mounts_;  // the user's limit of instances, or no /proc
  return !failed_;
}

std::uint64_t PlaceWatch::era() {
  const std::uint64_t turn_ns = Shard::current().now_ns();
  if (asked_ns_ == turn_ns || !watcher_ || failed_) return era_;
  asked_ns_ = turn_ns;
  const auto news = Shard::current().ring().watch_news(watcher_.get(), mounts_.get());
  if (news.mounts) begin_era();
  if (news.events) read_events();
  return era_;
}

void PlaceWatch::read_events() {
  Ring& ring = Shard::current().ring();
  alignas(inotify_event) std::array<std::byte, 4096> events;
  bool moved = false;
  for (;;) {
    const auto got = ring.watch_read(watcher_.get(), events);
    if (got == -EAGAIN) break;
    if (got == -EINTR) continue;
    if (got <= 0) {
      moved = failed_ = true;
      break;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event;
      std::memcpy(&event, events.data() + at, sizeof event);
      at += sizeof event + event.len;
      const bool known = watches_.contains(event.wd);
      moved = moved || (event.mask & IN_Q_OVERFLOW) != 0 ||
              (known && (event.mask & (IN_MOVE_SELF | IN_UNMOUNT)) != 0);
      if (known && (event.mask & IN_IGNORED) != 0) {
        watches_.erase(event.wd);
        paths_.clear();
      }
    }
  }
  if (moved) begin_era();
}

void PlaceWatch::begin_era() {
  ++era_;
  for (const int watch : watches_) Shard::current().ring().watch_remove(watcher_.get(), watch);
  watches_.clear();
  paths_.clear();
}

bool PlaceWatch::watch(const char* path) {
  if (!ready()) return false;
  for (const char* end = std::strchr(path, '/'); end != nullptr; end = std::strchr(end + 1, '/')) {
    if (!watch_directory({path, end})) return false;
  }
  return true;
}

bool PlaceWatch::watch_directory(const std::string& path) {
  if (paths_.contains(path)) return true;
  if (watches_.size() == directories_watched_max) return false;
  const auto directory = engine::file::open_cached(data_fd_, path.c_str(), O_PATH | O_DIRECTORY);
  if (!directory) return false;
  const int watch =
      Shard::current().ring().watch_add(watcher_.get(), directory->get(), Ring::WatchFor::place);
  if (watch < 0) return false;
  watches_.insert(watch);
  paths_.insert(path);
  return true;
}

void PlaceWatch::trim(std::size_t objects) {
  if (watches_.empty()) return;
  std::ignore = era();
  if (objects == 0 || watches_.size() > 2 * objects + watches_beyond_objects_max) begin_era();
}

}  // namespace millrace::s3::store
