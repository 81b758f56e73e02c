// TLS: see stream.h. The session decrypts from the receive buffers, where the pump leaves what
// comes; what is sent goes record by record to the socket. Files are read into a buffer, which is
// given back whenever the socket is full: a slow client holds a record, not a buffer.
#include "engine/file.h"
#include "engine/stream.h"
#include "engine/tls_session.h"

#include <algorithm>
#include <cstring>

namespace millrace::engine {

namespace {
constexpr std::byte handshake_record{22};  // RFC 8446, section 5.1
constexpr std::size_t record_bytes = 16 * 1024;
constexpr std::size_t file_piece_bytes_first = 64 * 1024;
}  // namespace

const char* Stream::tls_reason() const {
  return tls_ == nullptr ? "" : tls_->reason();
}

Task<Result<bool>> Stream::secure(const TlsContext& context) {
  CHECK(tls_ == nullptr);
  const auto begun = co_await readable();
  if (!begun) co_return std::unexpected(begun.error());
  if (!*begun) co_return fail(Errc::eof);
  if (received().front() != handshake_record) co_return false;
  tls_ = TlsSession::create(context, *this);
  if (tls_ == nullptr) co_return fail(Errc::exhausted);
  for (;;) {
    while (!Shard::current().admit_handshake()) co_await Yield{};
    const auto step = tls_->handshake();
    const auto flushed = co_await flush_secure();
    const bool goes_on = step == TlsSession::Step::done || step == TlsSession::Step::starved;
    if (!goes_on) co_return std::unexpected(tls_->error());
    if (!flushed) co_return std::unexpected(flushed.error());
    if (step == TlsSession::Step::done) co_return true;
    co_await Received{*this};
    if (count_ > 0) continue;
    if (!failure_) co_return std::unexpected(failure_.error());
    co_return fail(Errc::eof);
  }
}

// Whether a wait for plaintext is over.
bool Stream::decrypted() {
  if (!tls_->plain().empty()) return true;
  switch (tls_->decrypt()) {
    case TlsSession::Step::done: return true;
    case TlsSession::Step::starved: return ended_ || !failure_;
    case TlsSession::Step::ended: return true;
    case TlsSession::Step::failed: break;
  }
  if (failure_) failure_ = std::unexpected(tls_->error());
  return true;
}

Task<Result<std::size_t>> Stream::read_secure(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    if (const auto ready = tls_->plain(); !ready.empty()) {
      const std::size_t piece = std::min(ready.size(), into.size() - done);
      std::memcpy(into.data() + done, ready.data(), piece);
      tls_->consume(piece);
      done += piece;
      continue;
    }
    std::size_t got = 0;
    const auto step = tls_->read(into.subspan(done), got);
    done += got;
    if (step == TlsSession::Step::done) continue;
    if (step == TlsSession::Step::ended) break;
    if (step == TlsSession::Step::failed && failure_) failure_ = std::unexpected(tls_->error());
    if (!failure_) co_return std::unexpected(failure_.error());
    if (ended_) break;
    co_await Received{*this};
  }
  co_return done;
}

Task<Result<>> Stream::flush_secure() {
  for (;;) {
    const auto flushed = tls_->flush();
    if (!flushed) co_return std::unexpected(flushed.error());
    if (*flushed) co_return Result<>{};
    const auto ready = co_await writable();
    if (!ready) co_return ready;
  }
}

Task<void> Stream::announce_end() {
  if (tls_ == nullptr) co_return;
  tls_->notify_close();
  std::ignore = co_await flush_secure();
}

Task<Result<>> Stream::send_secure(std::span<const std::byte> bytes, bool more) {
  co_await Yield{};  // as in send_clear()
  for (;;) {
    const auto flushed = co_await flush_secure();
    if (!flushed) co_return flushed;
    if (bytes.empty()) co_return Result<>{};
    const auto taken = tls_->write(bytes, more);
    if (!taken) co_return std::unexpected(taken.error());
    bytes = bytes.subspan(*taken);
    sent_some();
  }
}

Task<Result<>> Stream::send_file_secure(FileSource source) {
  Ring& ring = Shard::current().ring();
  bool cold = !source.local;  // and so to the end, as in send_file_clear()
  Cached none;
  Cached& cached = source.cached != nullptr ? *source.cached : none;
  std::size_t piece_bytes = file_piece_bytes_first;  // about what the socket takes at once
  while (source.bytes > 0) {
    co_await Yield{};
    Buffer buffer = co_await Shard::current().body_buffers().acquire();
    const auto piece = buffer.bytes().first(std::min<std::uint64_t>(source.bytes, piece_bytes));
    cold = cold || !is_cached(source, piece.size(), cached);
    std::int64_t got = cold ? -EAGAIN : ring.read_cached(source.fd, piece, source.offset);
    if (got < 0) {
      const auto read = co_await file::read(source.fd, piece, source.offset, file::Heat::cold);
      if (!read) co_return std::unexpected(read.error());
      got = static_cast<std::int64_t>(*read);
    }
    if (got == 0) co_return fail(Errc::eof);
    const auto from = piece.first(static_cast<std::size_t>(got));
    const auto taken = tls_->write(from, source.bytes > from.size());
    if (!taken) co_return std::unexpected(taken.error());
    buffer.reset();
    source.offset += *taken;
    source.bytes -= *taken;
    sent_some();
    piece_bytes = tls_->flushed() ? piece_bytes * 2 : (*taken / record_bytes + 1) * record_bytes;
    piece_bytes = std::min(piece_bytes, limits::body_buffer_bytes);
    const auto flushed = co_await flush_secure();
    if (!flushed) co_return flushed;
    sent_some();
  }
  co_return Result<>{};
}

}  // namespace millrace::engine
