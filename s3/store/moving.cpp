// See moving.h. Every sync is part of the proof, so only a store that promises nothing leaves them
// out: a move must not lose an object that was there long before it.
#include "s3/store/moving.h"

#include "s3/store/staging.h"
#include "s3/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY;
constexpr int attempts_max = 1000;

bool same_file(const struct statx& a, const struct statx& b) {
  return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
         a.stx_dev_minor == b.stx_dev_minor;
}

}  // namespace

Task<Result<>> sync_moving(const StoreOptions& options, DirectorySyncs& syncs,
                           std::string_view bucket, int carrier) {
  std::string path(bucket);
  path.append("/").append(system_name).append("/").append(moving_directory_name);
  auto opened = co_await file::open(options.data_fd, path.c_str(), directory_flags);
  if (!opened && opened.error().is(ENOENT)) co_return Result<>{};
  if (!opened) co_return std::unexpected(opened.error());
  const auto moving = co_await identify(options, std::move(*opened));
  if (!moving) co_return std::unexpected(moving.error());
  const auto synced = co_await sync_names(options, syncs, *moving);
  if (!synced || carrier < 0) co_return synced;
  if (options.abilities.directory_sync == DirectorySync::works) co_return Result<>{};
  co_return co_await sync_file(options, carrier);
}

Mover::Mover(const StoreOptions& options, SyncedDirectories& synced, DirectorySyncs& syncs,
             const Object& object)
    : options_(options),
      synced_(synced),
      syncs_(syncs),
      object_(object),
      names_(object.bucket, object.view()) {
  std::ranges::copy(object.path.name(object.names - 1), leaf_.begin());
}

Task<Result<>> Mover::repair() {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto step = co_await repair_once();
    if (!step) co_return std::unexpected(step.error());
    if (*step == Step::done) co_return Result<>{};
  }
  co_return engine::fail_errno(EAGAIN);
}

Task<Result<Mover::Step>> Mover::repair_once() {
  // By its path, although the directory is opened next: delete_bucket() takes `.mr.sys` away and
  // then looks what is aside, so what is seen here is seen there too.
  struct statx aside{};
  const auto known = co_await file::stat(options_.data_fd, names_.link_path(), aside);
  if (!known && known.error().is(ENOENT)) co_return Step::done;
  if (!known) co_return std::unexpected(known.error());
  const auto moving =
      co_await open_system_directory(options_, object_.bucket, moving_directory_name);
  if (!moving) co_return std::unexpected(moving.error());
  const auto moved = co_await file::open(moving->get(), names_.link(), O_RDONLY | O_NONBLOCK);
  if (!moved && moved.error().is(ENOENT)) co_return Step::again;
  if (!moved) co_return std::unexpected(moved.error());
  const auto owner = co_await read_note(moving->get(), names_.note(), object_.view());
  if (!owner) co_return std::unexpected(owner.error());
  if (*owner == NoteOwner::other) co_return Step::done;

  struct statx own{};
  const auto named = co_await file::stat(object_.parent, leaf_.data(), own);
  if (!named && !named.error().is(ENOENT)) co_return std::unexpected(named.error());
  if (named && !S_ISDIR(own.stx_mode)) {
    if (!S_ISREG(own.stx_mode)) co_return engine::fail_errno(ENOTDIR);
    if (!same_file(own, aside)) {
      // Left over: the object was removed and put since.
      auto dropped = co_await drop(moving->get());
      if (dropped && syncing()) {
        dropped = co_await sync_moving(options_, syncs_, object_.bucket, moved->get());
      }
      if (!dropped) co_return std::unexpected(dropped.error());
      co_return Step::done;
    }
    // Goes on although nothing has happened yet: going back would need a sync too.
    const auto left = co_await leave_name(moving->get(), moved->get());
    if (!left) co_return std::unexpected(left.error());
  }
  co_return co_await finish(moving->get(), moved->get());
}

Task<Result<>> Mover::leave_name(int moving, int moved) {
  const auto noted = co_await write_note(options_, object_.bucket, object_.view(), moving);
  if (!noted) co_return noted;
  if (syncing()) {
    const auto synced = co_await sync_moving(options_, syncs_, object_.bucket, moved);
    if (!synced) co_return synced;
  }
  const auto gone = co_await file::unlink(object_.parent, leaf_.data());
  if (!gone && !gone.error().is(ENOENT)) co_return gone;
  co_return Result<>{};
}

// The object is aside, and its name is free or a directory. Until `.mr.f` is in there the
// directory is empty, and a removal below may take it away again, and those above it too.
Task<Result<Mover::Step>> Mover::finish(int moving, int moved) {
  const auto made =
      co_await file::make_directory(object_.parent, leaf_.data(), options_.directory_mode);
  if (!made && !made.error().is(EEXIST)) co_return std::unexpected(made.error());
  auto opened = co_await file::open(object_.parent, leaf_.data(), directory_flags);
  if (!opened && (opened.error().is(ENOENT) || opened.error().is(ENOTDIR))) {
    co_return Step::again;
  }
  if (!opened) co_return std::unexpected(opened.error());
  const auto directory = co_await identify(options_, std::move(*opened));
  if (!directory) co_return std::unexpected(directory.error());
  const auto linked = co_await file::link(moving, names_.link(), directory->fd.get(),
                                          file_of_directory_name.data());
  if (!linked && linked.error().is(ENOENT)) co_return Step::again;
  if (!linked && !linked.error().is(EEXIST)) co_return std::unexpected(linked.error());
  const auto durable = co_await make_durable(*directory, moved);
  if (!durable) co_return std::unexpected(durable.error());
  const auto dropped = co_await drop(moving);
  if (!dropped) co_return std::unexpected(dropped.error());
  co_return Step::done;
}

Task<Result<>> Mover::make_durable(const Directory& directory, int moved) {
  if (!syncing()) co_return Result<>{};
  const auto inner = co_await sync_names(options_, syncs_, directory);
  if (!inner) co_return inner;
  // Also of directories that were removed and made again meanwhile.
  const auto above = co_await sync_ancestors(options_, synced_, syncs_, object_.bucket,
                                             object_.path, object_.names, directory);
  if (!above) co_return above;
  if (options_.abilities.directory_sync == DirectorySync::works) co_return Result<>{};
  co_return co_await sync_file(options_, moved);
}

// The note goes last: it tells whose H is. H must go before the lock does: a DELETE goes on to take
// the last other name.
Task<Result<>> Mover::drop(int moving) {
  const auto gone = co_await file::unlink(moving, names_.link());
  if (!gone && !gone.error().is(ENOENT)) co_return gone;
  std::ignore = co_await file::unlink(moving, names_.note());
  co_return Result<>{};
}

Task<Result<>> Mover::begin() {
  const auto moving =
      co_await open_system_directory(options_, object_.bucket, moving_directory_name);
  if (!moving) co_return std::unexpected(moving.error());
  const auto noted = co_await write_note(options_, object_.bucket, object_.view(), moving->get());
  if (!noted) co_return noted;
  const auto linked =
      co_await file::link(object_.parent, leaf_.data(), moving->get(), names_.link());
  if (!linked && linked.error().is(ENOENT)) {
    std::ignore = co_await file::unlink(moving->get(), names_.note());
    co_return Result<>{};
  }
  if (!linked && !linked.error().is(EEXIST)) co_return linked;
  co_return co_await repair();
}

}  // namespace millrace::s3::store
