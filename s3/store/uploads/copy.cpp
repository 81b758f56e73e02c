// See copy.h.
#include "s3/store/uploads/copy.h"

#include <algorithm>
#include <vector>

namespace millrace::s3::store::uploads {

using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// One call on a worker copies at most this much, so that others get their turn.
constexpr std::uint64_t copy_step_bytes = 64ULL << 20;
constexpr std::size_t buffer_bytes = 1 << 20;

// What the calls answer where these two files or this range are not for them.
bool not_here(Error error) {
  return error.is(EOPNOTSUPP) || error.is(EXDEV) || error.is(EINVAL) || error.is(ENOSYS) ||
         error.is(ENOTTY) || error.is(EPERM);
}

Task<Result<>> copy_through_memory(FilePlace from, FilePlace to, std::uint64_t bytes) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(bytes, buffer_bytes));
  for (std::uint64_t done = 0; done < bytes;) {
    const auto piece =
        std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes - done));
    const auto got = co_await file::read(from.fd, piece, from.offset + done);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return engine::fail_errno(EIO);
    const auto put = co_await file::write(to.fd, piece.first(*got), to.offset + done);
    if (!put) co_return put;
    done += *got;
  }
  co_return Result<>{};
}

}  // namespace

Task<Result<>> copy_bytes(const StoreOptions& options, FilePlace from, FilePlace to,
                          std::uint64_t bytes) {
  if (bytes == 0) co_return Result<>{};
  if (options.abilities.reflink) {
    const auto shared = co_await file::clone_range(from.fd, from.offset, to.fd, to.offset, bytes);
    if (shared || !not_here(shared.error())) co_return shared;
  }
  std::uint64_t done = 0;
  while (options.abilities.copy_file_range && done < bytes) {
    const auto step = static_cast<std::size_t>(std::min(copy_step_bytes, bytes - done));
    const auto copied =
        co_await file::copy_range(from.fd, from.offset + done, to.fd, to.offset + done, step);
    if (!copied && copied.error().is(EINTR)) continue;
    if (!copied && !not_here(copied.error())) co_return std::unexpected(copied.error());
    if (!copied) break;
    if (*copied == 0) co_return engine::fail_errno(EIO);
    done += *copied;
  }
  co_return co_await copy_through_memory({from.fd, from.offset + done}, {to.fd, to.offset + done},
                                         bytes - done);
}

}  // namespace millrace::s3::store::uploads
