// Bytes from file to file within the kernel: blocks shared where the filesystem can, else copied.
#pragma once

#include "s3/store/options.h"

#include "engine/file.h"

namespace millrace::s3::store::uploads {

struct FilePlace {
  int fd = -1;
  std::uint64_t offset = 0;
};
// EIO: the source ends before.
engine::Task<engine::Result<>> copy_bytes(const StoreOptions& options, FilePlace from, FilePlace to,
                                          std::uint64_t bytes);

}  // namespace millrace::s3::store::uploads
