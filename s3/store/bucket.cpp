// See bucket.h. The identity of a bucket is BUCKET/.mr.sys/bucket: JSON, written once.
#include "s3/store/bucket.h"

#include "s3/store/directories.h"
#include "s3/store/directory_reader.h"
#include "s3/store/moving_place.h"
#include "s3/store/paths.h"
#include "s3/store/staging.h"
#include "s3/store/tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY;
constexpr const char* reserved_name = ".millrace";
constexpr const char* identity_name = "bucket";
constexpr std::string_view trash_prefix = "trash-";

Task<Result<Descriptor>> open_bucket(const StoreOptions& options, std::string_view bucket) {
  const BucketPath path(bucket, MappedPath{}, 0);
  auto opened = co_await file::open(options.data_fd, path.c_str(), directory_flags);
  if (!opened && (opened.error().is(ENOTDIR) || opened.error().is(ELOOP))) {
    co_return engine::fail_errno(ENOENT);
  }
  co_return opened;
}

Task<Result<>> write_identity(const StoreOptions& options, std::string_view bucket,
                              std::string_view owner) {
  const auto system = co_await open_system_directory(options, bucket, "");
  if (!system) co_return std::unexpected(system.error());
  const auto made =
      co_await file::open(system->get(), identity_name, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!made)
    co_return made.error().is(EEXIST) ? Result<>{} : Result<>(std::unexpected(made.error()));
  const std::string text = fmt::format(
      "{{\"schema\": 1, \"id\": \"{}\", \"created_ms\": {}, \"owner\": \"{}\"}}\n",
      unique_name("", random_id()).c_str(), engine::Shard::current().wall_ns() / 1'000'000, owner);
  const auto written = co_await file::write(made->get(), std::as_bytes(std::span(text)), 0);
  if (!written) co_return written;
  const auto synced = co_await sync_unless_none(options, made->get());
  if (!synced) co_return synced;
  co_return co_await sync_directory_unless_none(options, system->get());
}

std::int64_t birth_ms(const struct statx& status) {
  const auto& time = (status.stx_mask & STATX_BTIME) != 0 ? status.stx_btime : status.stx_ctime;
  return time.tv_sec * 1000LL + time.tv_nsec / 1'000'000;
}

// Where both have it, the one that is there is newer, and stays: a rename would replace it.
Task<Result<>> move_file(int from, const char* name, int into) {
  const auto linked = co_await file::link(from, name, into, name);
  if (!linked && !linked.error().is(EEXIST)) co_return linked;
  co_return co_await file::unlink(from, name);
}

// Moves what is in `from` to the directory `into`; directories that are in both are merged.
Task<Result<>> move_contents(int from, int into) {
  const auto own = co_await file::open(from, ".", directory_flags);
  if (!own) co_return std::unexpected(own.error());
  DirectoryReader reader(own->get());
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return Result<>{};
    const std::string name((*entry)->view());
    const auto each = co_await file::open(from, name.c_str(), directory_flags);
    if (!each && each.error().is(ENOTDIR))
      std::ignore = co_await move_file(from, name.c_str(), into);
    if (!each) continue;
    const auto moved = co_await file::rename(from, name.c_str(), into, name.c_str());
    if (moved || !(moved.error().is(ENOTEMPTY) || moved.error().is(EEXIST))) continue;
    const auto there = co_await file::open(into, name.c_str(), directory_flags);
    if (there) std::ignore = co_await move_contents(each->get(), there->get());
  }
}

// Puts a bucket's .mr.sys back. When a write has made a new one meanwhile, what is in the old one
// (uploads, sidecars, settings) is moved into it; directories that are empty there give way.
Task<Result<>> put_back(int reserved, const char* trash, int bucket) {
  const auto moved = co_await file::rename(reserved, trash, bucket, system_name.data());
  if (moved || !(moved.error().is(ENOTEMPTY) || moved.error().is(EEXIST))) co_return moved;
  const auto from = co_await file::open(reserved, trash, directory_flags);
  const auto into = co_await file::open(bucket, system_name.data(), directory_flags);
  if (!from || !into) co_return std::unexpected(from ? into.error() : from.error());
  const auto merged = co_await move_contents(from->get(), into->get());
  if (!merged) co_return merged;
  // Only what is empty goes: a file that could not be moved back may be somebody's only copy.
  std::ignore = co_await remove_empty_directories(from->get());
  co_return co_await file::remove_directory(reserved, trash);
}

// ENOTEMPTY: an object is, for the moment, nowhere but in the moving directory of this .mr.sys.
Task<Result<>> no_moving_object(int above, std::string_view system) {
  const std::string moving = std::string(system).append("/").append(moving_directory_name);
  const auto holds = co_await holds_moving_object(above, moving.c_str());
  if (!holds) co_return std::unexpected(holds.error());
  co_return *holds ? Result<>(engine::fail_errno(ENOTEMPTY)) : Result<>{};
}

// Moves .mr.sys out of the bucket, so that rmdir can tell whether anything else is left.
Task<Result<>> remove_with_system(const StoreOptions& options, std::string_view bucket,
                                  const Descriptor& opened) {
  const BucketPath path(bucket, MappedPath{}, 0);
  const auto reserved = co_await file::open(options.data_fd, reserved_name, directory_flags);
  if (!reserved) co_return std::unexpected(reserved.error());
  if (!options.abilities.rename_exchange) {
    const auto none = co_await no_moving_object(opened.get(), system_name);
    if (!none) co_return none;
  }
  const UniqueName trash = unique_name(trash_prefix, random_id());
  const auto moved =
      co_await file::rename(opened.get(), system_name.data(), reserved->get(), trash.c_str());
  if (!moved && !moved.error().is(ENOENT)) co_return moved;
  Result<> removed;
  if (moved && !options.abilities.rename_exchange) {
    // Again: from now on none comes here, since who moves one looks for it by the path before it
    // leaves its own name.
    removed = co_await no_moving_object(reserved->get(), trash.c_str());
  }
  if (removed) removed = co_await file::remove_directory(options.data_fd, path.c_str());
  if (!removed) {
    const auto back =
        moved ? co_await put_back(reserved->get(), trash.c_str(), opened.get()) : Result<>{};
    // Somebody else has removed the bucket meanwhile: this goes with it.
    if (!back && back.error().is(ENOENT)) {
      std::ignore = co_await remove_tree(reserved->get(), trash.c_str());
    }
    co_return removed.error().is(EEXIST) ? Result<>(engine::fail_errno(ENOTEMPTY)) : removed;
  }
  const auto synced = co_await sync_directory_unless_none(options, options.data_fd);
  if (moved) std::ignore = co_await remove_tree(reserved->get(), trash.c_str());
  co_return synced;
}

// ENOENT: it was removed meanwhile.
Task<Result<>> make_bucket(const StoreOptions& options, std::string_view bucket,
                           std::string_view owner, const Ownership& ownership) {
  const BucketPath path(bucket, MappedPath{}, 0);
  const auto made =
      co_await file::make_directory(options.data_fd, path.c_str(), options.directory_mode);
  if (!made && made.error().is(EEXIST)) {
    const auto there = co_await open_bucket(options, bucket);
    if (!there) {
      struct statx status{};
      const auto known = co_await file::stat(options.data_fd, path.c_str(), status);
      co_return engine::fail_errno(known && !S_ISDIR(status.stx_mode) ? ENOTDIR : ENOENT);
    }
    // Whoever made it may still be about to sync its name: nobody says before that it is there.
    const auto synced = co_await sync_directory_unless_none(options, options.data_fd);
    co_return synced ? Result<>(engine::fail_errno(EEXIST)) : synced;
  }
  if (!made) co_return made;
  const auto opened = co_await open_bucket(options, bucket);
  if (!opened) co_return std::unexpected(opened.error());
  if (ownership.uid || ownership.gid) {
    const auto owned = co_await file::change_owner(opened->get(), ownership.uid.value_or(~0U),
                                                   ownership.gid.value_or(~0U));
    if (!owned) co_return owned;
  }
  const auto identified = co_await write_identity(options, bucket, owner);
  if (!identified) co_return identified;
  const auto synced = co_await sync_directory_unless_none(options, opened->get());
  if (!synced) co_return synced;
  co_return co_await sync_directory_unless_none(options, options.data_fd);
}

}  // namespace

Task<Result<>> create_bucket(const StoreOptions& options, std::string_view bucket,
                             std::string_view owner, const Ownership& ownership) {
  constexpr int attempts_max = 100;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto made = co_await make_bucket(options, bucket, owner, ownership);
    // Removed while it was being made, by who may do that: once more.
    if (made || !made.error().is(ENOENT)) co_return made;
  }
  co_return engine::fail_errno(EAGAIN);
}

Task<Result<>> delete_bucket(const StoreOptions& options, std::string_view bucket) {
  const auto opened = co_await open_bucket(options, bucket);
  if (!opened) co_return std::unexpected(opened.error());
  const auto empty = co_await remove_empty_directories(opened->get(), system_name);
  if (!empty) co_return std::unexpected(empty.error());
  if (!*empty) co_return engine::fail_errno(ENOTEMPTY);
  co_return co_await remove_with_system(options, bucket, *opened);
}

Task<Result<bool>> bucket_exists(const StoreOptions& options, std::string_view bucket) {
  const auto opened = co_await open_bucket(options, bucket);
  if (opened) co_return true;
  if (opened.error().is(ENOENT)) co_return false;
  co_return std::unexpected(opened.error());
}

Task<Result<std::vector<BucketInfo>>> list_buckets(const StoreOptions& options) {
  std::vector<BucketInfo> buckets;
  const auto data = co_await file::open(options.data_fd, ".", directory_flags);
  if (!data) co_return std::unexpected(data.error());
  DirectoryReader reader(data->get());
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) break;
    if (!bucket_name_valid((*entry)->view())) continue;
    struct statx status{};
    const auto known = co_await file::stat(data->get(), (*entry)->name, status);
    if (!known || !S_ISDIR(status.stx_mode)) continue;
    buckets.push_back({.name = (*entry)->name, .created_ms = birth_ms(status)});
  }
  std::ranges::sort(buckets, {}, &BucketInfo::name);
  co_return buckets;
}

namespace {

// Time stamps are taken at the clock's ticks, up to 10 ms apart.
constexpr std::uint64_t stamp_lag_ns = 20'000'000;

// Removes what changed last before `started_ns` and whose name has the prefix.
Task<Result<>> sweep_directory(int staging, std::string_view prefix, std::uint64_t started_ns) {
  DirectoryReader reader(staging);
  for (;;) {
    const auto entry = co_await reader.next();
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) co_return Result<>{};
    const std::string name((*entry)->view());
    if (!name.starts_with(prefix)) continue;
    struct statx status{};
    const auto known = co_await file::stat(staging, name.c_str(), status);
    if (!known) continue;
    const auto changed_ns = static_cast<std::uint64_t>(status.stx_ctime.tv_sec) * 1'000'000'000 +
                            status.stx_ctime.tv_nsec;
    if (changed_ns + stamp_lag_ns >= started_ns) continue;
    if (S_ISDIR(status.stx_mode)) {
      const auto none_inside = co_await no_moving_object(staging, name);
      if (!none_inside) continue;
      std::ignore = co_await remove_tree(staging, name.c_str());
    } else {
      std::ignore = co_await file::unlink(staging, name.c_str());
    }
  }
}

}  // namespace

Task<Result<>> sweep_staging(const StoreOptions& options, std::uint64_t started_ns) {
  const auto buckets = co_await list_buckets(options);
  if (!buckets) co_return std::unexpected(buckets.error());
  for (const BucketInfo& bucket : *buckets) {
    std::string path = bucket.name;
    path.append("/").append(system_name).append("/staging");
    const auto staging = co_await file::open(options.data_fd, path.c_str(), directory_flags);
    if (!staging) continue;
    const auto swept = co_await sweep_directory(staging->get(), "", started_ns);
    if (!swept) co_return swept;
  }
  const auto reserved = co_await file::open(options.data_fd, reserved_name, directory_flags);
  if (!reserved) co_return Result<>{};
  co_return co_await sweep_directory(reserved->get(), trash_prefix, started_ns);
}

}  // namespace millrace::s3::store
