// The seam's calls that don't block, as plain system calls: the real ring's.
#include "engine/ring.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::engine {

namespace {

// cachestat(2), kernel 6.5; neither Debian 12's libc nor its headers know it.
constexpr long cachestat_call = 451;
struct CacheRange {
  std::uint64_t offset, bytes;
};
struct CachePages {
  std::uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

constexpr unsigned stat_mask = STATX_BASIC_STATS | STATX_BTIME;

std::int64_t or_errno(std::int64_t result) {
  return result < 0 ? -errno : result;
}

}  // namespace

int Ring::open_cached(int directory, const char* path, const open_how& how) {
  open_how cached = how;
  cached.resolve |= RESOLVE_CACHED;
  return static_cast<int>(
      or_errno(::syscall(SYS_openat2, directory, path, &cached, sizeof cached)));
}

std::int64_t Ring::read_cached(int fd, std::span<std::byte> into, std::uint64_t offset) {
  const iovec piece{into.data(), into.size()};
  return or_errno(::preadv2(fd, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT));
}

bool Ring::resident(int fd, std::uint64_t offset, std::uint64_t bytes, bool settled) {
  constexpr std::uint64_t page_bytes = 4096;
  const CacheRange range{offset, bytes};
  CachePages pages{};
  if (::syscall(cachestat_call, fd, &range, &pages, 0) != 0) return false;
  const auto first = offset / page_bytes;
  const auto last = (offset + bytes + page_bytes - 1) / page_bytes;
  if (pages.cached < last - first) return false;
  if (settled) return true;
  // cachestat also counts pages that are still being read; those refuse a read that may not wait.
  // Reads ahead end in runs far longer than this step, so its last bytes speak for them.
  constexpr std::uint64_t step_bytes = 128 * 1024;
  std::byte one{};
  for (std::uint64_t end = std::min(bytes, step_bytes);; end = std::min(bytes, end + step_bytes)) {
    if (read_cached(fd, std::span(&one, 1), offset + end - 1) != 1) return false;
    if (end == bytes) return true;
  }
}

std::int64_t Ring::send_file(int socket, int fd, std::uint64_t offset, std::size_t bytes) {
  auto position = static_cast<off_t>(offset);
  return or_errno(::sendfile(socket, fd, &position, bytes));
}

std::int64_t Ring::send_now(int socket, std::span<const std::byte> bytes, bool more) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
  return or_errno(::send(socket, bytes.data(), bytes.size(), flags));
}

int Ring::stat_open(int fd, struct statx& out) {
  return static_cast<int>(or_errno(::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, stat_mask, &out)));
}

std::int64_t Ring::get_attribute_open(int fd, const char* name, std::span<std::byte> into) {
  return or_errno(::fgetxattr(fd, name, into.data(), into.size()));
}

int Ring::shut_down(int socket, int how) {
  return static_cast<int>(or_errno(::shutdown(socket, how)));
}

int Ring::close_now(int fd) {
  return static_cast<int>(or_errno(::close(fd)));
}

}  // namespace millrace::engine
