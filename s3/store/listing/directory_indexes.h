// A shard's indexes of large directories, within a bound of memory; the least recently used goes
// first. An index is only given out when it is proved fresh: on a local filesystem by a watch set
// before the scan, whose queue is drained first; elsewhere by the directory's times, asked for
// anew, which must be those of the scan, with a pause before it that makes any later change show
// in them. Where other hosts change the directory, too (Abilities::shared), no stamp proves
// anything, since theirs come from other clocks: only requests that asked before its scan began
// have one index. Small directories are read and sorted each time. Owned by one shard.
#pragma once

#include "engine/shard.h"
#include "s3/store/listing/directory_index.h"
#include "s3/store/options.h"

#include <array>
#include <coroutine>
#include <unordered_map>
#include <utility>

namespace millrace::s3::store {

struct IndexLimits {
  std::size_t bytes_max = std::size_t{256} << 20;  // of all indexes of the shard together
  std::size_t small_names_max = 512;               // no more: read each time
};

struct IndexCounters {
  std::uint64_t small_reads = 0;
  std::uint64_t scans = 0;
  std::uint64_t hits = 0;
  std::uint64_t events = 0;
  std::uint64_t overflows = 0;
  std::uint64_t drops = 0;
};

// A directory is known by these: a new one that gets an old one's inode has another time of birth.
struct DirectoryIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  bool operator==(const DirectoryIdentity&) const = default;
};

class DirectoryIndexes;

// An index in use: it stays as long as anybody has a handle, also when it was dropped meanwhile.
class IndexHandle {
 public:
  IndexHandle() = default;
  IndexHandle(IndexHandle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  IndexHandle& operator=(IndexHandle&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~IndexHandle();

  explicit operator bool() const { return node_ != nullptr; }
  const DirectoryIndex& operator*() const;
  const DirectoryIndex* operator->() const { return &**this; }

 private:
  friend class DirectoryIndexes;
  struct Node;
  explicit IndexHandle(Node& node);
  Node* node_ = nullptr;
};

class DirectoryIndexes {
 public:
  // On the shard's thread, also the destructor.
  explicit DirectoryIndexes(engine::Shard& shard, const IndexLimits& limits = {});
  ~DirectoryIndexes();
  DirectoryIndexes(const DirectoryIndexes&) = delete;
  DirectoryIndexes& operator=(const DirectoryIndexes&) = delete;

  // The index of an open, readable directory as it was at some moment after the call, which
  // covers what `at` (relative to the directory) sorts before or in. May use up the descriptor's
  // position. Errors: the system's.
  engine::Task<engine::Result<IndexHandle>> acquire(const Abilities& abilities, int directory,
                                                    bool in_chain, std::string_view at);

  const IndexCounters& counters() const { return counters_; }
  std::size_t bytes() const;
  std::size_t size() const { return nodes_.size(); }

 private:
  using Node = IndexHandle::Node;
  friend class IndexHandle;

  struct IdentityHash {
    std::size_t operator()(const DirectoryIdentity& identity) const {
      return (identity.inode * 0x9e3779b97f4a7c15) ^ identity.device ^
             static_cast<std::uint64_t>(identity.birth_ns);
    }
  };
  struct Background : engine::Timer {
    explicit Background(DirectoryIndexes& owner_in);
    DirectoryIndexes& owner;
  };

  bool watching(const Abilities& abilities);
  engine::Task<engine::Result<bool>> fresh(Node& node, int directory);
  engine::Task<engine::Result<IndexHandle>> read_small(int directory, bool in_chain);
  engine::Task<engine::Result<IndexHandle>> build(const Abilities& abilities, Node& node,
                                                  int directory, std::string_view at);
  engine::Task<engine::Result<>> scan_watched(Node& node, int directory);
  engine::Task<engine::Result<>> scan_timed(const Abilities& abilities, Node& node, int directory);
  engine::Task<void> apply_pending(Node& node);

  // Applies every event that was queued before the call.
  engine::Task<void> drain();
  bool read_events();
  bool apply_slice();
  void apply(std::uint32_t mask, int watch, std::string_view name);
  void change(Node& node, std::uint32_t mask, std::string_view name);
  static void on_background(engine::Timer& timer);
  void arm(std::uint64_t delay_ms);

  void drop(Node& node);
  void drop_watched();
  void make_room(const Node* spared);

  engine::Shard& shard_;
  const IndexLimits limits_;
  IndexCounters counters_;
  std::unordered_map<DirectoryIdentity, Node*, IdentityHash> nodes_;
  std::unordered_map<int, Node*> watches_;
  std::uint64_t clock_ = 0;  // counts uses, for what was used least recently
  int watcher_ = -1;
  bool watcher_failed_ = false;
  bool emptied_ = false;  // the last read took all that was queued
  std::size_t event_at_ = 0;
  std::size_t event_end_ = 0;
  std::unique_ptr<std::byte[]> events_;
  Background background_;
};

}  // namespace millrace::s3::store
