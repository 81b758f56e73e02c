// Files, by descriptor, through the ring. Everything here may wait for a disk or a network
// filesystem and so never runs on the shard's thread. Paths and buffers must outlive the await.
#pragma once

#include "engine/descriptor.h"
#include "engine/operation.h"

#include <linux/stat.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace millrace::engine::file {

// Opens below `directory` without leaving it and without following symbolic or magic links
// (openat2: RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS). O_CLOEXEC is added.
Task<Result<Descriptor>> open(int directory, const char* path, int flags, unsigned mode = 0);
// The same for what is already in the kernel's caches, at once; EAGAIN when it is not.
Result<Descriptor> open_cached(int directory, const char* path, int flags);

// Reads until `into` is full or the file ends; the count.
// What is known not to be cached is `cold`: the kernel's first attempt at a read, on the calling
// thread, starts reading ahead, and may wait there for the blocks that say where the file lies.
enum class Heat : std::uint8_t { maybe_cached, cold };
Task<Result<std::size_t>> read(int fd, std::span<std::byte> into, std::uint64_t offset,
                               Heat heat = Heat::maybe_cached);
Task<Result<>> write(int fd, std::span<const std::byte> from, std::uint64_t offset);
Task<Result<>> allocate(int fd, std::uint64_t offset, std::uint64_t bytes);
Task<Result<>> truncate(int fd, std::uint64_t bytes);

enum class SyncKind : std::uint8_t { all, data };
Task<Result<>> sync(int fd, SyncKind kind = SyncKind::all);
// The last descriptor of a removed file frees its blocks, which takes long for a large one: then on
// a worker. Otherwise the kernel closes on this thread what nothing has to be flushed of.
enum class Closing : std::uint8_t { keeps_blocks, may_free_blocks };
Task<void> close(Descriptor descriptor, Closing kind = Closing::keeps_blocks);

// `path` may be empty: then of `directory` itself, which may be any descriptor.
Task<Result<>> stat(int directory, const char* path, struct statx& out);
// ENODATA when there is none; ERANGE when `into` is too small.
Task<Result<std::size_t>> get_attribute(int fd, const char* name, std::span<std::byte> into);
Task<Result<>> set_attribute(int fd, const char* name, std::span<const std::byte> value);

// Gives an open file (also an O_TMPFILE one) a name; EEXIST when it is taken.
Task<Result<>> link_open(int fd, int directory, const char* path);
Task<Result<>> link(int from, const char* path, int to, const char* new_path);
Task<Result<>> rename(int from, const char* path, int to, const char* new_path, unsigned flags = 0);
Task<Result<>> unlink(int directory, const char* path);
Task<Result<>> remove_directory(int directory, const char* path);
Task<Result<>> make_directory(int directory, const char* path, unsigned mode);

// Many files of directories at once, one after the other on one worker: what the ring would hand
// to a worker each. `name` is one component, which is looked at itself if it is a symbolic link.
struct NamedStatus {
  int directory = -1;
  const char* name = nullptr;
  struct statx* out = nullptr;  // basic fields
  std::int32_t result = 0;      // 0 or a negative errno
};
Task<Result<>> stat_names(std::span<NamedStatus> names);
struct NamedAttribute {
  int directory = -1;
  const char* name = nullptr;
  std::span<std::byte> into;
  std::int64_t result = 0;  // bytes or a negative errno: -ENODATA, -ERANGE
};
// Needs getxattrat(2), Linux 6.13: before it every result is -ENOSYS.
Task<Result<>> get_attribute_of_names(const char* attribute, std::span<NamedAttribute> names);

// Raw directory entries (struct linux_dirent64) from the descriptor's position; 0 at the end.
Task<Result<std::size_t>> read_directory(int fd, std::span<std::byte> into);
// Copies within the kernel, by sharing blocks where the filesystem can; the count, which may
// be short.
Task<Result<std::size_t>> copy_range(int from, std::uint64_t from_offset, int to,
                                     std::uint64_t to_offset, std::size_t bytes);
// Shares blocks (FICLONERANGE) or fails: EOPNOTSUPP, EXDEV, EINVAL.
Task<Result<>> clone_range(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset,
                           std::uint64_t bytes);
Task<Result<>> change_owner(int fd, unsigned uid, unsigned gid);
Task<Result<>> change_mode(int fd, unsigned mode);
Task<Result<>> set_times(int fd, const timespec& modified);
// An exclusive lock of the open file description (F_OFD_SETLK), waited for without order;
// released by closing it.
Task<Result<>> lock(int fd);
// The same for one byte, which need not be there; timed_out after `wait_max_ms`. Bytes of one
// description do not exclude each other: whoever shares it sees to that.
Task<Result<>> lock_byte(int fd, std::uint64_t at, std::uint64_t wait_max_ms);
// An error leaves it unsure whether the lock is gone (a network filesystem's, cut off).
Task<Result<>> unlock_byte(int fd, std::uint64_t at);
// One attempt, and the release, on this thread: for filesystems whose locks are this kernel's.
// 0 or a negative errno.
int try_lock_byte_now(int fd, std::uint64_t at);
int unlock_byte_now(int fd, std::uint64_t at);

}  // namespace millrace::engine::file
