// See file.h: requests that the ring knows.
#include "engine/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <charconv>

namespace millrace::engine::file {

namespace {

constexpr std::uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

open_how how_to_open(int flags, unsigned mode) {
  return {.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC), .mode = mode, .resolve = beneath};
}

Result<std::size_t> as_count(std::int32_t result) {
  if (result < 0) return std::unexpected(Error::from_result(result));
  return static_cast<std::size_t>(result);
}

}  // namespace

Task<Result<Descriptor>> open(int directory, const char* path, int flags, unsigned mode) {
  open_how how = how_to_open(flags, mode);
  const int fd =
      co_await Operation({.action = Action::open, .fd = directory, .address = &how, .path = path});
  if (fd < 0) co_return std::unexpected(Error::from_result(fd));
  co_return Descriptor(fd);
}

Result<Descriptor> open_cached(int directory, const char* path, int flags) {
  const int fd = Shard::current().ring().open_cached(directory, path, how_to_open(flags, 0));
  if (fd < 0) return std::unexpected(Error::from_result(fd));
  return Descriptor(fd);
}

Task<Result<std::size_t>> read(int fd, std::span<std::byte> into, std::uint64_t offset, Heat heat) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto got = co_await Operation({.action = Action::read,
                                         .fd = fd,
                                         .flags = heat == Heat::cold ? 1U : 0U,
                                         .length = static_cast<std::uint32_t>(into.size() - done),
                                         .offset = offset + done,
                                         .address = into.data() + done});
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got < 0) co_return std::unexpected(Error::from_result(got));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  co_return done;
}

Task<Result<>> write(int fd, std::span<const std::byte> from, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < from.size()) {
    const auto put = co_await Operation({.action = Action::write,
                                         .fd = fd,
                                         .length = static_cast<std::uint32_t>(from.size() - done),
                                         .offset = offset + done,
                                         .address = const_cast<std::byte*>(from.data()) + done});
    if (put == -EINTR || put == -EAGAIN) continue;
    if (put < 0) co_return std::unexpected(Error::from_result(put));
    if (put == 0) co_return fail_errno(EIO);
    done += static_cast<std::size_t>(put);
  }
  co_return Result<>{};
}

Task<Result<>> allocate(int fd, std::uint64_t offset, std::uint64_t bytes) {
  co_return as_result(
      co_await Operation({.action = Action::allocate, .fd = fd, .offset = offset, .extra = bytes}));
}

Task<Result<>> sync(int fd, SyncKind kind) {
  co_return as_result(co_await Operation(
      {.action = Action::fsync, .fd = fd, .flags = kind == SyncKind::data ? 1U : 0U}));
}

Task<void> close(Descriptor descriptor, Closing kind) {
  if (!descriptor) co_return;
  const std::uint32_t on_worker = kind == Closing::may_free_blocks ? 1 : 0;
  co_await Operation({.action = Action::close, .fd = descriptor.release(), .flags = on_worker});
}

Task<Result<>> stat(int directory, const char* path, struct statx& out) {
  constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;
  co_return as_result(co_await Operation({.action = Action::stat,
                                          .fd = directory,
                                          .flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
                                          .length = wanted,
                                          .address = &out,
                                          .path = path}));
}

Task<Result<std::size_t>> get_attribute(int fd, const char* name, std::span<std::byte> into) {
  co_return as_count(co_await Operation({.action = Action::get_attribute,
                                         .fd = fd,
                                         .length = static_cast<std::uint32_t>(into.size()),
                                         .address = into.data(),
                                         .path = name}));
}

Task<Result<>> set_attribute(int fd, const char* name, std::span<const std::byte> value) {
  co_return as_result(co_await Operation({.action = Action::set_attribute,
                                          .fd = fd,
                                          .length = static_cast<std::uint32_t>(value.size()),
                                          .address = const_cast<std::byte*>(value.data()),
                                          .path = name}));
}

Task<Result<>> link_open(int fd, int directory, const char* path) {
  // AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH before Linux 6.10; /proc works for everyone.
  char name[40] = "/proc/self/fd/";
  const auto [end, ignored] = std::to_chars(name + 14, name + sizeof name - 1, fd);
  *end = '\0';
  co_return as_result(co_await Operation({.action = Action::link,
                                          .fd = AT_FDCWD,
                                          .fd2 = directory,
                                          .flags = AT_SYMLINK_FOLLOW,
                                          .path = name,
                                          .path2 = path}));
}

Task<Result<>> link(int from, const char* path, int to, const char* new_path) {
  co_return as_result(co_await Operation(
      {.action = Action::link, .fd = from, .fd2 = to, .path = path, .path2 = new_path}));
}

Task<Result<>> rename(int from, const char* path, int to, const char* new_path, unsigned flags) {
  co_return as_result(co_await Operation({.action = Action::rename,
                                          .fd = from,
                                          .fd2 = to,
                                          .flags = flags,
                                          .path = path,
                                          .path2 = new_path}));
}

Task<Result<>> unlink(int directory, const char* path) {
  co_return as_result(
      co_await Operation({.action = Action::unlink, .fd = directory, .path = path}));
}

Task<Result<>> remove_directory(int directory, const char* path) {
  co_return as_result(co_await Operation(
      {.action = Action::unlink, .fd = directory, .flags = AT_REMOVEDIR, .path = path}));
}

Task<Result<>> make_directory(int directory, const char* path, unsigned mode) {
  co_return as_result(co_await Operation(
      {.action = Action::make_directory, .fd = directory, .flags = mode, .path = path}));
}

}  // namespace millrace::engine::file
