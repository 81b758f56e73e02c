// Removing an object: unlink and sync under the key's lock, then the directories that are left
// empty. A removal that finds nothing also syncs: what it reports as gone must stay gone.
#include "s3/store/attribute.h"
#include "s3/store/moving.h"
#include "s3/store/read.h"
#include "s3/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

struct OldFile {
  bool regular = false;
  OpenObject object;
  Result<> described;  // or why it is not known
};

Task<void> look_at(const StoreOptions& options, std::string_view bucket, std::string_view key,
                   int directory, const char* leaf, OldFile& old) {
  auto opened = co_await file::open(directory, leaf, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened) {
    old.described = std::unexpected(opened.error());
    co_return;
  }
  old.object.file = std::move(*opened);
  old.described = co_await describe_object(options, bucket, key, Detail::head, old.object);
  old.regular = old.described.has_value() || old.object.inode != 0;
}

// ENOENT: there is no object that they could be true or false of. A directory passes: its object
// is looked at next.
Result<> may_remove(const WriteConditions& conditions, const OldFile& old) {
  if (!conditions.any() || S_ISDIR(old.object.mode)) return {};
  if (old.object.inode != 0 && !S_ISREG(old.object.mode)) return engine::fail_errno(ENOENT);
  // ESTALE: what meta/ had of it is gone; with the lock held that means it came from outside.
  if (!old.described && !old.described.error().is(ESTALE)) return old.described;
  return check_conditions(conditions, old.object);
}

Result<Replaced> found_nothing(const WriteConditions& conditions) {
  if (const auto held = check_absent(conditions); !held) return std::unexpected(held.error());
  return Replaced{};
}

}  // namespace

Task<Result<Replaced>> Store::remove_at(std::string_view bucket, std::string_view key, Place where,
                                        const WriteConditions& conditions, ObjectId& id) {
  const int directory = where.directory.fd.get();
  OldFile old;
  co_await look_at(options_, bucket, key, directory, where.leaf, old);
  auto gone = may_remove(conditions, old);
  if (gone) gone = co_await file::unlink(directory, where.leaf);
  if (!gone && !gone.error().is(ENOENT)) co_return std::unexpected(gone.error());
  if (options_.durability == Durability::strict) {
    const auto synced = co_await sync_names(options_, syncs_, where.directory);
    if (!synced) co_return std::unexpected(synced.error());
    if (options_.abilities.directory_sync != DirectorySync::works && old.object.file) {
      const auto carried = co_await sync_file(options_, old.object.file.get());
      if (!carried) co_return std::unexpected(carried.error());
    }
  }
  if (!gone) co_return Replaced{};
  if (old.regular && old.object.native) {
    id = old.object.meta.id;
    if (const auto meta = meta_of(old.object)) co_await remove_meta(options_, bucket, *meta);
  }
  let_go(old.object);
  co_return Replaced{.existed = true, .size = old.object.file_size};
}

// The key is a directory as well: its object is `.mr.f` in there.
Task<Result<Replaced>> Store::remove_inner(std::string_view bucket, MappedPath& path,
                                           std::string_view key, Place where,
                                           const WriteConditions& conditions, ObjectId& id) {
  const int parent = where.directory.fd.get();
  auto opened = co_await file::open(parent, where.leaf, O_RDONLY | O_DIRECTORY);
  if (!opened) co_return std::unexpected(opened.error());
  const auto inner = co_await identify(options_, std::move(*opened));
  if (!inner) co_return std::unexpected(inner.error());
  if (options_.durability == Durability::strict) {
    // The directory took the place of a file, perhaps by someone who ended before he had synced
    // that: were it not durable, a power cut could bring the file, and so the object, back.
    const auto durable =
        co_await sync_ancestors(options_, synced_, syncs_, bucket, path, path.names(), *inner);
    if (!durable) co_return std::unexpected(durable.error());
  }
  if (!options_.abilities.rename_exchange && options_.durability != Durability::none) {
    // Before the unlink: else a power cut may keep that and bring the file's name aside back.
    const auto old = co_await file::open(inner->fd.get(), file_of_directory_name.data(),
                                         O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const auto gone = co_await sync_moving(options_, syncs_, bucket, old ? old->get() : -1);
    if (!gone) co_return std::unexpected(gone.error());
  }
  auto removed =
      co_await remove_at(bucket, key, {*inner, file_of_directory_name.data()}, conditions, id);
  if (removed && removed->existed) {
    std::ignore = co_await file::remove_directory(parent, where.leaf);
  }
  co_return removed;
}

Task<Result<Replaced>> Store::remove(std::string_view bucket, MappedPath& path,
                                     std::string_view key, WriteConditions conditions,
                                     Asker asker) {
  constexpr int attempts_max = 1000;
  // While its file is aside even the directory above a key may be gone; so no directory, nothing
  // aside and still no directory: only then there is no object.
  const bool never_aside = static_cast<bool>(options_.abilities.rename_exchange);
  bool looked_aside = never_aside;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto parent = co_await open_directory(options_, bucket, path, path.names() - 1);
    if (!parent) {
      // No directory, or a symbolic link in its place: no object is below.
      if (!parent.error().is(ENOENT) && !parent.error().is(ENOTDIR) && !parent.error().is(ELOOP)) {
        co_return std::unexpected(parent.error());
      }
      if (path.names() == 1) co_return std::unexpected(parent.error());  // no such bucket
      const auto bucket_there = co_await open_directory(options_, bucket, path, 0);
      if (!bucket_there) co_return std::unexpected(bucket_there.error());
      if (looked_aside) co_return found_nothing(conditions);
      const auto aside = co_await may_be_moving(options_, bucket, path.view());
      if (!aside) co_return std::unexpected(aside.error());
      looked_aside = !*aside;
      if (!*aside) continue;
      parent = co_await parent_for(bucket, path);
      if (!parent) co_return std::unexpected(parent.error());
    }
    looked_aside = never_aside;
    auto lock = co_await lock_key(bucket, path, path.names(), parent->fd.get());
    if (!lock) {
      if (lock.error().is(ENOENT) || lock.error().is(ENOTDIR)) continue;
      co_return std::unexpected(lock.error());
    }
    if (const auto asked = co_await still_asked(asker); !asked) {
      co_return std::unexpected(asked.error());
    }
    ObjectId id{};
    auto removed = co_await remove_at(bucket, key, {*parent, path.leaf()}, conditions, id);
    if (!removed && removed.error().is(EISDIR)) {
      removed = co_await remove_inner(bucket, path, key, {*parent, path.leaf()}, conditions, id);
    }
    lock->release();
    if (!removed && (removed.error().is(ENOENT) || removed.error().is(ENOTDIR))) continue;
    if (!removed) co_return removed;
    if (!removed->existed) {
      const auto absent = co_await proves_absence(bucket, path, *parent);
      if (!absent) co_return std::unexpected(absent.error());
      if (*absent) co_return found_nothing(conditions);
      continue;
    }
    co_await remove_empty_parents(bucket, path);
    tell({.kind = CommitKind::remove,
          .bucket = bucket,
          .key = key,
          .id = id,
          .size_before = removed->size,
          .size_after = std::nullopt});
    co_return removed;
  }
  co_return engine::fail_errno(EAGAIN);
}

// Whether nothing in `parent` means that the key has no object. A directory goes when it is empty,
// so while this was in it the key once had none; but without the exchange its file may have been
// aside then, and have come back in a new directory since.
Task<Result<bool>> Store::proves_absence(std::string_view bucket, MappedPath& path,
                                         const Directory& parent) const {
  if (options_.abilities.rename_exchange) co_return true;
  const auto now = co_await open_directory(options_, bucket, path, path.names() - 1);
  if (now) co_return now->id == parent.id;
  if (now.error().is(ENOENT) || now.error().is(ENOTDIR)) co_return false;
  co_return std::unexpected(now.error());
}

// A put that has just made or opened one of these meets ENOENT and makes it again.
Task<void> Store::remove_empty_parents(std::string_view bucket, MappedPath& path) {
  for (std::size_t names = path.names() - 1; names > 0; --names) {
    const auto above = co_await open_directory(options_, bucket, path, names - 1);
    if (!above) co_return;
    const auto name = path.cut(names - 1, names);
    const auto removed = co_await file::remove_directory(above->fd.get(), name.c_str());
    if (!removed) co_return;
  }
}

}  // namespace millrace::s3::store
