// See place_watch.h. A directory that is removed was empty, so that no kept object was below it
// any more: no era ends. Its watch goes whenever the kernel lets go of it, which may be long after
// another directory has taken its name: nothing is remembered by path.
#include "s3/store/place_watch.h"

#include "engine/file.h"
#include "engine/shard.h"
#include "s3/store/paths.h"

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
constexpr std::uint64_t era_of_full_ns = 5'000'000'000;
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
  const std::uint64_t turn = Shard::current().turns();
  if (asked_turn_ == turn || !watcher_ || failed_) return era_;
  asked_turn_ = turn;
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
      if ((event.mask & IN_IGNORED) != 0) watches_.erase(event.wd);
    }
  }
  if (moved) begin_era();
}

void PlaceWatch::begin_era() {
  ++era_;
  begun_ns_ = Shard::current().now_ns();
  for (const int watch : watches_) Shard::current().ring().watch_remove(watcher_.get(), watch);
  watches_.clear();
}

bool PlaceWatch::watch(std::string_view path) {
  if (!ready()) return false;
  // Twice: a directory may move between being found and being watched. What the second time finds
  // is what the first has watched, or it is not known when that came there.
  const std::size_t before = watches_.size();
  if (!watch_above(path)) return false;
  if (watches_.size() == before) return true;
  const std::size_t watched = watches_.size();
  return watch_above(path) && watches_.size() == watched;
}

// Adding a watch to a directory that has one gives the same one again.
bool PlaceWatch::watch_above(std::string_view path) {
  std::array<char, hop_bytes_max + 1> name;
  for (std::size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
    if (end >= name.size() || watches_.size() >= directories_watched_max) return false;
    std::memcpy(name.data(), path.data(), end);
    name[end] = '\0';
    const auto directory = engine::file::open_cached(data_fd_, name.data(), O_PATH | O_DIRECTORY);
    if (!directory) return false;
    const int watch =
        Shard::current().ring().watch_add(watcher_.get(), directory->get(), Ring::WatchFor::place);
    if (watch < 0) return false;
    watches_.insert(watch);
  }
  return true;
}

void PlaceWatch::trim(std::size_t objects) {
  if (watches_.empty()) return;
  std::ignore = era();
  const bool full = watches_.size() >= directories_watched_max;
  const std::uint64_t now_ns = Shard::current().now_ns();
  if (objects == 0 || (full && now_ns - begun_ns_ > era_of_full_ns)) begin_era();
}

}  // namespace millrace::s3::store
