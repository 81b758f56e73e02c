// Small files read whole, and written so that a reader or a power cut meets either the old content
// or the new one. Main thread, and threads that may wait; blocks.
#pragma once

#include "engine/error.h"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace millrace::engine {

// What this module reads at most; a longer file is Errc::too_large.
inline constexpr std::size_t small_file_bytes_max = 1024 * 1024;

Result<std::string> read_small_file(int fd);
Result<std::string> read_small_file(const std::string& path);
// The content, or nothing where it can't be read: for /proc and /sys.
std::string small_file_text(const std::string& path);

// fsync of a directory: 0 or the errno. A filesystem that has no such call (EINVAL, EOPNOTSUPP) is
// no error here: whether it will do is for check_filesystem to say.
int sync_directory(int directory_fd);

// Writes `name` in `directory_fd`: an exclusive temporary file, fsync, rename over the name, fsync
// of the directory. The caller excludes other writers of the same name.
Result<> write_small_file(int directory_fd, const std::string& name, std::string_view content,
                          mode_t mode);

// `count` characters of `alphabet` (at most 256 of them), evenly from getrandom(2).
std::string random_text(std::string_view alphabet, std::size_t count);

}  // namespace millrace::engine
