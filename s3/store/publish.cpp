// The commit protocol's second half (the first is seal(): data, attribute, fsync): the name.
//   - a new name is linked, which fails when somebody else was first;
//   - a name that exists is replaced by a rename of a second link, which is atomic;
//   - then the directory is synced, and only then is the request acknowledged.
// Look and act happen under the key's lock, so writers of one key go one after another. The
// locks are never nested: parents are made before the key's own lock is taken, and everything is
// begun again when a directory vanished or a file became one meanwhile.
#include "s3/store/attribute.h"
#include "s3/store/read.h"
#include "s3/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::s3::store {

using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {
// Each further attempt follows somebody else's commit in the same place.
constexpr int attempts_max = 1000;
}  // namespace

void Store::tell(const CommitEvent& event) const {
  if (options_.commits.on_commit != nullptr) {
    options_.commits.on_commit(options_.commits.context, event);
  }
}

// With the key's lock held. What the kernel knows of the connection reaches the shard within one of
// its turns: of two yields in a row the second is in the next.
Task<Result<>> Store::still_asked(const Asker& asker) const {
  if (!locks_.shared() || asker.has_gone == nullptr) co_return Result<>{};
  for (int turn = 0; turn < 2 && !asker.gone(); ++turn) co_await engine::Yield{};
  co_return asker.gone() ? Result<>(engine::fail_errno(ESHUTDOWN)) : Result<>{};
}

Task<Result<Replaced>> Store::publish(std::string_view bucket, MappedPath& path,
                                      std::string_view key, StagedFile& staged,
                                      const MetadataView& meta, CommitKind kind,
                                      WriteConditions conditions) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto parent = co_await parent_for(bucket, path);
    if (!parent) co_return std::unexpected(parent.error());
    auto lock = co_await lock_key(bucket, path, path.names(), parent->fd.get());
    if (!lock) {
      if (lock.error().is(ENOENT) || lock.error().is(ENOTDIR)) continue;
      co_return std::unexpected(lock.error());
    }
    if (const auto asked = co_await still_asked(staged.asker); !asked) {
      co_return std::unexpected(asked.error());
    }
    auto placed = co_await place(bucket, key, staged, {*parent, path.leaf()}, conditions);
    Result<> durable;
    if (placed) {
      durable = co_await name_is_durable(*parent, staged.file.get());
    } else if (placed.error().is(EISDIR)) {
      // The key is a directory too: its object is `.mr.f` in there.
      auto inner = co_await file::open(parent->fd.get(), path.leaf(), O_RDONLY | O_DIRECTORY);
      if (inner) {
        const auto directory = co_await identify(options_, std::move(*inner));
        if (!directory) co_return std::unexpected(directory.error());
        placed = co_await place(bucket, key, staged, {*directory, file_of_directory_name.data()},
                                conditions);
        if (placed && options_.durability == Durability::strict) {
          durable = co_await sync_ancestors(options_, synced_, syncs_, bucket, path, path.names(),
                                            *directory);
        }
        if (placed && durable) durable = co_await name_is_durable(*directory, staged.file.get());
      } else {
        placed = std::unexpected(inner.error());
      }
    }
    lock->release();
    if (placed && durable) {
      staged.inode = 0;  // what it has in meta/ is the object's now
      if (placed->meta) co_await remove_meta(options_, bucket, *placed->meta);
      tell({.kind = kind,
            .bucket = bucket,
            .key = key,
            .id = meta.id,
            .size_before = placed->existed ? std::optional(placed->size) : std::nullopt,
            .size_after = meta.size});
      co_return placed;
    }
    if (placed) {
      staged.inode = 0;
      co_return std::unexpected(durable.error());
    }
    if (placed.error().is(errno_no_object)) {
      const auto absent = co_await proves_absence(bucket, path, *parent);
      if (!absent) co_return std::unexpected(absent.error());
      if (!*absent) continue;
      co_await remove_empty_parents(bucket, path);
      co_return placed;
    }
    // The directory was removed, or the name became a directory or a file: look again.
    const Error& error = placed.error();
    if (!error.is(ENOENT) && !error.is(ENOTDIR) && !error.is(EISDIR)) co_return placed;
  }
  co_return engine::fail_errno(EAGAIN);
}

Task<Result<>> Store::name_is_durable(const Directory& directory, int published) {
  if (options_.durability != Durability::strict) co_return Result<>{};
  const auto synced = co_await sync_names(options_, syncs_, directory);
  if (!synced) co_return synced;
  // Where a directory's sync does nothing, the object's own descriptor carries the name.
  if (options_.abilities.directory_sync == DirectorySync::works) co_return Result<>{};
  co_return co_await sync_file(options_, published);
}

// Gives the staged file the name `leaf`, or EEXIST. ESTALE: its own name elsewhere has gone.
Task<Result<>> Store::put_under(std::string_view bucket, const StagedFile& staged, int directory,
                                const char* leaf) {
  if (staged.elsewhere) {
    const auto& [above, name] = *staged.elsewhere;
    const auto linked = co_await file::link(above, name, directory, leaf);
    if (linked || !linked.error().is(ENOENT)) co_return linked;
    struct statx status{};
    const auto there = co_await file::stat(above, name, status);
    co_return there ? linked : engine::fail_errno(ESTALE);
  }
  if (!staged.named) co_return co_await file::link_open(staged.file.get(), directory, leaf);
  const auto staging = co_await open_system_directory(options_, bucket, "staging");
  if (!staging) co_return std::unexpected(staging.error());
  co_return co_await file::link(staging->get(), staged.name().c_str(), directory, leaf);
}

Task<Result<Replaced>> Store::place(std::string_view bucket, std::string_view key,
                                    const StagedFile& staged, Place where,
                                    const WriteConditions& conditions) {
  if (conditions.must_exist()) co_return co_await replace(bucket, key, staged, where, conditions);
  const auto linked = co_await put_under(bucket, staged, where.directory.fd.get(), where.leaf);
  if (linked) co_return Replaced{};
  if (!linked.error().is(EEXIST)) co_return std::unexpected(linked.error());
  co_return co_await replace(bucket, key, staged, where, conditions);
}

// Gives the staged file a name that has a file, by renaming a second link of it: from staging or,
// where that is too far for a rename (EXDEV: CephFS has quotas of another directory there), from
// the same directory, by a name that no key maps to. A process that dies between leaves that name.
Task<Result<>> Store::put_over(std::string_view bucket, const StagedFile& staged, Place where) {
  const int target = where.directory.fd.get();
  const auto staging = co_await open_system_directory(options_, bucket, "staging");
  if (!staging) co_return std::unexpected(staging.error());
  const UniqueName second = unique_name("t-", staged.id);
  const auto linked = co_await put_under(bucket, staged, staging->get(), second.c_str());
  if (!linked && !linked.error().is(EEXIST)) co_return linked;
  auto done = co_await file::rename(staging->get(), second.c_str(), target, where.leaf);
  if (done) co_return done;
  if (done.error().is(EXDEV)) {
    // From the name that it has: a file without one can be linked once only (I_LINKABLE).
    const UniqueName near = unique_name(".mr.t-", staged.id);
    done = co_await file::link(staging->get(), second.c_str(), target, near.c_str());
    if (done) {
      done = co_await file::rename(target, near.c_str(), target, where.leaf);
      if (!done) std::ignore = co_await file::unlink(target, near.c_str());
    }
  }
  std::ignore = co_await file::unlink(staging->get(), second.c_str());
  co_return done;
}

// An overwrite keeps owner and mode; where this process may not chown, it is left as is. The mode
// comes last, since a change of owner clears bits of it.
Task<Result<>> Store::keep_owner(const struct statx& old, int fresh) {
  const auto owned = co_await file::change_owner(fresh, old.stx_uid, old.stx_gid);
  if (!owned && !owned.error().is(EPERM) && !owned.error().is(EINVAL)) co_return owned;
  const unsigned mode = old.stx_mode & 07777;
  if (mode == options_.file_mode) co_return Result<>{};
  co_return co_await file::change_mode(fresh, mode);
}

Task<Result<Replaced>> Store::replace(std::string_view bucket, std::string_view key,
                                      const StagedFile& staged, Place where,
                                      const WriteConditions& conditions) {
  struct statx status{};
  const auto known = co_await file::stat(where.directory.fd.get(), where.leaf, status);
  if (!known) {
    const bool absent = known.error().is(ENOENT) && conditions.must_exist();
    co_return absent ? engine::fail_errno(errno_no_object) : std::unexpected(known.error());
  }
  if (S_ISDIR(status.stx_mode)) co_return engine::fail_errno(EISDIR);
  if (staged.elsewhere) {
    // A rename between two names of one file does nothing; and it is the object already.
    struct statx own{};
    const auto same = co_await file::stat(staged.file.get(), "", own);
    if (!same) co_return std::unexpected(same.error());
    if (own.stx_ino == status.stx_ino && own.stx_dev_major == status.stx_dev_major &&
        own.stx_dev_minor == status.stx_dev_minor) {
      co_return Replaced{.existed = true, .size = status.stx_size};
    }
  }
  if (conditions.must_not_exist) co_return engine::fail_errno(EEXIST);
  Replaced replaced{.existed = true, .size = status.stx_size};
  OpenObject old;
  Result<> described;
  if (!S_ISREG(status.stx_mode) && conditions.must_exist()) {
    co_return engine::fail_errno(errno_no_object);
  }
  if (S_ISREG(status.stx_mode)) {
    auto opened = co_await file::open(where.directory.fd.get(), where.leaf, O_RDONLY | O_NONBLOCK);
    if (opened) {
      old.file = std::move(*opened);
      described = co_await describe_object(options_, bucket, key, Detail::head, old);
    } else {
      described = std::unexpected(opened.error());
    }
    if (conditions.must_exist()) {
      // ESTALE: what meta/ had of it is gone; with the lock held that means it came from outside.
      if (described || described.error().is(ESTALE)) described = check_conditions(conditions, old);
      if (!described) co_return std::unexpected(described.error());
    }
    const auto kept = co_await keep_owner(status, staged.file.get());
    if (!kept) co_return std::unexpected(kept.error());
  }
  const auto switched = co_await put_over(bucket, staged, where);
  if (!switched) co_return std::unexpected(switched.error());
  replaced.meta = meta_of(old);
  let_go(old);
  co_return replaced;
}

}  // namespace millrace::s3::store
