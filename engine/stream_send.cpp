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
constexpr std::size_t send_file_bytes_max = 2 * 1024 * 1024;
// For so long what was found in the page cache is believed to be there: pages that were sent in
// this time are the last that the kernel takes when memory is wanted.
constexpr std::uint64_t looked_ns = 100'000'000;
// And for so long after a look that found all of its pages, those that had been read are looked
// for by name, not by content.
constexpr std::uint64_t settled_ns = 1'000'000'000;
constexpr std::size_t send_now_bytes_max = 256 * 1024;
}  // namespace

Task<Result<>> Stream::send_clear(std::span<const std::byte> bytes, bool more) {
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
  co_return co_await send_clear(piece, source.bytes > 0);
}

// Whether the piece at the front of the source can be sent without waiting for a disk.
bool Stream::is_cached(const FileSource& source, std::size_t piece, Cached& cached) {
  const std::uint64_t now_ns = Shard::current().now_ns();
  const std::uint64_t end = source.offset + piece;
  if (now_ns - cached.settled_ns > settled_ns) cached.settled_bytes = 0;
  if (now_ns - cached.looked_ns > looked_ns) cached.looked_bytes = 0;
  if (end <= cached.looked_bytes && end <= cached.settled_bytes) return true;
  const bool settled = end <= cached.settled_bytes;
  if (!Shard::current().ring().resident(source.fd, source.offset, piece, settled)) {
    cached = {};
    return false;
  }
  if (cached.looked_bytes == 0) cached.looked_ns = now_ns;
  if (source.offset <= cached.looked_bytes) {
    cached.looked_bytes = std::max(cached.looked_bytes, end);
  }
  cached.settled_ns = now_ns;
  if (source.offset <= cached.settled_bytes) {
    cached.settled_bytes = std::max(cached.settled_bytes, end);
  }
  return true;
}

Task<Result<>> Stream::send_file_clear(FileSource source) {
  Ring& ring = Shard::current().ring();
  // Once a piece was cold, what follows is being read ahead: in the cache by name, not yet by
  // content, so that sendfile(2) would wait for the disk on this thread. The rest is copied.
  bool cold = !source.local;
  Cached none;
  Cached& cached = source.cached != nullptr ? *source.cached : none;
  std::uint64_t sure_end = source.offset;  // looked at once, however short the sends are
  std::uint64_t sure_ns = 0;
  while (source.bytes > 0) {
    std::size_t piece = std::min<std::uint64_t>(source.bytes, send_file_bytes_max);
    if (sure_end > source.offset && Shard::current().now_ns() - sure_ns < looked_ns) {
      piece = std::min<std::uint64_t>(piece, sure_end - source.offset);
    } else {
      cold = cold || !is_cached(source, piece, cached);
      sure_end = source.offset + piece;
      sure_ns = Shard::current().now_ns();
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
