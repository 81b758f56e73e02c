// See staging.h.
#include "s3/store/staging.h"

#include "s3/store/attribute.h"
#include "s3/store/object.h"
#include "s3/store/sidecar.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// The nanoseconds of an object's modification time are a tag: an edit from outside within the
// same tick of the clock shows, because it cannot have these.
std::int64_t tagged_time_ns(const StoreOptions& options, const StagedFile& staged) {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  const std::uint64_t unit_ns =
      std::clamp<std::uint64_t>(options.abilities.timestamp_unit_ns, 1, second_ns);
  std::uint64_t tag = 0;
  std::memcpy(&tag, staged.id.data(), sizeof tag);
  const std::uint64_t nanoseconds = tag % (second_ns / unit_ns) * unit_ns;
  const auto now = static_cast<std::int64_t>(engine::Shard::current().wall_seconds());
  return staged.modified_seconds.value_or(now) * static_cast<std::int64_t>(second_ns) +
         static_cast<std::int64_t>(nanoseconds);
}

Task<Result<>> open_named(const StoreOptions& options, std::string_view bucket,
                          StagedFile& staged) {
  const auto directory = co_await open_system_directory(options, bucket, "staging");
  if (!directory) co_return std::unexpected(directory.error());
  const UniqueName name = staged.name();
  auto made = co_await file::open(directory->get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL,
                                  options.file_mode);
  if (!made) co_return std::unexpected(made.error());
  staged.file = std::move(*made);
  staged.named = true;
  co_return Result<>{};
}

Task<Result<>> set_owner(const Ownership& owner, int fd) {
  if (!owner.uid && !owner.gid) co_return Result<>{};
  constexpr std::uint32_t unchanged = ~0U;
  co_return co_await file::change_owner(fd, owner.uid.value_or(unchanged),
                                        owner.gid.value_or(unchanged));
}

}  // namespace

Result<> note_sync(const StoreOptions& options, Result<> synced) {
  if (synced) return synced;
  engine::Shard& shard = engine::Shard::current();
  shard.page().sync_failures.add();
  // No room is no fault: where blocks are allocated late, a sync is what meets it.
  if (synced.error().is(ENOSPC) || synced.error().is(EDQUOT)) return synced;
  if (options.suspect != nullptr && !options.suspect->exchange(true)) {
    engine::LogLine(shard.log(), engine::LogLevel::error, "filesystem is suspect: a sync failed")
        .field("why", describe(synced.error()));
  }
  return synced;
}

Task<Result<>> sync_file(const StoreOptions& options, int fd) {
  co_return note_sync(options, co_await file::sync(fd));
}

Task<Result<>> sync_unless_none(const StoreOptions& options, int fd) {
  if (options.durability == Durability::none) co_return Result<>{};
  co_return co_await sync_file(options, fd);
}

Task<Result<>> stage(const StoreOptions& options, std::string_view bucket, StagedFile& staged) {
  staged.id = random_id();
  if (!options.abilities.tmpfile_link) co_return co_await open_named(options, bucket, staged);
  const BucketPath directory(bucket, MappedPath{}, 0);
  auto made = co_await file::open(options.data_fd, directory.c_str(), O_TMPFILE | O_RDWR,
                                  options.file_mode);
  if (!made) co_return std::unexpected(made.error());
  staged.file = std::move(*made);
  co_return Result<>{};
}

Task<Result<>> seal(const StoreOptions& options, std::string_view bucket, StagedFile& staged,
                    MetadataView& meta, const Ownership& owner) {
  const int fd = staged.file.get();
  meta.id = staged.object_id();
  meta.file_size = meta.size;
  meta.mtime_ns = tagged_time_ns(options, staged);
  std::array<std::byte, attribute_room_bytes> attribute;
  std::vector<std::byte> sidecar;
  const std::size_t in_file = options.abilities.attribute_bytes_max;
  const std::size_t room =
      in_file == 0 ? attribute_room_bytes : std::min<std::size_t>(attribute_room_bytes, in_file);
  const auto encoded = encode(meta, room, attribute, sidecar);
  if (!encoded) co_return std::unexpected(encoded.error());
  if (encoded->has_sidecar || in_file == 0) {
    struct statx status{};
    const auto known = co_await file::stat(fd, "", status);
    if (!known) co_return known;
    staged.inode = status.stx_ino;
    staged.mtime_ns = meta.mtime_ns;
  }
  if (encoded->has_sidecar) {
    const auto kept = co_await write_sidecar(options, bucket, meta.id, staged.inode, sidecar);
    if (!kept) co_return kept;
  }
  const auto owned = co_await set_owner(owner, fd);
  if (!owned) co_return owned;
  const auto described =
      co_await write_attribute(options, bucket, {fd, staged.inode, staged.mtime_ns},
                               std::span(attribute).first(encoded->attribute_bytes));
  if (!described) co_return described;
  constexpr std::int64_t second_ns = 1'000'000'000;
  const auto stamped = co_await file::set_times(
      fd, {.tv_sec = meta.mtime_ns / second_ns, .tv_nsec = meta.mtime_ns % second_ns});
  if (!stamped) co_return stamped;
  co_return co_await sync_unless_none(options, fd);
}

Task<void> discard(const StoreOptions& options, std::string_view bucket, StagedFile& staged) {
  // What keeps its name may be the object by now, and its sidecar the object's. So may be what a
  // publish named that was reported as failed (a network filesystem's lost answer).
  if (staged.inode != 0 && !staged.elsewhere) {
    struct statx status{};
    const auto known = co_await file::stat(staged.file.get(), "", status);
    const bool unpublished = known && status.stx_nlink <= (staged.named ? 1U : 0U);
    if (unpublished) {
      co_await remove_sidecar(options, bucket, staged.object_id(), staged.inode);
      co_await remove_attribute(options, bucket, staged.inode, staged.mtime_ns);
    }
  }
  staged.inode = 0;
  if (staged.named) {
    staged.named = false;
    const auto directory = co_await open_system_directory(options, bucket, "staging");
    if (directory) std::ignore = co_await file::unlink(directory->get(), staged.name().c_str());
  }
  co_await file::close(std::move(staged.file));
}

}  // namespace millrace::s3::store
