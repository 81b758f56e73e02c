// Receiving: see stream.h. The pump is a state machine: armed_ from submit to the outcome
// without `more`; stopping_ once its cancel has been asked for.
#include "engine/stream.h"

#include "engine/tls_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace millrace::engine {

namespace {
// From this size on, a read skips the receive buffers.
constexpr std::size_t direct_bytes_min = 64 * 1024;
constexpr std::uint64_t starved_retry_ms = 8;
}  // namespace

Stream::Stream(Descriptor socket)
    : socket_(std::move(socket)), pump_(*this), deadline_(*this), retry_(*this) {}

Stream::~Stream() {
  CHECK(!armed_ && !socket_);
}

void Stream::on_receive(Completion& self, Outcome outcome) {
  Stream& stream = static_cast<Pump&>(self).stream;
  if (!outcome.more) {
    stream.armed_ = false;
    stream.stopping_ = false;
  }
  if (outcome.has_buffer) {
    stream.take(outcome.buffer, outcome.result > 0 ? static_cast<std::size_t>(outcome.result) : 0);
  }
  if (outcome.result == 0) stream.ended_ = true;
  if (outcome.result < 0) stream.receive_failed(-outcome.result);
  stream.settle();
}

// Small pieces are gathered in the buffer before them: a peer that sends byte by byte holds as
// few buffers as one that does not.
void Stream::take(std::uint16_t buffer, std::size_t bytes) {
  Shard& shard = Shard::current();
  if (count_ > 0) {
    ReceivedPiece& last = shard.received(last_);
    if (limits::receive_buffer_bytes - last.end >= bytes) {
      std::memcpy(shard.ring().receive_buffer(last_) + last.end,
                  shard.ring().receive_buffer(buffer), bytes);
      last.end = static_cast<std::uint16_t>(last.end + bytes);
      backlog_bytes_ += bytes;
      bytes = 0;
    }
  }
  if (bytes == 0) {
    shard.ring().return_receive_buffer(buffer);
  } else {
    shard.received(buffer) = {.end = static_cast<std::uint16_t>(bytes)};
    (count_ == 0 ? first_ : shard.received(last_).next) = buffer;
    last_ = buffer;
    ++count_;
    backlog_bytes_ += bytes;
  }
  if (backlog_bytes_ >= limits::stream_backlog_bytes_max) stop_receive();
}

void Stream::receive_failed(int errnum) {
  if (errnum == ECANCELED || errnum == EINTR) return;
  if (errnum != ENOBUFS) {
    failure_ = fail_errno(errnum);
    return;
  }
  Shard::current().page().receive_starved.add();
  Shard::current().arm(retry_, starved_retry_ms);
}

// Resumes who waits, if what it waits for has come. A receive that ended without anything new
// (cancelled for a backlog that has been read since, or out of buffers) is begun again.
void Stream::settle() {
  if (!waiter_) return;
  if (has_come(awaited_)) {
    std::exchange(waiter_, nullptr).resume();
  } else {
    begin_receive();
  }
}

bool Stream::has_come(Awaited awaited) {
  if (awaited == Awaited::receive_end) return !armed_;
  if (tls_ != nullptr && awaited == Awaited::bytes) return decrypted();
  return count_ > 0 || ended_ || !failure_;
}

void Stream::begin_receive() {
  if (!armed_ && !retry_.armed()) arm_receive();
}

void Stream::wait(std::coroutine_handle<> self, Awaited awaited) {
  CHECK(!waiter_);
  waiter_ = self;
  awaited_ = awaited;
}

void Stream::on_retry(Timer& self) {
  static_cast<Retry&>(self).stream.settle();
}

void Stream::on_deadline(Timer& self) {
  Stream& stream = static_cast<Deadline&>(self).stream;
  stream.timed_out_ = true;
  Shard::current().ring().shut_down(stream.fd(), stream.deadline_both_ways_ ? SHUT_RDWR : SHUT_RD);
}

void Stream::arm_receive_deadline(std::uint64_t delay_ms) {
  deadline_both_ways_ = false;
  deadline_ms_ = delay_ms;
  Shard::current().arm(deadline_, delay_ms);
}

void Stream::arm_deadline(std::uint64_t delay_ms) {
  deadline_both_ways_ = true;
  deadline_ms_ = delay_ms;
  Shard::current().arm(deadline_, delay_ms);
}

void Stream::sent_some() {
  if (deadline_.armed()) Shard::current().arm(deadline_, deadline_ms_);
}

void Stream::arm_receive() {
  armed_ = true;
  Shard::current().ring().submit(pump_, {.action = Action::receive_multishot, .fd = fd()});
}

void Stream::stop_receive() {
  if (!armed_ || stopping_) return;
  stopping_ = true;
  Shard::current().submit_ignored(
      {.action = Action::cancel, .address = static_cast<Completion*>(&pump_)});
}

std::span<const std::byte> Stream::available() const {
  return tls_ == nullptr ? received() : tls_->plain();
}

void Stream::consume(std::size_t bytes) {
  if (tls_ == nullptr) {
    drop_received(bytes);
  } else {
    tls_->consume(bytes);
  }
}

std::span<const std::byte> Stream::received() const {
  if (count_ == 0) return {};
  Shard& shard = Shard::current();
  const ReceivedPiece& piece = shard.received(first_);
  return {shard.ring().receive_buffer(first_) + piece.begin,
          static_cast<std::size_t>(piece.end - piece.begin)};
}

void Stream::drop_received(std::size_t bytes) {
  if (bytes == 0) return;
  CHECK(count_ > 0);
  ReceivedPiece& piece = Shard::current().received(first_);
  CHECK(bytes <= static_cast<std::size_t>(piece.end - piece.begin));
  piece.begin = static_cast<std::uint16_t>(piece.begin + bytes);
  backlog_bytes_ -= bytes;
  if (piece.begin < piece.end) return;
  const std::uint16_t next = piece.next;
  Shard::current().ring().return_receive_buffer(first_);
  first_ = next;
  --count_;
}

bool Stream::ended() {
  if (ended_ || !failure_) return true;
  if (!armed_ && !retry_.armed() && count_ == 0) arm_receive();
  return false;
}

bool Stream::Readable::await_ready() {
  if (stream.has_come(Awaited::bytes)) return true;
  stream.begin_receive();
  return false;
}

bool Stream::Received::await_ready() {
  if (stream.has_come(Awaited::received)) return true;
  stream.begin_receive();
  return false;
}

Result<bool> Stream::Readable::await_resume() {
  if (!stream.available().empty()) return true;
  if (!stream.failure_) return std::unexpected(stream.failure_.error());
  return false;
}

Task<void> Stream::receive_stopped() {
  struct Ended {
    Stream& stream;
    bool await_ready() const { return !stream.armed_; }
    void await_suspend(std::coroutine_handle<> self) { stream.wait(self, Awaited::receive_end); }
    void await_resume() const {}
  };
  stop_receive();
  co_await Ended{*this};
}

Task<Result<std::size_t>> Stream::receive_directly(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto got = co_await Operation({.action = Action::receive,
                                         .fd = fd(),
                                         .flags = MSG_WAITALL,
                                         .length = static_cast<std::uint32_t>(into.size() - done),
                                         .address = into.data() + done});
    if (got == -EINTR) continue;
    if (got < 0) {
      failure_ = std::unexpected(Error::from_result(got));
      co_return std::unexpected(failure_.error());
    }
    if (got == 0) {
      ended_ = true;
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  co_return done;
}

Task<Result<std::size_t>> Stream::read_clear(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    if (const auto ready = received(); !ready.empty()) {
      const std::size_t piece = std::min(ready.size(), into.size() - done);
      std::memcpy(into.data() + done, ready.data(), piece);
      drop_received(piece);
      done += piece;
      continue;
    }
    if (!failure_) co_return std::unexpected(failure_.error());
    if (ended_) break;
    if (into.size() - done >= direct_bytes_min) {
      co_await receive_stopped();
      if (count_ > 0 || ended_ || !failure_) continue;
      const auto got = co_await receive_directly(into.subspan(done));
      if (!got) co_return std::unexpected(got.error());
      done += *got;
      continue;
    }
    const auto more = co_await readable();
    if (!more) co_return std::unexpected(more.error());
  }
  co_return done;
}

void Stream::shut_down() {
  if (tls_ != nullptr) tls_->notify_close();
  Shard::current().ring().shut_down(fd(), SHUT_RDWR);
}

void Stream::shut_down_sending() {
  if (tls_ != nullptr) tls_->notify_close();
  Shard::current().ring().shut_down(fd(), SHUT_WR);
}

Task<void> Stream::close() {
  deadline_.disarm();
  co_await receive_stopped();
  retry_.disarm();
  if (tls_ != nullptr) tls_->notify_close();
  tls_.reset();
  while (count_ > 0) drop_received(received().size());
  // Nothing refers to the descriptor any more; a socket's close does not wait.
  Shard::current().ring().close_now(socket_.release());
}

}  // namespace millrace::engine
