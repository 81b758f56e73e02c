// What one mounted filesystem can do, found by doing it. Probed once per mount at start by the main
// thread, then copied to every shard as plain data and never changed.
// Invariant: an ability is only true when the call was made on that filesystem and had its effect.
#pragma once

#include "engine/error.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace millrace::s3::store {

enum class FilesystemKind : std::uint8_t {
  unknown,
  ext4,  // also ext2 and ext3, which the same driver serves
  xfs,
  btrfs,
  tmpfs,  // also ramfs
  overlay,
  nfs,
  cephfs,
  lustre,
  glusterfs,  // mounted through FUSE
  fuse,       // any other FUSE filesystem
  ninep,
  smb,
  zfs,
  f2fs,
  bcachefs,
};

// True when the call had its effect; otherwise the errno that it gave. ENOTSUP also stands for a
// call that succeeded without its effect (a lock that doesn't exclude).
struct Ability {
  std::int32_t errnum = ENOSYS;
  constexpr explicit operator bool() const { return errnum == 0; }
};

enum class DirectorySync : std::uint8_t {
  works,     // fsync of a directory makes the names in it durable
  ignored,   // it succeeds and does nothing (GlusterFS): sync an open descriptor after the publish
  unproven,  // it succeeds, but a FUSE or 9p server may drop it unseen: treat as `ignored`
  fails,     // it gives an error: `strict` can't be kept here
};

struct Abilities {
  FilesystemKind kind = FilesystemKind::unknown;
  std::array<char, 32> type_name{};  // as /proc/self/mountinfo says it, NUL-terminated

  // Calls on already cached inodes don't wait for a disk or a network: a shard may make them
  // itself.
  bool local = false;
  // Other hosts change it, too, and this kernel is not told: nothing that was read is kept. Set by
  // whoever knows; not probed.
  bool shared = false;
  // The kernel says of a name that it has seen what it was, for a while, without asking: on a
  // network filesystem another host's changes show late. Asked of those only.
  bool names_remembered = false;
  // A power cut doesn't empty it (false for tmpfs).
  bool persistent = true;

  Ability tmpfile_link;  // O_TMPFILE, then linkat through /proc/self/fd
  Ability hard_link;
  Ability rename_noreplace;
  Ability rename_exchange;
  Ability ofd_lock;  // excludes between two open descriptions on this node
  Ability direct_io;
  Ability copy_file_range;
  Ability reflink;  // FICLONE
  Ability inotify;  // every change to a directory is seen: local filesystems only
  DirectorySync directory_sync = DirectorySync::fails;
  std::int32_t directory_sync_errnum = 0;

  // Exchanging or renaming a file moves its change time (not so for an exchange on xfs). Asked of
  // local filesystems only.
  bool names_stamp = false;

  // The largest of 800 (ext4 with blocks of 1 KiB), 3,500, 8,000 and 60,000 bytes that fits in one
  // user attribute; 0: none does, and objects have theirs beside them (attribute.h).
  std::uint32_t attribute_bytes_max = 0;
  // Alignment that O_DIRECT asks of memory, and of offsets and lengths; 0: not told by the kernel.
  std::uint32_t direct_memory_align_bytes = 0;
  std::uint32_t direct_offset_align_bytes = 0;
  // The precision with which a set modification time is stored: 1 means every nanosecond is kept.
  std::uint32_t timestamp_unit_ns = 0;
  // The smallest step seen between the times of two changes; a younger stamp proves nothing.
  std::uint32_t timestamp_tick_ns = 0;

  std::string_view type() const { return type_name.data(); }
};
static_assert(std::is_trivially_copyable_v<Abilities>);

// How old the stamp of a change must be, on a local filesystem, for a later change to get another
// one. In nanoseconds.
std::int64_t stamps_settle_ns(const Abilities& abilities);

// Makes the directory `scratch_name` below the directory `parent_fd`, tries everything in it, and
// removes it with all that is in it. Takes up to 150 ms on a local disk; blocks. Errors: those of
// making the directory or an ordinary file in it (EACCES, EROFS, ENOSPC, EDQUOT, ...).
engine::Result<Abilities> probe_abilities(int parent_fd, const char* scratch_name);

// Which filesystem an f_type of statfs(2) means, with mountinfo's name to tell FUSE servers apart.
FilesystemKind filesystem_kind(std::uint64_t f_type, std::string_view type_name);

// Fills in `kind` and `type_name` for the filesystem that holds the open file or directory `fd`.
void identify_filesystem(int fd, Abilities& abilities);

// The filesystem's name from the text of /proc/self/mountinfo; empty when the mount isn't in it.
std::string_view mount_type_name(std::string_view mountinfo, std::uint64_t mount_id);

}  // namespace millrace::s3::store
