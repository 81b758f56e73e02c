// Giving an object that exists other tags: its attribute is written anew on the same file, whose
// content, ETag and modification time stay. One setxattr (or one rename, where attributes lie
// beside their files) is the switch, under the key's lock like every other change.
//
// A sidecar cannot be replaced together with the attribute. So the new one gets a new id, is
// durable before the attribute names it, and the old one goes once the new attribute is durable: a
// process that dies between leaves a sidecar that nothing names, never an attribute without its
// own. Where locks do not exclude, a file with several names keeps the old one, too: while the
// assembly file of an upload is the object and still has its name, a second Complete may just be
// sealing it as it was.
//
// The attribute says for which size and modification time it was made, and these are the ones that
// were read with it: when somebody writes into the file from outside meanwhile, it is a foreign
// file, as after every such change.
#include "s3/store/attribute.h"
#include "s3/store/read.h"
#include "s3/store/sidecar.h"
#include "s3/store/store.h"

#include <algorithm>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

ObjectId new_object_id() {
  const auto random = random_id();
  ObjectId id;
  std::copy_n(random.begin(), id.size(), id.begin());
  return id;
}

bool has_no_room(engine::Error error) {
  return error.is(ENOSPC) || error.is(EDQUOT) || error.is(E2BIG) || error.is(ERANGE);
}

// A file from outside keeps the ETag and the type that it was told to have, so that tags do not
// make another object of it.
MetadataView with_tags(const OpenObject& object, const PackedPairs& tags) {
  MetadataView meta = object.meta;
  if (!object.native) meta.id = new_object_id();
  // A copy of a tree has the attribute, but not what lay in meta/: that is gone.
  if (meta.sidecar.present && !meta.sidecar.loaded) meta.sidecar = {};
  meta.tags = tags;
  return meta;
}

Task<Result<>> rewrite(const StoreOptions& options, std::string_view bucket,
                       const OpenObject& object, const PackedPairs& tags) {
  MetadataView meta = with_tags(object, tags);
  std::array<std::byte, attribute_room_bytes> attribute;
  std::vector<std::byte> sidecar;
  const std::size_t in_file = options.abilities.attribute_bytes_max;
  const std::size_t room =
      in_file == 0 ? attribute_room_bytes : std::min<std::size_t>(attribute_room_bytes, in_file);
  auto encoded = encode(meta, room, attribute, sidecar);
  if (encoded && encoded->has_sidecar) {
    meta.id = new_object_id();
    encoded = encode(meta, room, attribute, sidecar);
  }
  if (!encoded) co_return std::unexpected(encoded.error());
  if (encoded->has_sidecar) {
    const auto kept = co_await write_sidecar(options, bucket, meta.id, object.inode, sidecar);
    if (!kept) {
      co_await remove_sidecar(options, bucket, meta.id, object.inode);
      co_return kept;
    }
  }
  const int fd = object.file.get();
  const auto described =
      co_await write_attribute(options, bucket, {fd, object.inode, object.mtime_ns},
                               std::span(attribute).first(encoded->attribute_bytes));
  if (!described) {
    // After other errors it may be there all the same.
    if (encoded->has_sidecar && has_no_room(described.error())) {
      co_await remove_sidecar(options, bucket, meta.id, object.inode);
    }
    co_return described;
  }
  if (in_file == 0) {
    // Beside the file it does not show on it; a change time that moves does (object_cache.h).
    const auto shown = co_await file::change_mode(fd, object.mode & 07777);
    if (!shown) co_return shown;
  } else if (const auto synced = co_await sync_unless_none(options, fd); !synced) {
    co_return synced;
  }
  if (object.meta.sidecar.loaded && (object.links == 1 || options.abilities.ofd_lock)) {
    co_await remove_sidecar(options, bucket, object.meta.id, object.inode);
  }
  co_return Result<>{};
}

}  // namespace

Task<Result<>> Store::set_tags(std::string_view bucket, MappedPath& path, std::string_view key,
                               const PackedPairs& tags, Asker asker) {
  constexpr int attempts_max = 1000;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    {
      // So that no directories are made for an object that is not there.
      OpenObject seen;
      const auto there = co_await open_object(options_, bucket, path, key, Detail::head, seen);
      if (!there) co_return there;
    }
    const auto parent = co_await parent_for(bucket, path);
    if (!parent) co_return std::unexpected(parent.error());
    auto lock = co_await lock_key(bucket, path, path.names(), parent->fd.get());
    if (!lock) {
      if (lock.error().is(ENOENT) || lock.error().is(ENOTDIR)) continue;
      co_return std::unexpected(lock.error());
    }
    if (const auto asked = co_await still_asked(asker); !asked) co_return asked;
    OpenObject object;
    const auto opened = co_await open_object(options_, bucket, path, key, Detail::full, object);
    if (opened) co_return co_await rewrite(options_, bucket, object, tags);
    lock->release();
    if (opened.error().is(ENOENT)) co_await remove_empty_parents(bucket, path);
    co_return opened;
  }
  co_return engine::fail_errno(EAGAIN);
}

}  // namespace millrace::s3::store
