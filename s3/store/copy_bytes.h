// Bytes from file to file: blocks shared where the filesystem can, else copied within the kernel,
// else through memory. On the shard that owns the store.
#pragma once

#include "s3/store/content_digest.h"
#include "s3/store/store.h"

namespace millrace::s3::store {

struct FilePlace {
  int fd = -1;
  std::uint64_t offset = 0;
};

// Copies within the kernel go one or two at a time (limits::kernel_copies_max) and in steps, so
// that a shard's other calls on workers get through. Errors: EIO (the source ends before),
// cancelled (whoever asked has gone; looked at before each step), and the system's.
engine::Task<engine::Result<>> copy_bytes(Store& store, FilePlace from, FilePlace to,
                                          std::uint64_t bytes, Asker asker = {});

// The same, and `digest` has seen what was copied: each byte is read once, through the ring. Where
// blocks are shared nothing is written.
engine::Task<engine::Result<>> copy_digested(Store& store, FilePlace from, FilePlace to,
                                             std::uint64_t bytes, ContentDigest& digest,
                                             Asker asker = {});

}  // namespace millrace::s3::store
