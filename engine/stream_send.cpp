// Sending: see stream.h. File bytes go from the page cache to the socket without passing
// through the server where the filesystem is local and the pages are there; what is cold, or
// on a network filesystem, is read through the ring, so that no other connection waits.
#include "engine/file.h"
#include "engine/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace millrace::engine {

namespace {
// One non-blocking sendfile: long enough to be cheap, short enough to be fair to others.
constexpr std::size_t send_file_bytes_max = 1024 * 1024;
// After a wait this long what was resident is looked at again: memory may have been wanted.
constexpr std::uint64_t resident_ns = 20'000'000;
// And pages that were read are asked for again only by name, not by content, for this long.
constexpr std::uint64_t settled_ns = 1'000'000'000;
constexpr std::size_t send_now_bytes_max = 256 * 1024;
}  // namespace

Task<Result<>> Stream::send(std::span<const std::byte> bytes, bool more) {
  // When every request of this turn has been worked on: sent together they wake a peer on this
  // machine once (it is still reading the first when the next comes), and each of the two kinds of
  // work finds its code and data in the processor's caches. Then without a request to the ring, if
  // the socket has room: cheaper, and the caller's frames end sooner.
  co_await Yield{};
  Ring& ring = Shard::current().ring();
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t piece = std::min(bytes.size() - done, send_now_bytes_max);
    const bool follows = more || done + piece < bytes.size();
    const auto put = ring.send_now(fd(), bytes.subspan(done, piece), follows);
    if (put == -EINTR) continue;
    if (put == -EAGAIN) {
      const auto ready = co_await writable();
      if (!ready) co_return ready;
      continue;
    }
    if (put < 0) co_return std::unexpected(Error::from_result(static_cast<int>(put)));
    done += static_cast<std::size_t>(put);
    sent_some();
  }
  co_return Result<>{};
}

Task<Result<>> Stream::writable() {
  const auto ready = co_await Operation({.action = Action::poll, .fd = fd(), .flags = POLLOUT});
  if (ready < 0) co_return std::unexpected(Error::from_result(ready));
  if ((ready & (POLLERR | POLLHUP)) != 0) co_return fail_errno(EPIPE);
  co_return Result<>{};
}

Task<Result<>> Stream::send_copied(FileSource& source, std::size_t bytes) {
  Buffer buffer = co_await Shard::current().body_buffers().acquire();
  const auto piece = buffer.bytes().first(std::min(bytes, buffer.size()));
  const auto got = co_await file::read(source.fd, piece, source.offset, file::Heat::cold);
  if (!got) co_return std::unexpected(got.error());
  if (*got < piece.size()) co_return fail(Errc::eof);
  source.offset += *got;
  source.bytes -= *got;
  co_return co_await send(piece, source.bytes > 0);
}

Task<Result<>> Stream::send_file(FileSource source) {
  Ring& ring = Shard::current().ring();
  // Once a piece was cold, what follows is being read ahead: in the cache by name, not yet by
  // content, so that sendfile(2) would wait for the disk on this thread. The rest is copied.
  bool cold = !source.local;
  std::uint64_t resident_end = source.offset;  // looked at once, however short the sends are
  std::uint64_t looked_ns = 0;
  Settled none;
  Settled& settled = source.settled != nullptr ? *source.settled : none;
  if (Shard::current().now_ns() - settled.begun_ns > settled_ns) settled.bytes = 0;
  while (source.bytes > 0) {
    std::size_t piece = std::min<std::uint64_t>(source.bytes, send_file_bytes_max);
    if (resident_end > source.offset && Shard::current().now_ns() - looked_ns < resident_ns) {
      piece = std::min<std::uint64_t>(piece, resident_end - source.offset);
    } else {
      resident_end = source.offset + piece;
      const bool known = resident_end <= settled.bytes;
      cold = cold || !ring.resident(source.fd, source.offset, piece, known);
      if (cold) {
        settled.bytes = 0;
      } else if (source.offset <= settled.bytes) {
        if (settled.bytes == 0) settled.begun_ns = Shard::current().now_ns();
        settled.bytes = std::max(settled.bytes, resident_end);
      }
      looked_ns = Shard::current().now_ns();
    }
    if (cold) {
      const auto copied = co_await send_copied(source, piece);
      if (!copied) co_return copied;
      continue;
    }
    const auto sent = ring.send_file(fd(), source.fd, source.offset, piece);
    if (sent == -EAGAIN || sent == -EINTR) {
      const auto ready = co_await writable();
      if (!ready) co_return ready;
      continue;
    }
    if (sent < 0) co_return std::unexpected(Error::from_result(static_cast<int>(sent)));
    if (sent == 0) co_return fail(Errc::eof);
    source.offset += static_cast<std::uint64_t>(sent);
    source.bytes -= static_cast<std::uint64_t>(sent);
    sent_some();
    if (source.bytes == 0) break;
    if (static_cast<std::size_t>(sent) == piece) {
      co_await Yield{};
    } else {
      const auto ready = co_await writable();
      if (!ready) co_return ready;
    }
  }
  co_return Result<>{};
}

}  // namespace millrace::engine
