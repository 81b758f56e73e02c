// Finds out what a filesystem can do by doing it in a scratch directory. Plain blocking system
// calls: runs on the main thread at start, before there are shards.
// Invariant: nothing that it made is left behind, whichever probe failed.
#include "s3/store/abilities.h"

#include "engine/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace millrace::s3::store {
namespace {

using engine::Descriptor;

constexpr Ability yes{0};
constexpr Ability no(int errnum) {
  return Ability{errnum};
}
Ability outcome(int result) {
  return result < 0 ? no(errno) : yes;
}

// The directory that every probe works in; removed with its content at the end.
class Scratch {
 public:
  Scratch(int parent_fd, const char* name) : parent_fd_(parent_fd), name_(name) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (!directory_) return;
    empty();
    directory_.reset();
    ::unlinkat(parent_fd_, name_, AT_REMOVEDIR);
  }

  int make() {
    // One left by a killed process of the same number is used again.
    if (::mkdirat(parent_fd_, name_, 0700) < 0 && errno != EEXIST) return errno;
    directory_ =
        Descriptor(::openat(parent_fd_, name_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory_) return errno;
    empty();
    return 0;
  }

  int fd() const { return directory_.get(); }
  Descriptor create(const char* name, int flags = 0) const {
    return Descriptor(::openat(fd(), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600));
  }
  void remove(const char* name) const { ::unlinkat(fd(), name, 0); }

 private:
  void empty() const {
    const int fd_copy = ::openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* entries = fd_copy < 0 ? nullptr : ::fdopendir(fd_copy);
    if (entries == nullptr) {
      if (fd_copy >= 0) ::close(fd_copy);
      return;
    }
    while (const dirent* entry = ::readdir(entries)) {
      if (entry->d_name[0] != '.') remove(entry->d_name);
    }
    ::closedir(entries);
  }

  int parent_fd_;
  const char* name_;
  Descriptor directory_;
};

Ability probe_tmpfile(const Scratch& scratch) {
  const Descriptor file(::openat(scratch.fd(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (!file) return no(errno);
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file.get());
  const Ability linked =
      outcome(::linkat(AT_FDCWD, path, scratch.fd(), "tmpfile", AT_SYMLINK_FOLLOW));
  scratch.remove("tmpfile");
  return linked;
}

Ability probe_hard_link(const Scratch& scratch) {
  if (!scratch.create("original")) return no(errno);
  Ability ability = outcome(::linkat(scratch.fd(), "original", scratch.fd(), "second", 0));
  // A second link over a name must fail, or `If-None-Match: *` has nothing to stand on.
  if (ability && ::linkat(scratch.fd(), "original", scratch.fd(), "second", 0) == 0) {
    ability = no(ENOTSUP);
  }
  scratch.remove("original");
  scratch.remove("second");
  return ability;
}

Ability probe_rename(const Scratch& scratch, unsigned flags) {
  if (!scratch.create("from")) return no(errno);
  if ((flags & RENAME_EXCHANGE) != 0 && !scratch.create("to")) return no(errno);
  Ability ability = outcome(::renameat2(scratch.fd(), "from", scratch.fd(), "to", flags));
  if (ability && (flags & RENAME_NOREPLACE) != 0) {
    const Descriptor again = scratch.create("from");
    const int result = ::renameat2(scratch.fd(), "from", scratch.fd(), "to", flags);
    if (result == 0 || errno != EEXIST) ability = no(ENOTSUP);
  }
  scratch.remove("from");
  scratch.remove("to");
  return ability;
}

bool stamp_moves(int fd, const timespec& before) {
  struct stat status = {};
  if (::fstat(fd, &status) < 0) return false;
  return status.st_ctim.tv_sec != before.tv_sec || status.st_ctim.tv_nsec != before.tv_nsec;
}

// Does it for up to 50 ms, several ticks of the coarsest clock, until the change times of all the
// files have moved.
bool probe_stamps(const Scratch& scratch, const char* from, const char* to, unsigned flags) {
  std::vector<Descriptor> files;
  std::vector<timespec> before;
  for (const char* name : {from, to}) {
    if (name == to && flags != RENAME_EXCHANGE) break;
    struct stat status = {};
    files.push_back(scratch.create(name));
    if (!files.back() || ::fstat(files.back().get(), &status) < 0) return false;
    before.push_back(status.st_ctim);
  }
  bool all = false;
  for (int attempt = 0; attempt < 50 && !all; ++attempt) {
    if (::renameat2(scratch.fd(), from, scratch.fd(), to, flags) < 0) break;
    if (flags != RENAME_EXCHANGE) std::swap(from, to);
    all = true;
    for (std::size_t i = 0; i < files.size(); ++i) {
      all = stamp_moves(files[i].get(), before[i]) && all;
    }
    if (!all) ::usleep(1000);
  }
  scratch.remove(from);
  scratch.remove(to);
  return all;
}

std::uint32_t probe_attribute_bytes(const Scratch& scratch) {
  const Descriptor file = scratch.create("attribute");
  if (!file) return 0;
  const std::vector<char> value(60000, 'x');
  std::uint32_t fits = 0;
  for (const std::uint32_t bytes : {800U, 3500U, 8000U, 60000U}) {
    if (::fsetxattr(file.get(), "user.millrace.probe", value.data(), bytes, 0) == 0) fits = bytes;
  }
  scratch.remove("attribute");
  return fits;
}

// Two open descriptions of one file, as two processes would have.
Ability probe_ofd_lock(const Scratch& scratch) {
  const Descriptor first = scratch.create("lock");
  const Descriptor second(::openat(scratch.fd(), "lock", O_RDWR | O_CLOEXEC));
  if (!first || !second) return no(errno);
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  Ability ability = outcome(::fcntl(first.get(), F_OFD_SETLK, &whole));
  if (ability &&
      (::fcntl(second.get(), F_OFD_SETLK, &whole) == 0 || (errno != EAGAIN && errno != EACCES))) {
    ability = no(ENOTSUP);
  }
  scratch.remove("lock");
  return ability;
}

void probe_direct_io(const Scratch& scratch, Abilities& abilities) {
  const Descriptor file = scratch.create("direct", O_DIRECT);
  if (!file) {
    abilities.direct_io = no(errno);
    scratch.remove("direct");  // some filesystems create the name and then refuse the flag
    return;
  }
  struct statx status = {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
      (status.stx_mask & STATX_DIOALIGN) != 0) {
    abilities.direct_memory_align_bytes = status.stx_dio_mem_align;
    abilities.direct_offset_align_bytes = status.stx_dio_offset_align;
  }
  // A filesystem that says nothing is tried with 4 KiB, more than any disk asks for.
  const std::size_t bytes = std::max<std::size_t>(4096, abilities.direct_offset_align_bytes);
  const std::unique_ptr<void, decltype(&std::free)> block(
      std::aligned_alloc(std::max<std::size_t>(4096, abilities.direct_memory_align_bytes), bytes),
      &std::free);
  if (block == nullptr) {
    abilities.direct_io = no(ENOMEM);
  } else {
    std::fill_n(static_cast<char*>(block.get()), bytes, 'd');
    abilities.direct_io = outcome(static_cast<int>(::pwrite(file.get(), block.get(), bytes, 0)));
  }
  scratch.remove("direct");
}

Ability probe_copy(const Scratch& scratch, bool share_blocks) {
  const Descriptor from = scratch.create("copy-from");
  const Descriptor to = scratch.create("copy-to");
  if (!from || !to) return no(errno);
  const std::string data(64 * 1024, 'c');
  Ability ability = outcome(static_cast<int>(::pwrite(from.get(), data.data(), data.size(), 0)));
  if (ability && share_blocks) {
    ability = outcome(::ioctl(to.get(), FICLONE, from.get()));
  } else if (ability) {
    const ssize_t copied =
        ::copy_file_range(from.get(), nullptr, to.get(), nullptr, data.size(), 0);
    ability = copied == 0 ? no(ENOTSUP) : outcome(static_cast<int>(copied));
  }
  scratch.remove("copy-from");
  scratch.remove("copy-to");
  return ability;
}

Ability probe_inotify(const Scratch& scratch) {
  const Descriptor queue(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!queue) return no(errno);
  char path[40];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", scratch.fd());
  if (::inotify_add_watch(queue.get(), path, IN_CREATE) < 0) return no(errno);
  if (!scratch.create("watched")) return no(errno);
  scratch.remove("watched");
  alignas(inotify_event) char event[512];
  return ::read(queue.get(), event, sizeof event) > 0 ? yes : no(ENOTSUP);
}

DirectorySync probe_directory_sync(const Scratch& scratch, FilesystemKind kind, int& errnum) {
  if (::fsync(scratch.fd()) < 0) {
    errnum = errno;
    return DirectorySync::fails;
  }
  switch (kind) {
    // Read in GlusterFS 10.3's posix translator: fsyncdir makes no system call on the brick.
    case FilesystemKind::glusterfs: return DirectorySync::ignored;
    // The kernel answers 0 itself once a FUSE server has said ENOSYS to one FUSE_FSYNCDIR.
    case FilesystemKind::fuse:
    case FilesystemKind::ninep:
    case FilesystemKind::smb:
    case FilesystemKind::unknown: return DirectorySync::unproven;
    default: return DirectorySync::works;
  }
}

// A look-up of a name that was looked up just now, in what the kernel has in memory alone
// (openat2(2), RESOLVE_CACHED, Linux 5.12). EAGAIN where a filesystem is asked each time.
bool probe_names_remembered(const Scratch& scratch) {
  if (!scratch.create("seen")) return false;
  struct stat status = {};
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  const bool there = ::fstatat(scratch.fd(), "seen", &status, 0) == 0;
  const Descriptor found(
      static_cast<int>(::syscall(SYS_openat2, scratch.fd(), "seen", &how, sizeof how)));
  scratch.remove("seen");
  return there && static_cast<bool>(found);
}

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// Changes a file for up to 25 ms and keeps the smallest step between two different stamps; asking
// for the time after each change is what makes kernels from 6.13 on give fine stamps.
std::uint32_t probe_timestamp_tick(int fd) {
  timespec begin = {};
  ::clock_gettime(CLOCK_MONOTONIC, &begin);
  std::int64_t last = 0;
  std::int64_t tick = 0;
  for (timespec now = begin; nanoseconds(now) - nanoseconds(begin) < 25'000'000;
       ::clock_gettime(CLOCK_MONOTONIC, &now)) {
    struct stat status = {};
    if (::pwrite(fd, "t", 1, 0) != 1 || ::fstat(fd, &status) < 0) return 0;
    const std::int64_t stamp = nanoseconds(status.st_mtim);
    if (last != 0 && stamp > last) tick = tick == 0 ? stamp - last : std::min(tick, stamp - last);
    last = stamp;
  }
  return static_cast<std::uint32_t>(std::min<std::int64_t>(tick, UINT32_MAX));
}

void probe_timestamps(const Scratch& scratch, Abilities& abilities) {
  const Descriptor file = scratch.create("stamp");
  if (!file) return;
  abilities.timestamp_tick_ns = probe_timestamp_tick(file.get());
  const timespec set[2] = {{1'700'000'001, 123'456'789}, {1'700'000'001, 123'456'789}};
  struct stat status = {};
  if (::futimens(file.get(), set) == 0 && ::fstat(file.get(), &status) == 0) {
    for (const std::uint32_t unit : {1'000'000'000U, 1'000'000U, 1'000U, 100U, 1U}) {
      if (status.st_mtim.tv_nsec == static_cast<long>(123'456'789U / unit * unit)) {
        abilities.timestamp_unit_ns = unit;
        break;
      }
    }
  }
  scratch.remove("stamp");
}

bool is_local(FilesystemKind kind) {
  return kind == FilesystemKind::ext4 || kind == FilesystemKind::xfs ||
         kind == FilesystemKind::btrfs || kind == FilesystemKind::tmpfs;
}

}  // namespace

engine::Result<Abilities> probe_abilities(int parent_fd, const char* scratch_name) {
  Scratch scratch(parent_fd, scratch_name);
  if (const int errnum = scratch.make(); errnum != 0) return engine::fail_errno(errnum);
  if (!scratch.create("ordinary")) return engine::fail_errno(errno);
  scratch.remove("ordinary");

  Abilities abilities;
  identify_filesystem(scratch.fd(), abilities);
  abilities.local = is_local(abilities.kind);
  abilities.persistent = abilities.kind != FilesystemKind::tmpfs;
  abilities.tmpfile_link = probe_tmpfile(scratch);
  abilities.hard_link = probe_hard_link(scratch);
  abilities.rename_noreplace = probe_rename(scratch, RENAME_NOREPLACE);
  abilities.rename_exchange = probe_rename(scratch, RENAME_EXCHANGE);
  abilities.attribute_bytes_max = probe_attribute_bytes(scratch);
  abilities.ofd_lock = probe_ofd_lock(scratch);
  probe_direct_io(scratch, abilities);
  abilities.copy_file_range = probe_copy(scratch, false);
  abilities.reflink = probe_copy(scratch, true);
  abilities.names_stamp = abilities.local && probe_stamps(scratch, "stamp-a", "stamp-b", 0) &&
                          probe_stamps(scratch, "stamp-a", "stamp-b", RENAME_EXCHANGE);
  // Events of this node's own changes come everywhere; those of other nodes never do.
  abilities.inotify = abilities.local ? probe_inotify(scratch) : no(ENOTSUP);
  abilities.names_remembered = !abilities.local && probe_names_remembered(scratch);
  abilities.directory_sync =
      probe_directory_sync(scratch, abilities.kind, abilities.directory_sync_errnum);
  probe_timestamps(scratch, abilities);
  return abilities;
}

std::int64_t stamps_settle_ns(const Abilities& abilities) {
  // Linux stamps files with a clock of 100 Hz at the coarsest, which may lag behind the fine one
  // that is asked elsewhere; a finer measured tick is not trusted.
  constexpr std::uint32_t tick_ns_min = 50'000'000;
  return 2 * std::int64_t{
                 std::max({abilities.timestamp_tick_ns, abilities.timestamp_unit_ns, tick_ns_min})};
}

}  // namespace millrace::s3::store
