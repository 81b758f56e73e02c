// The directories above a key: found, made, and made of what was an object. Every one of them is
// durable under its name before anything is acknowledged in it, whoever made it.
#include "s3/store/moving.h"
#include "s3/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Errc;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {
constexpr int directory_flags = O_RDONLY | O_DIRECTORY;
constexpr int attempts_max = 1000;

// The directory `aside` with the object `name` of `above` linked into it as `.mr.f`.
Task<Result<>> build_aside(const StoreOptions& options, int staging, const char* aside, int above,
                           const char* name) {
  const auto made = co_await file::make_directory(staging, aside, options.directory_mode);
  if (!made) co_return made;
  const auto built = co_await file::open(staging, aside, directory_flags);
  if (!built) co_return std::unexpected(built.error());
  const auto linked = co_await file::link(above, name, built->get(), file_of_directory_name.data());
  if (!linked) co_return linked;
  co_return co_await sync_directory_unless_none(options, built->get());
}

// What is aside says whether the exchange has been, whatever was reported of it: the file's old
// name, while its content lives on as `.mr.f`, or still the directory that was built.
Task<void> remove_aside(int staging, const char* aside) {
  const auto gone = co_await file::unlink(staging, aside);
  if (gone || !gone.error().is(EISDIR)) co_return;
  const auto built = co_await file::open(staging, aside, directory_flags);
  if (!built) co_return;
  std::ignore = co_await file::unlink(built->get(), file_of_directory_name.data());
  std::ignore = co_await file::remove_directory(staging, aside);
}
}  // namespace

Task<Result<Directory>> Store::parent_for(std::string_view bucket, MappedPath& path) {
  const std::size_t above = path.names() - 1;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto parent = co_await open_directory(options_, bucket, path, above);
    if (!parent && (parent.error().is(ENOENT) || parent.error().is(ENOTDIR)) && above > 0) {
      parent = co_await make_parent(bucket, path);
    }
    if (!parent) {
      // Removed while it was being made: by a DELETE that left it empty.
      const bool gone = above > 0 && (parent.error().is(ENOENT) || parent.error().is(ENOTDIR));
      if (!gone) {
        // Symbolic links are not followed, whatever they point to.
        if (parent.error().is(ELOOP)) co_return engine::fail(Errc::unsupported);
        co_return parent;
      }
      const auto bucket_there = co_await open_directory(options_, bucket, path, 0);
      if (!bucket_there) co_return std::unexpected(bucket_there.error());
      continue;
    }
    if (options_.durability != Durability::strict) co_return parent;
    const auto durable =
        co_await sync_ancestors(options_, synced_, syncs_, bucket, path, above, *parent);
    if (durable) co_return parent;
    if (!durable.error().is(ENOENT) && !durable.error().is(ENOTDIR)) {
      co_return std::unexpected(durable.error());
    }
  }
  co_return engine::fail_errno(EAGAIN);
}

Task<Result<Descriptor>> Store::open_or_make(MappedPath& path, std::size_t index, int above) {
  const auto name = path.cut(index, index + 1);
  const auto made = co_await file::make_directory(above, name.c_str(), options_.directory_mode);
  if (!made && !made.error().is(EEXIST)) co_return std::unexpected(made.error());
  co_return co_await file::open(above, name.c_str(), directory_flags);
}

Task<Result<Directory>> Store::make_parent(std::string_view bucket, MappedPath& path) {
  auto at = co_await open_names(options_.data_fd, bucket, path, 0, directory_flags);
  for (std::size_t index = 0; at && index + 1 < path.names(); ++index) {
    const int above = at->get();
    auto opened = co_await open_or_make(path, index, above);
    bool turns = !opened && opened.error().is(ENOTDIR);
    if (opened && !options_.abilities.rename_exchange) {
      // A file may be waiting aside to become `.mr.f` in there.
      const auto waits = co_await may_be_moving(options_, bucket, object_view(path, index + 1));
      if (!waits) co_return std::unexpected(waits.error());
      turns = *waits;
    }
    if (turns) {
      const auto turned = co_await turn_into_directory(bucket, path, index, above);
      if (!turned) co_return std::unexpected(turned.error());
      opened = co_await open_or_make(path, index, above);
    }
    if (!opened) co_return std::unexpected(opened.error());
    at = std::move(opened);
  }
  if (!at) co_return std::unexpected(at.error());
  co_return co_await identify(options_, std::move(*at));
}

// The object at name `index` becomes `.mr.f` of a directory in its place, in one step that no
// reader can fall into: the directory is built aside and exchanged with the file. Filesystems that
// can't exchange take the way of moving.h.
Task<Result<>> Store::turn_into_directory(std::string_view bucket, MappedPath& path,
                                          std::size_t index, int above) {
  const auto lock = co_await lock_key(bucket, path, index + 1, above);
  if (!lock) co_return std::unexpected(lock.error());
  struct statx status{};
  {
    const auto cut = path.cut(index, index + 1);
    const auto known = co_await file::stat(above, cut.c_str(), status);
    if (!known) co_return known.error().is(ENOENT) ? Result<>{} : known;
  }
  if (S_ISDIR(status.stx_mode)) co_return Result<>{};
  // A FIFO or a device: no object, and not for a request to replace by a directory.
  if (!S_ISREG(status.stx_mode)) co_return engine::fail(Errc::unsupported);
  if (!options_.abilities.rename_exchange) {
    co_return co_await move_into_directory(bucket, path, index + 1, above);
  }
  const auto cut = path.cut(index, index + 1);
  const char* name = cut.c_str();

  const auto staging = co_await open_system_directory(options_, bucket, "staging");
  if (!staging) co_return std::unexpected(staging.error());
  const UniqueName aside = unique_name("d-", random_id());
  auto done = co_await build_aside(options_, staging->get(), aside.c_str(), above, name);
  if (done) {
    done = co_await file::rename(staging->get(), aside.c_str(), above, name, RENAME_EXCHANGE);
  }
  co_await remove_aside(staging->get(), aside.c_str());
  if (done && options_.durability == Durability::strict) {
    done = co_await sync_file(options_, above);
  }
  co_return done;
}

}  // namespace millrace::s3::store
