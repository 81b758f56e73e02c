// Finding, building and evicting: see the header. What keeps the indexes up to date is in
// index_events.cpp.
#include "s3/store/listing/directory_indexes.h"

#include "engine/file.h"
#include "s3/store/listing/directory_scan.h"
#include "s3/store/listing/index_node.h"

#include <fcntl.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr std::size_t small_buffer_bytes = 32 * 1024;
constexpr std::size_t indexes_max = 4096;
constexpr std::uint64_t pause_ms_min = 10;
constexpr std::uint64_t pause_ms_max = 5000;

std::int64_t to_ns(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

ChangeTimes change_times(const struct statx& status) {
  return {to_ns(status.stx_mtime), to_ns(status.stx_ctime)};
}

DirectoryIdentity identity_of(const struct statx& status) {
  return {(std::uint64_t{status.stx_dev_major} << 32) | status.stx_dev_minor, status.stx_ino,
          (status.stx_mask & STATX_BTIME) != 0 ? to_ns(status.stx_btime) : 0};
}

// As the server has it now, not as this node remembers it.
Task<Result<>> fresh_status(int directory, struct statx& out) {
  co_return engine::as_result(
      co_await engine::Operation({.action = engine::Action::stat,
                                  .fd = directory,
                                  .flags = AT_EMPTY_PATH | AT_STATX_FORCE_SYNC,
                                  .length = STATX_BASIC_STATS | STATX_BTIME,
                                  .address = &out,
                                  .path = ""}));
}

struct BuildEnd {
  std::vector<std::coroutine_handle<>>& waiters;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> self) const { waiters.push_back(self); }
  void await_resume() const {}
};

}  // namespace

IndexHandle::IndexHandle(Node& node) : node_(&node) {
  ++node.references;
}

IndexHandle::~IndexHandle() {
  if (node_ != nullptr && --node_->references == 0 && !node_->cached) delete node_;
}

const DirectoryIndex& IndexHandle::operator*() const {
  return node_->index;
}

DirectoryIndexes::DirectoryIndexes(engine::Shard& shard, const IndexLimits& limits)
    : shard_(shard), limits_(limits), background_(*this) {}

DirectoryIndexes::~DirectoryIndexes() {
  while (!nodes_.empty()) {
    Node& node = *nodes_.begin()->second;
    CHECK(node.references == 0 && !node.building);
    drop(node);
  }
  if (watcher_ >= 0) shard_.ring().close_now(watcher_);
}

std::size_t DirectoryIndexes::bytes() const {
  std::size_t sum = 0;
  for (const auto& [identity, node] : nodes_) {
    if (!node->building) sum += node->index.bytes();
  }
  return sum;
}

Task<Result<IndexHandle>> DirectoryIndexes::acquire(const Abilities& abilities, int directory,
                                                    bool in_chain, std::string_view at) {
  struct statx status{};
  const auto known = abilities.local ? engine::as_result(shard_.ring().stat_open(directory, status))
                                     : co_await fresh_status(directory, status);
  if (!known) co_return std::unexpected(known.error());
  const DirectoryIdentity identity = identity_of(status);
  const std::uint64_t asked = ++clock_;
  bool large = false;
  for (;;) {
    co_await drain();
    const auto found = nodes_.find(identity);
    if (found == nodes_.end()) {
      if (!large) {
        auto small = co_await read_small(directory, in_chain);
        if (!small || *small) co_return small;
        large = true;
        continue;  // another may be building it by now
      }
      Node& made = *new Node(in_chain);
      made.identity = identity;
      made.cached = true;
      made.building = true;
      nodes_.emplace(identity, &made);
      co_return co_await build(abilities, made, directory, at);
    }
    Node& node = *found->second;
    IndexHandle handle(node);
    large = true;
    if (node.building) {
      co_await BuildEnd{node.waiters};
      continue;
    }
    bool usable = node.index.in_chain() == in_chain && node.index.covers(at);
    if (usable && abilities.shared) {
      usable = node.begun > asked;
    } else if (usable && node.watch < 0) {
      const auto proved = co_await fresh(node, directory);
      if (!proved) co_return std::unexpected(proved.error());
      if (!node.cached) continue;
      usable = *proved;
    }
    if (!usable) {
      drop(node);
      continue;
    }
    node.used = ++clock_;
    node.events_since_use = 0;
    ++counters_.hits;
    co_return handle;
  }
}

Task<Result<bool>> DirectoryIndexes::fresh(Node& node, int directory) {
  struct statx status{};
  const auto known = co_await fresh_status(directory, status);
  if (!known) co_return std::unexpected(known.error());
  co_return change_times(status) == node.times;
}

// An empty handle when the directory isn't small.
Task<Result<IndexHandle>> DirectoryIndexes::read_small(int directory, bool in_chain) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(small_buffer_bytes);
  auto* node = new Node(in_chain);
  IndexHandle handle(*node);
  for (;;) {
    const auto got =
        co_await file::read_directory(directory, std::span(buffer.get(), small_buffer_bytes));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) break;
    const auto added = co_await add_entries(directory, std::span(buffer.get(), *got), node->index);
    if (!added) co_return std::unexpected(added.error());
    if (node->index.size() > limits_.small_names_max) co_return IndexHandle();
  }
  ++counters_.small_reads;
  node->index.sort();
  co_return handle;
}

bool DirectoryIndexes::watching(const Abilities& abilities) {
  if (!abilities.local || !abilities.inotify || watcher_failed_) return false;
  if (watcher_ < 0) {
    watcher_ = shard_.ring().watch_open();
    watcher_failed_ = watcher_ < 0;  // the user's limit of instances
  }
  return !watcher_failed_;
}

Task<Result<IndexHandle>> DirectoryIndexes::build(const Abilities& abilities, Node& node,
                                                  int directory, std::string_view at) {
  IndexHandle handle(node);
  ++counters_.scans;
  node.begun = ++clock_;
  // Parts are only cut when all is too much, which is not known yet: begin_at() first would leave
  // a part in memory that the next page from the start can't use.
  Result<> built;
  if (watching(abilities))
    node.watch = shard_.ring().watch_add(watcher_, directory, engine::Ring::WatchFor::entries);
  if (node.watch >= 0) {
    watches_.insert_or_assign(node.watch, &node);
    arm(0);
    built = co_await scan_watched(node, directory);
  } else {
    node.watch = -1;
    built = co_await scan_timed(abilities, node, directory);
  }
  if (built && !node.index.covers(at)) {
    node.index = DirectoryIndex(node.index.in_chain());
    node.index.begin_at(at);
    built = node.watch >= 0 ? co_await scan_watched(node, directory)
                            : co_await scan_timed(abilities, node, directory);
  }
  node.building = false;
  node.used = ++clock_;
  for (const auto waiter : std::exchange(node.waiters, {})) shard_.ready().push(waiter);
  if (!built || node.spoiled) drop(node);
  if (!built) co_return std::unexpected(built.error());
  make_room(&node);
  co_return handle;
}

Task<Result<>> DirectoryIndexes::scan_watched(Node& node, int directory) {
  const auto again = co_await file::open(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!again) co_return std::unexpected(again.error());
  const auto scanned = co_await scan_directory(again->get(), limits_.bytes_max / 2, node.index);
  if (!scanned) co_return scanned;
  // What changed while the scan ran: each name's last event says how it is now.
  co_await drain();
  co_await apply_pending(node);
  co_return Result<>{};
}

Task<Result<>> DirectoryIndexes::scan_timed(const Abilities& abilities, Node& node, int directory) {
  if (abilities.shared) {
    const auto again = co_await file::open(directory, ".", O_RDONLY | O_DIRECTORY);
    if (!again) co_return std::unexpected(again.error());
    co_return co_await scan_directory(again->get(), limits_.bytes_max / 2, node.index);
  }
  struct statx before{};
  struct statx paused{};
  struct statx after{};
  if (const auto known = co_await fresh_status(directory, before); !known) co_return known;
  // The clock that stamps the directory is not ours. When the stamp has stood for longer than its
  // granularity, whatever happens from now on gives another one.
  const std::uint64_t step_ns = std::max(abilities.timestamp_tick_ns, abilities.timestamp_unit_ns);
  co_await engine::sleep_for(std::clamp(2 * step_ns / 1'000'000 + 1, pause_ms_min, pause_ms_max));
  const auto again = co_await file::open(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!again) co_return std::unexpected(again.error());
  if (const auto known = co_await fresh_status(again->get(), paused); !known) co_return known;
  const auto scanned = co_await scan_directory(again->get(), limits_.bytes_max / 2, node.index);
  if (!scanned) co_return scanned;
  if (const auto known = co_await fresh_status(again->get(), after); !known) co_return known;
  node.times = change_times(before);
  node.spoiled = change_times(paused) != node.times || change_times(after) != node.times;
  co_return Result<>{};
}

void DirectoryIndexes::drop(Node& node) {
  if (!node.cached) return;
  node.cached = false;
  ++counters_.drops;
  nodes_.erase(node.identity);
  if (node.watch >= 0) {
    watches_.erase(node.watch);
    shard_.ring().watch_remove(watcher_, node.watch);
    node.watch = -1;
  }
  if (node.references == 0) delete &node;
}

void DirectoryIndexes::make_room(const Node* spared) {
  while (nodes_.size() > indexes_max || bytes() > limits_.bytes_max) {
    Node* oldest = nullptr;
    for (const auto& [identity, node] : nodes_) {
      if (node->building || node == spared) continue;
      if (oldest == nullptr || node->used < oldest->used) oldest = node;
    }
    if (oldest == nullptr) return;
    drop(*oldest);
  }
}

}  // namespace millrace::s3::store
