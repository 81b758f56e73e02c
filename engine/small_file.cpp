// Whole-file reads and atomic writes of small files, and random names for what is in them.
#include "engine/small_file.h"

#include "engine/check.h"
#include "engine/descriptor.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>

namespace millrace::engine {
namespace {

int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t bytes = ::write(fd, content.data(), content.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(bytes));
  }
  return 0;
}

// 0 or the errno. The mode is set by fchmod, since open's is cut by the umask.
int write_and_sync(int fd, std::string_view content, mode_t mode) {
  if (::fchmod(fd, mode) < 0) return errno;
  if (const int errnum = write_all(fd, content); errnum != 0) return errnum;
  return ::fsync(fd) < 0 ? errno : 0;
}

}  // namespace

Result<std::string> read_small_file(int fd) {
  std::string text;
  char piece[16 * 1024];
  for (;;) {
    const ssize_t bytes = ::read(fd, piece, sizeof piece);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return fail_errno(errno);
    if (bytes == 0) return text;
    text.append(piece, static_cast<std::size_t>(bytes));
    if (text.size() > small_file_bytes_max) return fail(Errc::too_large);
  }
}

Result<std::string> read_small_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno);
  return read_small_file(file.get());
}

std::string small_file_text(const std::string& path) {
  return read_small_file(path).value_or(std::string());
}

int sync_directory(int directory_fd) {
  if (::fsync(directory_fd) == 0) return 0;
  return errno == EINVAL || errno == EOPNOTSUPP ? 0 : errno;
}

Result<> write_small_file(int directory_fd, const std::string& name, std::string_view content,
                          mode_t mode) {
  const std::string temporary = name + ".new";
  // One left by a process that died while writing it.
  ::unlinkat(directory_fd, temporary.c_str(), 0);
  const Descriptor file(::openat(directory_fd, temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_errno(errno);
  int errnum = write_and_sync(file.get(), content, mode);
  if (errnum == 0 && ::renameat(directory_fd, temporary.c_str(), directory_fd, name.c_str()) < 0) {
    errnum = errno;
  }
  if (errnum != 0) {
    ::unlinkat(directory_fd, temporary.c_str(), 0);
    return fail_errno(errnum);
  }
  if (const int sync_errnum = sync_directory(directory_fd); sync_errnum != 0) {
    return fail_errno(sync_errnum);
  }
  return {};
}

std::string random_text(std::string_view alphabet, std::size_t count) {
  CHECK(!alphabet.empty() && alphabet.size() <= 256);
  // Bytes past the last whole multiple of the alphabet would favour its first characters.
  const std::size_t limit = 256 - 256 % alphabet.size();
  std::string text;
  while (text.size() < count) {
    unsigned char bytes[64];
    const ssize_t got = ::getrandom(bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0);
    for (ssize_t at = 0; at < got && text.size() < count; ++at) {
      if (bytes[at] < limit) text += alphabet[bytes[at] % alphabet.size()];
    }
  }
  return text;
}

}  // namespace millrace::engine
