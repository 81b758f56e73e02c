// Objects on a POSIX filesystem, one store per shard. A store holds no state about objects: only
// what it has seen synced. Everything that several shards must agree on is in the filesystem, or
// in the key locks that the shards of a process share.
#pragma once

#include "engine/turns.h"
#include "s3/digest/md5_queue.h"
#include "s3/limits.h"
#include "s3/store/attribute.h"
#include "s3/store/conditions.h"
#include "s3/store/directories.h"
#include "s3/store/key_locks.h"
#include "s3/store/object.h"
#include "s3/store/options.h"
#include "s3/store/rename.h"
#include "s3/store/staging.h"

#include <optional>
#include <string_view>

namespace millrace::s3::store {

// What a publish or a removal found under the name before.
struct Replaced {
  bool existed = false;
  std::uint64_t size = 0;
  std::optional<GoneMeta> meta;  // what meta/ still has of the object that was replaced
};

// What tells a file that was published from every other one, also when its tags have changed since.
struct PublishedFile {
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;  // its nanoseconds are a tag (staging.cpp)
  std::string_view etag;      // as text
};

class Store {
 public:
  Store(const StoreOptions& options, KeyLocks& locks) : options_(options), locks_(locks) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const StoreOptions& options() const { return options_; }
  const DirectorySyncs& directory_syncs() const { return syncs_; }
  DirectorySyncs& directory_syncs() { return syncs_; }
  engine::Turns& kernel_copies() { return kernel_copies_; }  // of copy_bytes.h
  Md5Queue& md5_queue() { return md5_queue_; }               // of all content, uploads' too

  // Gives a sealed file the key's name, replacing what was there, and makes the name as durable
  // as the mode promises. On an error nothing was published, or it is unknown (the sync failed).
  // EEXIST, errno_condition_failed, errno_no_object, errno_object_changed: a condition does not
  // hold.
  engine::Task<engine::Result<Replaced>> publish(std::string_view bucket, MappedPath& path,
                                                 std::string_view key, StagedFile& staged,
                                                 const MetadataView& meta, CommitKind kind,
                                                 WriteConditions conditions = {});

  // ESHUTDOWN, of both: shared with other containers, and the asker has gone (asker.h).
  //
  // Removes the key's object and the directories that this leaves empty. errno_condition_failed,
  // errno_no_object: a condition does not hold.
  engine::Task<engine::Result<Replaced>> remove(std::string_view bucket, MappedPath& path,
                                                std::string_view key,
                                                WriteConditions conditions = {}, Asker asker = {});

  // Gives the key's object these tags and no others (retag.cpp). Its ETag and its times stay; a
  // file from outside gets an attribute for what it is now. ENOENT: no such object, or no such
  // bucket.
  engine::Task<engine::Result<>> set_tags(std::string_view bucket, MappedPath& path,
                                          std::string_view key, const PackedPairs& tags,
                                          Asker asker = {});

  // Whether the key's object is this file; if so, its name is as durable as the mode promises.
  engine::Task<engine::Result<bool>> confirm(std::string_view bucket, MappedPath& path,
                                             std::string_view key, const PublishedFile& file);

  // Gives the object of one key the name of another in the same bucket, replacing what was there
  // (rename.h). Errors: ENOENT, no such bucket; errno_no_object, no such source;
  // errno_condition_failed; errno_token_reused; EXDEV, the filesystem will not.
  engine::Task<engine::Result<>> rename(const RenameRequest& request);

  // Brings the objects back under their keys that a process which died, or a power cut, has left
  // aside in the bucket (moving.h); how many. Once at start: until then they are read and written
  // as ever, but not listed. Safe beside everything else.
  engine::Task<engine::Result<std::size_t>> finish_moves(std::string_view bucket);

 private:
  struct Place {
    const Directory& directory;
    const char* leaf;
  };

  // The lock of the object of the first `names` names, whose directory is `parent`, and no part
  // of it left aside. ENOENT: the directory was removed meanwhile, and must be made again.
  engine::Task<engine::Result<KeyLocks::Held>> lock_key(std::string_view bucket, MappedPath& path,
                                                        std::size_t names, int parent);
  engine::Task<engine::Result<>> still_asked(const Asker& asker) const;
  engine::Task<engine::Result<bool>> proves_absence(std::string_view bucket, MappedPath& path,
                                                    const Directory& parent) const;
  engine::Task<engine::Result<>> move_into_directory(std::string_view bucket, MappedPath& path,
                                                     std::size_t names, int above);
  engine::Task<engine::Result<>> finish_move(std::string_view bucket, std::string_view object,
                                             int moving);
  engine::Task<engine::Result<Directory>> parent_for(std::string_view bucket, MappedPath& path);
  engine::Task<engine::Result<Directory>> make_parent(std::string_view bucket, MappedPath& path);
  engine::Task<engine::Result<engine::Descriptor>> open_or_make(MappedPath& path, std::size_t index,
                                                                int above);
  engine::Task<engine::Result<>> turn_into_directory(std::string_view bucket, MappedPath& path,
                                                     std::size_t index, int above);
  engine::Task<engine::Result<>> put_under(std::string_view bucket, const StagedFile& staged,
                                           int directory, const char* leaf);
  engine::Task<engine::Result<Replaced>> place(std::string_view bucket, std::string_view key,
                                               const StagedFile& staged, Place where,
                                               const WriteConditions& conditions);
  engine::Task<engine::Result<>> put_over(std::string_view bucket, const StagedFile& staged,
                                          Place where);
  engine::Task<engine::Result<Replaced>> replace(std::string_view bucket, std::string_view key,
                                                 const StagedFile& staged, Place where,
                                                 const WriteConditions& conditions);
  engine::Task<engine::Result<>> keep_owner(const struct statx& old, int fresh);
  engine::Task<engine::Result<>> name_is_durable(const Directory& directory, int file);
  engine::Task<engine::Result<Replaced>> remove_at(std::string_view bucket, std::string_view key,
                                                   Place where, const WriteConditions& conditions,
                                                   ObjectId& id);
  engine::Task<engine::Result<Replaced>> remove_inner(std::string_view bucket, MappedPath& path,
                                                      std::string_view key, Place where,
                                                      const WriteConditions& conditions,
                                                      ObjectId& id);
  struct Spot;
  struct HeldPair {
    KeyLocks::Held low;
    std::optional<KeyLocks::Held> high;
    void release() {
      high.reset();
      low.release();
    }
  };
  engine::Task<engine::Result<>> rename_once(const RenameRequest& request);
  engine::Task<engine::Result<HeldPair>> lock_pair(std::string_view bucket, std::string_view one,
                                                   std::string_view other);
  engine::Task<engine::Result<>> repair_both(const RenameRequest& request, const Directory& from,
                                             const Directory& to);
  engine::Task<engine::Result<Directory>> parent_of_source(std::string_view bucket,
                                                           MappedPath& path);
  engine::Task<engine::Result<>> locate(std::string_view bucket, const RenameSide& side,
                                        const Directory& parent, Spot& spot);
  engine::Task<engine::Result<>> make_spots_durable(const RenameRequest& request, const Spot& from,
                                                    const Spot& to);
  engine::Task<engine::Result<>> move_name(const RenameRequest& request, const Spot& from,
                                           const Spot& to);
  engine::Task<void> after_rename(const RenameRequest& request, const Spot& from, const Spot& to);
  engine::Task<engine::Result<>> was_renamed(const RenameRequest& request);
  engine::Task<void> remove_empty_parents(std::string_view bucket, MappedPath& path);
  void tell(const CommitEvent& event) const;

  const StoreOptions options_;
  KeyLocks& locks_;
  SyncedDirectories synced_;
  DirectorySyncs syncs_;
  engine::Turns kernel_copies_{limits::kernel_copies_max};
  Md5Queue md5_queue_;
};

}  // namespace millrace::s3::store
