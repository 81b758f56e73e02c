// How DirectoryIndexes follows the directories that it watches. Events come in the order of the
// changes, and each says whether a directory or something else got or lost a name; files and
// directories of one name are kept apart, so that an exchange of the two (MOVED_TO for the one,
// MOVED_FROM for the other) ends right. What isn't a regular file is found out when it is opened.
#include "s3/store/listing/directory_indexes.h"
#include "s3/store/listing/index_node.h"

#include <sys/inotify.h>

#include <algorithm>
#include <cstring>

namespace millrace::s3::store {

using engine::Task;

namespace {

constexpr std::size_t event_buffer_bytes = 64 * 1024;
constexpr std::size_t event_bytes_max = sizeof(inotify_event) + 256;
constexpr int events_at_once = 256;  // about half a millisecond in an index of a million names
constexpr std::size_t pending_max = 65'536;
// Queues hold 16,384 events by default and should not overflow while nobody lists.
constexpr std::uint64_t background_ms = 50;
constexpr std::size_t wasted_bytes_min = 1024 * 1024;

}  // namespace

DirectoryIndexes::Background::Background(DirectoryIndexes& owner_in)
    : Timer(&DirectoryIndexes::on_background), owner(owner_in) {}

void DirectoryIndexes::arm(std::uint64_t delay_ms) {
  shard_.arm(background_, delay_ms);
}

void DirectoryIndexes::on_background(engine::Timer& timer) {
  DirectoryIndexes& self = static_cast<Background&>(timer).owner;
  if (self.watches_.empty()) return;
  bool more = self.event_at_ < self.event_end_ || self.read_events();
  more = more && (self.apply_slice() || !self.emptied_);
  self.arm(more ? 1 : background_ms);
}

Task<void> DirectoryIndexes::drain() {
  if (watches_.empty()) co_return;
  while (apply_slice()) co_await engine::Yield{};
  do {
    if (!read_events()) co_return;
    while (apply_slice()) co_await engine::Yield{};
  } while (!emptied_);
}

// The buffer must have been used up. False when nothing is queued.
bool DirectoryIndexes::read_events() {
  if (!events_) events_ = std::make_unique_for_overwrite<std::byte[]>(event_buffer_bytes);
  const auto got = shard_.ring().watch_read(watcher_, std::span(events_.get(), event_buffer_bytes));
  event_at_ = 0;
  event_end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  emptied_ = event_end_ + event_bytes_max <= event_buffer_bytes;
  if (got < 0 && got != -EAGAIN && got != -EINTR) drop_watched();
  if (got == -EINTR) emptied_ = false;
  return got > 0 || got == -EINTR;
}

// True when events are left in the buffer.
bool DirectoryIndexes::apply_slice() {
  if (event_at_ >= event_end_) return false;
  for (int i = 0; i < events_at_once && event_at_ < event_end_; ++i) {
    inotify_event event;
    std::memcpy(&event, events_.get() + event_at_, sizeof event);
    const auto* name = reinterpret_cast<const char*>(events_.get()) + event_at_ + sizeof event;
    event_at_ += sizeof event + event.len;
    ++counters_.events;
    apply(event.mask, event.wd, {name, ::strnlen(name, event.len)});
  }
  if (bytes() > limits_.bytes_max) make_room(nullptr);
  return event_at_ < event_end_;
}

void DirectoryIndexes::apply(std::uint32_t mask, int watch, std::string_view name) {
  if ((mask & IN_Q_OVERFLOW) != 0) {
    ++counters_.overflows;
    drop_watched();
    return;
  }
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  Node& node = *found->second;
  if ((mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    if (node.building) {
      node.spoiled = true;
    } else {
      drop(node);
    }
    return;
  }
  if (node.building) {
    if (node.pending.size() >= pending_max) node.spoiled = true;
    if (!node.spoiled) node.pending.push_back({std::string(name), mask});
    return;
  }
  change(node, mask, name);
  // To keep what nobody asks for costs more by now than to read it again.
  const bool idle = ++node.events_since_use > 4 * node.index.size() + 10'000;
  const std::size_t wasted = node.index.wasted_bytes();
  if (idle || (wasted > wasted_bytes_min && wasted > node.index.bytes() / 2)) drop(node);
}

void DirectoryIndexes::change(Node& node, std::uint32_t mask, std::string_view name) {
  const auto kind = entry_kind(name, (mask & IN_ISDIR) != 0, node.index.in_chain());
  if (!kind) return;
  if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    node.index.insert(name, *kind);
  } else if ((mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    node.index.remove(name, *kind);
  }
}

Task<void> DirectoryIndexes::apply_pending(Node& node) {
  while (!node.pending.empty()) {
    const auto slice = std::exchange(node.pending, {});
    int done = 0;
    for (const auto& event : slice) {
      change(node, event.mask, event.name);
      if (++done % events_at_once == 0) co_await engine::Yield{};
    }
  }
}

void DirectoryIndexes::drop_watched() {
  std::vector<Node*> watched;
  for (const auto& [watch, node] : watches_) watched.push_back(node);
  for (Node* node : watched) {
    if (node->building) {
      node->spoiled = true;
    } else {
      drop(*node);
    }
  }
}

}  // namespace millrace::s3::store
