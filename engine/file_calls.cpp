// See file.h: calls without a ring operation, each run on a worker of the shard.
#include "engine/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace millrace::engine::file {

namespace {

constexpr std::uint64_t lock_retry_max_ms = 64;

long or_errno(long result) {
  return result < 0 ? -errno : result;
}

// `Call` is a struct of arguments with `long operator()()`, kept in the awaiting frame.
template <class Call>
Operation on_worker(Call& call) {
  return Operation({.action = Action::call, .address = &call, .call = [](void* argument) {
                      return (*static_cast<Call*>(argument))();
                    }});
}

struct ReadDirectory {
  int fd;
  std::span<std::byte> into;
  long operator()() const {
    return or_errno(::syscall(SYS_getdents64, fd, into.data(), into.size()));
  }
};

struct StatNames {
  std::span<NamedStatus> names;
  long operator()() const {
    for (NamedStatus& name : names) {
      name.result = static_cast<std::int32_t>(or_errno(::syscall(
          SYS_statx, name.directory, name.name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, name.out)));
    }
    return 0;
  }
};

// getxattrat(2); neither Debian's libc nor its headers know it.
constexpr long getxattrat_call = 464;
struct AttributeArguments {
  std::uint64_t value;
  std::uint32_t bytes;
  std::uint32_t flags;
};

struct AttributeOfNames {
  const char* attribute;
  std::span<NamedAttribute> names;
  long operator()() const {
    for (NamedAttribute& name : names) {
      AttributeArguments arguments{std::bit_cast<std::uint64_t>(name.into.data()),
                                   static_cast<std::uint32_t>(name.into.size()), 0};
      name.result =
          or_errno(::syscall(getxattrat_call, name.directory, name.name, AT_SYMLINK_NOFOLLOW,
                             attribute, &arguments, sizeof arguments));
    }
    return 0;
  }
};

struct CopyRange {
  int from;
  std::int64_t from_offset;
  int to;
  std::int64_t to_offset;
  std::size_t bytes;
  long operator()() {
    return or_errno(::copy_file_range(from, &from_offset, to, &to_offset, bytes, 0));
  }
};

struct CloneRange {
  int to;
  file_clone_range range;
  long operator()() { return or_errno(::ioctl(to, FICLONERANGE, &range)); }
};

struct ChangeOwner {
  int fd;
  unsigned uid, gid;
  long operator()() const { return or_errno(::fchown(fd, uid, gid)); }
};

struct ChangeMode {
  int fd;
  unsigned mode;
  long operator()() const { return or_errno(::fchmod(fd, mode)); }
};

struct SetTimes {
  int fd;
  timespec times[2];
  long operator()() const { return or_errno(::futimens(fd, times)); }
};

struct Truncate {
  int fd;
  std::int64_t bytes;
  long operator()() const { return or_errno(::ftruncate(fd, bytes)); }
};

struct Lock {
  int fd;
  std::int64_t start = 0;
  std::int64_t length = 0;  // 0: to the end
  short type = F_WRLCK;
  long operator()() const {
    struct flock range{
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length, .l_pid = 0};
    return or_errno(::fcntl(fd, F_OFD_SETLK, &range));
  }
};

Lock byte_lock(int fd, std::uint64_t at, short type) {
  return {.fd = fd, .start = static_cast<std::int64_t>(at), .length = 1, .type = type};
}

}  // namespace

Task<Result<std::size_t>> read_directory(int fd, std::span<std::byte> into) {
  ReadDirectory call{fd, into};
  const auto got = co_await on_worker(call);
  if (got < 0) co_return std::unexpected(Error::from_result(got));
  co_return static_cast<std::size_t>(got);
}

Task<Result<>> stat_names(std::span<NamedStatus> names) {
  StatNames call{names};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> get_attribute_of_names(const char* attribute, std::span<NamedAttribute> names) {
  AttributeOfNames call{attribute, names};
  co_return as_result(co_await on_worker(call));
}

Task<Result<std::size_t>> copy_range(int from, std::uint64_t from_offset, int to,
                                     std::uint64_t to_offset, std::size_t bytes) {
  CopyRange call{from, static_cast<std::int64_t>(from_offset), to,
                 static_cast<std::int64_t>(to_offset), bytes};
  const auto got = co_await on_worker(call);
  if (got < 0) co_return std::unexpected(Error::from_result(got));
  co_return static_cast<std::size_t>(got);
}

Task<Result<>> clone_range(int from, std::uint64_t from_offset, int to, std::uint64_t to_offset,
                           std::uint64_t bytes) {
  CloneRange call{to, {from, from_offset, bytes, to_offset}};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> change_owner(int fd, unsigned uid, unsigned gid) {
  ChangeOwner call{fd, uid, gid};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> change_mode(int fd, unsigned mode) {
  ChangeMode call{fd, mode};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> set_times(int fd, const timespec& modified) {
  SetTimes call{fd, {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, modified}};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> truncate(int fd, std::uint64_t bytes) {
  Truncate call{fd, static_cast<std::int64_t>(bytes)};
  co_return as_result(co_await on_worker(call));
}

Task<Result<>> lock_byte(int fd, std::uint64_t at, std::uint64_t wait_max_ms) {
  Lock call = byte_lock(fd, at, F_WRLCK);
  const std::uint64_t begun_ns = Shard::current().now_ns();
  for (std::uint64_t pause_ms = 1;; pause_ms = std::min(pause_ms * 2, lock_retry_max_ms)) {
    const auto got = co_await on_worker(call);
    if (got != -EAGAIN && got != -EACCES) co_return as_result(got);
    if (Shard::current().now_ns() - begun_ns > wait_max_ms * 1'000'000) {
      co_return fail(Errc::timed_out);
    }
    co_await sleep_for(pause_ms);
  }
}

Task<Result<>> unlock_byte(int fd, std::uint64_t at) {
  Lock call = byte_lock(fd, at, F_UNLCK);
  co_return as_result(co_await on_worker(call));
}

int try_lock_byte_now(int fd, std::uint64_t at) {
  return static_cast<int>(byte_lock(fd, at, F_WRLCK)());
}

int unlock_byte_now(int fd, std::uint64_t at) {
  return static_cast<int>(byte_lock(fd, at, F_UNLCK)());
}

Task<Result<>> lock(int fd) {
  // Tried again and again: a call that waits for the lock would keep a worker that its holder
  // may need to go on.
  Lock call{fd};
  for (std::uint64_t pause_ms = 8;; pause_ms = std::min(pause_ms * 2, lock_retry_max_ms)) {
    const auto got = co_await on_worker(call);
    if (got != -EAGAIN && got != -EACCES) co_return as_result(got);
    co_await sleep_for(pause_ms);
  }
}

}  // namespace millrace::engine::file
