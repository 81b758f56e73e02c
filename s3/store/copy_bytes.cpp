// See copy_bytes.h.
#include "s3/store/copy_bytes.h"

#include <algorithm>

namespace millrace::s3::store {

using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// One call on a worker copies at most this much, so that others get their turn.
constexpr std::uint64_t copy_step_bytes = 64ULL << 20;

// What the calls answer where these two files or this range are not for them.
bool not_here(Error error) {
  return error.is(EOPNOTSUPP) || error.is(EXDEV) || error.is(EINVAL) || error.is(ENOSYS) ||
         error.is(ENOTTY) || error.is(EPERM);
}

// Reads `from` once; writes to `to` where that has a descriptor.
Task<Result<>> pass_through_memory(Store& store, FilePlace from, FilePlace to, std::uint64_t bytes,
                                   ContentDigest* digest, Asker asker) {
  const engine::Buffer buffer = co_await engine::Shard::current().body_buffers().acquire();
  for (std::uint64_t done = 0; done < bytes;) {
    if (asker.gone()) co_return engine::fail(engine::Errc::cancelled);
    const auto piece = buffer.bytes().first(std::min<std::uint64_t>(buffer.size(), bytes - done));
    const auto got = co_await file::read(from.fd, piece, from.offset + done);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return engine::fail_errno(EIO);
    if (digest != nullptr) co_await digest->update(piece.first(*got), store.md5_queue());
    if (to.fd >= 0) {
      const auto put = co_await file::write(to.fd, piece.first(*got), to.offset + done);
      if (!put) co_return put;
    }
    done += *got;
  }
  co_return Result<>{};
}

// False: these blocks can't be shared.
Task<Result<bool>> share_blocks(Store& store, FilePlace from, FilePlace to, std::uint64_t bytes) {
  if (!store.options().abilities.reflink) co_return false;
  const auto turn = co_await store.kernel_copies().take();
  const auto shared = co_await file::clone_range(from.fd, from.offset, to.fd, to.offset, bytes);
  if (shared) co_return true;
  if (not_here(shared.error())) co_return false;
  co_return std::unexpected(shared.error());
}

// How much was copied; less than all where the kernel can't.
Task<Result<std::uint64_t>> copy_in_kernel(Store& store, FilePlace from, FilePlace to,
                                           std::uint64_t bytes, Asker asker) {
  std::uint64_t done = 0;
  while (store.options().abilities.copy_file_range && done < bytes) {
    const auto turn = co_await store.kernel_copies().take();
    if (asker.gone()) co_return engine::fail(engine::Errc::cancelled);
    const auto step = static_cast<std::size_t>(std::min(copy_step_bytes, bytes - done));
    const auto copied =
        co_await file::copy_range(from.fd, from.offset + done, to.fd, to.offset + done, step);
    if (!copied && copied.error().is(EINTR)) continue;
    if (!copied && !not_here(copied.error())) co_return std::unexpected(copied.error());
    if (!copied) break;
    if (*copied == 0) co_return engine::fail_errno(EIO);
    done += *copied;
  }
  co_return done;
}

}  // namespace

Task<Result<>> copy_bytes(Store& store, FilePlace from, FilePlace to, std::uint64_t bytes,
                          Asker asker) {
  if (bytes == 0) co_return Result<>{};
  const auto shared = co_await share_blocks(store, from, to, bytes);
  if (!shared) co_return std::unexpected(shared.error());
  if (*shared) co_return Result<>{};
  const auto done = co_await copy_in_kernel(store, from, to, bytes, asker);
  if (!done) co_return std::unexpected(done.error());
  co_return co_await pass_through_memory(store, {from.fd, from.offset + *done},
                                         {to.fd, to.offset + *done}, bytes - *done, nullptr, asker);
}

Task<Result<>> copy_digested(Store& store, FilePlace from, FilePlace to, std::uint64_t bytes,
                             ContentDigest& digest, Asker asker) {
  if (bytes == 0) co_return Result<>{};
  const auto shared = co_await share_blocks(store, from, to, bytes);
  if (!shared) co_return std::unexpected(shared.error());
  // Of shared blocks the copy is read: nobody else can change it any more.
  if (*shared) co_return co_await pass_through_memory(store, to, {}, bytes, &digest, asker);
  co_return co_await pass_through_memory(store, from, to, bytes, &digest, asker);
}

}  // namespace millrace::s3::store
