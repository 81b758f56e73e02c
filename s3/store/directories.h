// Directories below a bucket: finding and making the one that will hold a name, and knowing that
// its own name is durable. Owned by one shard.
#pragma once

#include "s3/store/options.h"
#include "s3/store/paths.h"

#include <array>
#include <coroutine>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace millrace::s3::store {

// A directory as long as it exists: inode numbers are used again, births are not.
struct DirectoryId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t born_ns = 0;
  bool operator==(const DirectoryId&) const = default;
  std::uint64_t hash() const;
};

struct Directory {
  engine::Descriptor fd;
  DirectoryId id;
};

// Directories whose own entry, and that of every directory above, has been seen synced by this
// shard, whoever made them. Bounded; forgetting one only costs syncs.
class SyncedDirectories {
 public:
  SyncedDirectories() : slots_(slot_count) {}
  bool contains(const DirectoryId& id) const { return slots_[id.hash() % slot_count] == id; }
  void add(const DirectoryId& id) { slots_[id.hash() % slot_count] = id; }

 private:
  static constexpr std::size_t slot_count = 8192;
  std::vector<DirectoryId> slots_;
};

// Syncs a directory and then looks at it. xfs answers a directory's fsync with success when it has
// shut down meanwhile and dropped the change (xfs_dir_fsync of Linux 6.18 asks the log alone, and
// finds nothing pinned); the look then fails with EIO.
engine::Task<engine::Result<>> sync_directory(int fd);

// Syncs of directories, shared by whoever waits for the same one: a sync counts for those that
// asked before it was submitted, never for one that asked while it ran.
class DirectorySyncs {
 public:
  engine::Task<engine::Result<>> sync(const Directory& directory);
  std::uint64_t asked() const { return asked_; }
  std::uint64_t run() const { return run_; }

 private:
  struct Waiter {
    std::coroutine_handle<> coroutine;
    Waiter* next = nullptr;
    bool answered = false;
    engine::Result<> result;
  };
  struct Join {
    Waiter& waiter;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> self) { waiter.coroutine = self; }
    void await_resume() const {}
  };
  struct Queue {
    Waiter* first = nullptr;
  };

  std::unordered_map<std::uint64_t, Queue> running_;  // by DirectoryId::hash()
  std::uint64_t asked_ = 0;
  std::uint64_t run_ = 0;
};

// The same but for the mode that syncs nothing, and under the store's rules (note_sync).
engine::Task<engine::Result<>> sync_directory_unless_none(const StoreOptions& options, int fd);

// Syncs the names in a directory under the store's rules, shared with others.
engine::Task<engine::Result<>> sync_names(const StoreOptions& options, DirectorySyncs& syncs,
                                          const Directory& directory);

// Opens the directory of the first `names` names; from the kernel's caches where it can.
engine::Task<engine::Result<Directory>> open_directory(const StoreOptions& options,
                                                       std::string_view bucket, MappedPath& path,
                                                       std::size_t names);
engine::Task<engine::Result<Directory>> identify(const StoreOptions& options,
                                                 engine::Descriptor fd);

// Syncs the directories above `directory` (that of the first `names` names), from the data
// directory down, unless this shard has seen that done.
engine::Task<engine::Result<>> sync_ancestors(const StoreOptions& options,
                                              SyncedDirectories& synced, DirectorySyncs& syncs,
                                              std::string_view bucket, MappedPath& path,
                                              std::size_t names, const Directory& directory);

}  // namespace millrace::s3::store
