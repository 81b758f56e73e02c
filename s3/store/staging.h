// A file on its way to become an object: written without a name where the filesystem can
// (O_TMPFILE), else under a name of its own in BUCKET/.mr.sys/staging. Nothing of it is visible
// before it is published. Owned by the request.
#pragma once

#include "s3/store/asker.h"
#include "s3/store/metadata.h"
#include "s3/store/options.h"
#include "s3/store/paths.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

struct StagedFile {
  StagedFile() = default;
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  engine::Descriptor file;
  std::array<std::uint8_t, 16> id{};
  std::uint64_t inode = 0;  // once it has something in meta/, made for mtime_ns
  std::int64_t mtime_ns = 0;
  bool named = false;  // then its name in staging/ is name()

  // A file that has a name already and keeps it, like the assembly of an upload: it is published
  // from there, never discarded, and may be sealed and published again with the same id and time
  // (the same attribute, byte for byte), also when it is the object by now.
  struct Elsewhere {
    int directory = -1;  // outlives this
    const char* name = nullptr;
  };
  std::optional<Elsewhere> elsewhere;
  std::optional<std::int64_t> modified_seconds;  // since 1970; not set: the time of sealing
  Asker asker;

  UniqueName name() const { return unique_name("", id); }
  ObjectId object_id() const {
    ObjectId own;
    std::copy_n(id.begin() + (id.size() - own.size()), own.size(), own.begin());
    return own;
  }
};

// ENOENT: no such bucket.
engine::Task<engine::Result<>> stage(const StoreOptions& options, std::string_view bucket,
                                     StagedFile& staged);

// Gives the whole file its attribute (and sidecar), owner and a modification time of its own, and
// makes it durable. `meta` must have its size and etag; id, file_size and mtime_ns are set here.
// An fsync that failed is not tried again: the file must be discarded.
engine::Task<engine::Result<>> seal(const StoreOptions& options, std::string_view bucket,
                                    StagedFile& staged, MetadataView& meta, const Ownership& owner);

// Removes what was staged and is not wanted; harmless after a publish.
engine::Task<void> discard(const StoreOptions& options, std::string_view bucket,
                           StagedFile& staged);

// Passes on what a sync has given. A failure marks the filesystem suspect, is counted and, the
// first time, logged.
engine::Result<> note_sync(const StoreOptions& options, engine::Result<> synced);
// fsync under the store's rules.
engine::Task<engine::Result<>> sync_file(const StoreOptions& options, int fd);
// The same, but for the mode that syncs nothing.
engine::Task<engine::Result<>> sync_unless_none(const StoreOptions& options, int fd);

}  // namespace millrace::s3::store
