// One round of a filesystem's probe, and the system calls that it is made of (see
// filesystem_probe.h). Runs on the probe's thread; every call here may hang.
#include "health/filesystem_probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace millrace::health {

namespace {

// A page: what a filesystem can't keep inside an inode.
using Content = std::array<char, 4096>;

template <class T>
T or_errno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

Content content_of(std::uint64_t serial) {
  Content content;
  content.fill('.');
  std::memcpy(content.data(), &serial, sizeof serial);
  return content;
}

// The errno of a transfer that must be whole. A write that stops short has no errno of its own;
// the next would say why: there is no room.
int whole(std::int64_t count, int if_short) {
  if (count < 0) return static_cast<int>(-count);
  return count == static_cast<std::int64_t>(Content{}.size()) ? 0 : if_short;
}

int open_probe_file(const ProbeCalls& calls, int directory, const std::string& path) {
  const int fd = calls.open(directory, path.c_str());
  if (fd != -ENOENT) return fd;
  for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
    const int made = calls.make_directory(directory, path.substr(0, at).c_str());
    if (made < 0 && made != -EEXIST) return made;
  }
  return calls.open(directory, path.c_str());
}

int write_and_read(const ProbeCalls& calls, int fd, std::uint64_t serial) {
  const Content content = content_of(serial);
  const int written = whole(calls.write(fd, content.data(), content.size()), ENOSPC);
  if (written != 0) return written;
  if (const int synced = calls.sync(fd); synced < 0) return -synced;
  Content back;
  const int read = whole(calls.read(fd, back.data(), back.size()), EBADMSG);
  if (read != 0) return read;
  return back == content ? 0 : EBADMSG;
}

}  // namespace

int probe_round(const ProbeCalls& calls, int directory, const std::string& path,
                std::uint64_t serial) {
  if (const int result = calls.stat(directory); result < 0) return -result;
  const int fd = open_probe_file(calls, directory, path);
  if (fd < 0) return -fd;
  int errnum = write_and_read(calls, fd, serial);
  const int closed = calls.close(fd);
  const int unlinked = calls.unlink(directory, path.c_str());
  if (errnum == 0 && closed < 0) errnum = -closed;
  // ENOENT: another made away with the file, which says nothing against the filesystem.
  if (errnum == 0 && unlinked < 0 && unlinked != -ENOENT) errnum = -unlinked;
  return errnum;
}

const ProbeCalls system_probe_calls = {
    .open_directory =
        [](const char* path) { return or_errno(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); },
    .stat =
        [](int directory) {
          struct stat unused;
          return or_errno(::fstat(directory, &unused));
        },
    .make_directory = [](int directory,
                         const char* path) { return or_errno(::mkdirat(directory, path, 0700)); },
    .open =
        [](int directory, const char* path) {
          return or_errno(
              ::openat(directory, path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
        },
    .write =
        [](int fd, const char* bytes, std::size_t size) {
          return static_cast<std::int64_t>(or_errno(::pwrite(fd, bytes, size, 0)));
        },
    .sync = [](int fd) { return or_errno(::fsync(fd)); },
    .read =
        [](int fd, char* bytes, std::size_t size) {
          return static_cast<std::int64_t>(or_errno(::pread(fd, bytes, size, 0)));
        },
    .close = [](int fd) { return or_errno(::close(fd)); },
    .unlink = [](int directory,
                 const char* path) { return or_errno(::unlinkat(directory, path, 0)); },
};

}  // namespace millrace::health
