// See rename.h. Everything that another request may change meanwhile (a directory that goes, a name
// that becomes one) is met as ENOENT, ENOTDIR or EISDIR of a call, and looked at anew.
#include "s3/store/rename.h"

#include "s3/store/attribute.h"
#include "s3/store/moving.h"
#include "s3/store/read.h"
#include "s3/store/spot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr int attempts_max = 1000;
constexpr const char* memory_attribute = "user.millrace.renamed";

// What the attribute has: hashes of the token and of the source's key.
struct Memory {
  std::array<std::uint64_t, 2> token{};
  std::uint64_t source = 0;
  bool operator==(const Memory&) const = default;
};

Memory memory_of(const RenameRequest& request) {
  const XXH128_hash_t token = XXH3_128bits(request.token.data(), request.token.size());
  return {.token = {token.low64, token.high64},
          .source = XXH3_64bits(request.from.key.data(), request.from.key.size())};
}

http::Representation seen(const OpenObject* object) {
  if (object == nullptr) return {};
  return {.exists = true, .etag = object->etag(), .modified_seconds = object->modified_seconds()};
}

// Whether the file says that this very request has put it where it is. errno_token_reused: that
// another one with its token has.
Task<Result<bool>> is_done(const RenameRequest& request, int file) {
  if (request.token.empty()) co_return false;
  Memory kept;
  const auto got = co_await file::get_attribute(file, memory_attribute,
                                                std::as_writable_bytes(std::span(&kept, 1)));
  const Memory own = memory_of(request);
  if (!got || *got != sizeof kept || kept.token != own.token) co_return false;
  if (kept != own) co_return engine::fail_errno(errno_token_reused);
  co_return true;
}

// Whether what the key has, or its absence, agrees with the conditions of its side.
bool holds(const RenameSide& side, const OpenObject* object, std::int64_t now_seconds) {
  return conditions_hold(side.conditions, seen(object), now_seconds);
}

bool looks_again(const Error& error) {
  return error.is(ENOENT) || error.is(ENOTDIR) || error.is(EISDIR);
}

}  // namespace

bool conditions_hold(const http::Conditions& conditions, const http::Representation& object,
                     std::int64_t now_seconds) {
  if (!conditions.any()) return true;
  if (!object.exists && !conditions.if_modified_since.empty()) return false;
  return http::evaluate(conditions, object, true, now_seconds) == http::Verdict::proceed;
}

Task<Result<>> Store::locate(std::string_view bucket, const RenameSide& side,
                             const Directory& parent, Spot& spot) {
  spot.directory = &parent;
  spot.leaf = side.path.leaf();
  struct statx status{};
  auto known = co_await file::stat(parent.fd.get(), spot.leaf, status);
  if (known && S_ISDIR(status.stx_mode)) {
    auto opened = co_await file::open(parent.fd.get(), spot.leaf, O_RDONLY | O_DIRECTORY);
    if (!opened) co_return std::unexpected(opened.error());
    auto inner = co_await identify(options_, std::move(*opened));
    if (!inner) co_return std::unexpected(inner.error());
    spot.inner = std::move(*inner);
    spot.directory = &*spot.inner;
    spot.leaf = file_of_directory_name.data();
    known = co_await file::stat(spot.inner->fd.get(), spot.leaf, status);
  }
  if (!known && known.error().is(ENOENT)) co_return Result<>{};
  if (!known) co_return known;
  if (!S_ISREG(status.stx_mode)) co_return Result<>{};
  auto opened = co_await file::open(spot.directory->fd.get(), spot.leaf, O_RDONLY | O_NONBLOCK);
  if (!opened) co_return std::unexpected(opened.error());
  spot.object.file = std::move(*opened);
  const auto described =
      co_await describe_object(options_, bucket, side.key, Detail::head, spot.object);
  // ESTALE: what meta/ had of it is gone; with the lock held that means it came from outside.
  if (!described && !described.error().is(ESTALE)) co_return described;
  spot.exists = true;
  co_return Result<>{};
}

// The directory of the source, which is not made: errno_no_object when there is none, and (without
// the exchange) no file of the key aside either.
Task<Result<Directory>> Store::parent_of_source(std::string_view bucket, MappedPath& path) {
  bool looked_aside = static_cast<bool>(options_.abilities.rename_exchange);
  for (;;) {
    auto parent = co_await open_directory(options_, bucket, path, path.names() - 1);
    if (parent) co_return parent;
    if (!parent.error().is(ENOENT) && !parent.error().is(ENOTDIR) && !parent.error().is(ELOOP)) {
      co_return parent;
    }
    if (looked_aside) co_return engine::fail_errno(errno_no_object);
    const auto aside = co_await may_be_moving(options_, bucket, path.view());
    if (!aside) co_return std::unexpected(aside.error());
    if (*aside) co_return co_await parent_for(bucket, path);
    looked_aside = true;
  }
}

// The lower slot first, so that two renames never wait for each other; all others hold one lock.
Task<Result<Store::HeldPair>> Store::lock_pair(std::string_view bucket, std::string_view one,
                                               std::string_view other) {
  const auto [low, high] =
      std::minmax({KeyLocks::slot_of(bucket, one), KeyLocks::slot_of(bucket, other)});
  HeldPair pair{.low = co_await locks_.lock_slot(low), .high = std::nullopt};
  // The clock is read where a wait for others begins: the second may wait as long as the first.
  if (locks_.shared()) {
    const auto excluded =
        co_await locks_.exclude_others(pair.low, engine::Shard::current().now_ns());
    if (!excluded) co_return std::unexpected(excluded.error());
  }
  if (high == low) co_return pair;
  pair.high.emplace(co_await locks_.lock_slot(high));
  if (locks_.shared()) {
    const auto excluded =
        co_await locks_.exclude_others(*pair.high, engine::Shard::current().now_ns());
    if (!excluded) co_return std::unexpected(excluded.error());
  }
  co_return pair;
}

Task<Result<>> Store::repair_both(const RenameRequest& request, const Directory& from,
                                  const Directory& to) {
  if (options_.abilities.rename_exchange) co_return Result<>{};
  const auto repair = [this, &request](MappedPath& path, int parent) -> Task<Result<>> {
    Mover mover(options_, synced_, syncs_, {request.bucket, path, path.names(), parent});
    co_return co_await mover.repair();
  };
  const auto repaired = co_await repair(request.from.path, from.fd.get());
  if (!repaired) co_return repaired;
  co_return co_await repair(request.to.path, to.fd.get());
}

// errno_no_object, unless the destination remembers that this very request was done.
Task<Result<>> Store::was_renamed(const RenameRequest& request) {
  const auto missing = Result<>(engine::fail_errno(errno_no_object));
  if (request.token.empty()) co_return missing;
  OpenObject object;
  const auto opened = co_await open_object(options_, request.bucket, request.to.path,
                                           request.to.key, Detail::head, object);
  if (!opened) co_return missing;
  const auto done = co_await is_done(request, object.file.get());
  if (!done) co_return std::unexpected(done.error());
  co_return *done ? Result<>{} : missing;
}

// What has to be durable before a name in the directory that a key is goes or comes: the directory
// may have taken the place of a file by someone who ended before he had synced that (remove.cpp).
Task<Result<>> Store::make_spots_durable(const RenameRequest& request, const Spot& from,
                                         const Spot& to) {
  const auto each = [this, &request](const RenameSide& side, const Spot& spot) -> Task<Result<>> {
    if (!spot.inner || options_.durability != Durability::strict) co_return Result<>{};
    co_return co_await sync_ancestors(options_, synced_, syncs_, request.bucket, side.path,
                                      side.path.names(), *spot.inner);
  };
  auto done = co_await each(request.from, from);
  if (done) done = co_await each(request.to, to);
  if (!done || !from.inner || options_.abilities.rename_exchange ||
      options_.durability == Durability::none) {
    co_return done;
  }
  co_return co_await sync_moving(options_, syncs_, request.bucket, from.object.file.get());
}

Task<Result<>> Store::move_name(const RenameRequest& request, const Spot& from, const Spot& to) {
  if (const auto ready = co_await make_spots_durable(request, from, to); !ready) co_return ready;
  const int fd = from.object.file.get();
  if (!request.token.empty()) {
    // Without it a repetition is answered NoSuchKey, no worse.
    const Memory memory = memory_of(request);
    std::ignore =
        co_await file::set_attribute(fd, memory_attribute, std::as_bytes(std::span(&memory, 1)));
  }
  // rename(2) does nothing between two names of one file (an upload's, or made outside).
  const bool one_file = to.exists && to.object.inode == from.object.inode &&
                        to.object.device == from.object.device && from.object.links > 1;
  const int source = from.directory->fd.get();
  const auto moved =
      one_file ? co_await file::unlink(source, from.leaf)
               : co_await file::rename(source, from.leaf, to.directory->fd.get(), to.leaf);
  if (!moved) co_return moved;
  const auto durable = co_await name_is_durable(*to.directory, fd);
  if (!durable || from.directory->id == to.directory->id) co_return durable;
  co_return co_await name_is_durable(*from.directory, fd);
}

Task<void> Store::after_rename(const RenameRequest& request, const Spot& from, const Spot& to) {
  if (to.exists &&
      (to.object.inode != from.object.inode || to.object.device != from.object.device)) {
    if (const auto meta = meta_of(to.object)) {
      co_await remove_meta(options_, request.bucket, *meta);
    }
  }
  if (from.inner) {
    const auto parent = co_await open_directory(options_, request.bucket, request.from.path,
                                                request.from.path.names() - 1);
    if (parent) {
      std::ignore = co_await file::remove_directory(parent->fd.get(), request.from.path.leaf());
    }
  }
  co_await remove_empty_parents(request.bucket, request.from.path);
  const std::uint64_t size = from.object.file_size;
  const ObjectId id = from.object.native ? from.object.meta.id : ObjectId{};
  tell({.kind = CommitKind::put,
        .bucket = request.bucket,
        .key = request.to.key,
        .id = id,
        .size_before = to.exists ? std::optional(to.object.file_size) : std::nullopt,
        .size_after = size});
  tell({.kind = CommitKind::remove,
        .bucket = request.bucket,
        .key = request.from.key,
        .id = id,
        .size_before = size,
        .size_after = std::nullopt});
}

// ENOENT and its like: look again.
Task<Result<>> Store::rename_once(const RenameRequest& request) {
  const auto to_parent = co_await parent_for(request.bucket, request.to.path);
  if (!to_parent) co_return std::unexpected(to_parent.error());
  const auto from_parent = co_await parent_of_source(request.bucket, request.from.path);
  if (!from_parent) co_return std::unexpected(from_parent.error());
  auto held = co_await lock_pair(request.bucket, request.from.path.view(), request.to.path.view());
  if (!held) co_return std::unexpected(held.error());
  auto done = co_await repair_both(request, *from_parent, *to_parent);
  if (done) done = co_await still_asked(request.asker);
  Spot from;
  Spot to;
  if (done) done = co_await locate(request.bucket, request.from, *from_parent, from);
  if (done) done = co_await locate(request.bucket, request.to, *to_parent, to);
  if (!done) co_return done;
  if (to.exists) {
    // First of all: a repetition does nothing more, whatever the source is by now.
    const auto before = co_await is_done(request, to.object.file.get());
    if (!before) co_return std::unexpected(before.error());
    if (*before) co_return Result<>{};
  }
  if (!from.exists) {
    const auto absent = co_await proves_absence(request.bucket, request.from.path, *from_parent);
    if (!absent) co_return std::unexpected(absent.error());
    co_return engine::fail_errno(*absent ? errno_no_object : ENOENT);
  }
  if (!holds(request.from, from.found(), request.now_seconds) ||
      !holds(request.to, to.found(), request.now_seconds)) {
    const auto sure = to.exists
                          ? Result<bool>(true)
                          : co_await proves_absence(request.bucket, request.to.path, *to_parent);
    if (!sure) co_return std::unexpected(sure.error());
    co_return engine::fail_errno(*sure ? errno_condition_failed : ENOENT);
  }
  if (request.from.key == request.to.key) co_return Result<>{};
  done = co_await move_name(request, from, to);
  held->release();
  if (done) co_await after_rename(request, from, to);
  co_return done;
}

Task<Result<>> Store::rename(const RenameRequest& request) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto there = co_await open_directory(options_, request.bucket, request.to.path, 0);
    if (!there) co_return std::unexpected(there.error());
    auto done = co_await rename_once(request);
    if (!done && looks_again(done.error())) continue;
    if (!done && done.error().is(errno_no_object)) done = co_await was_renamed(request);
    // A directory that was made for nothing.
    if (!done) co_await remove_empty_parents(request.bucket, request.to.path);
    co_return done;
  }
  co_return engine::fail_errno(EAGAIN);
}

}  // namespace millrace::s3::store
