// See body.h. Every read must make progress within limits::body_progress_ms.
#include "http/body.h"

#include "http/limits.h"

#include <algorithm>

namespace millrace::http {

using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;

Body::Body(engine::Stream& stream, const Head& head)
    : stream_(stream),
      left_(head.content_length.value_or(0)),
      chunked_(head.chunked),
      expect_(head.expect_continue && head.has_body()) {}

Error Body::why(Error error) const {
  const bool rejected = error.code == Errc::malformed || error.code == Errc::too_large;
  return stream_.timed_out() && !rejected ? Error{Errc::timed_out, 0} : error;
}

Task<Result<std::size_t>> Body::read(std::span<std::byte> into) {
  if (failure_) co_return std::unexpected(*failure_);
  if (complete() || into.empty()) co_return std::size_t{0};
  const auto got = co_await read_some(into);
  // The handler may take its time with what it got: no deadline runs meanwhile.
  stream_.disarm_deadline();
  if (!got) failure_ = why(got.error());
  if (failure_) co_return std::unexpected(*failure_);
  co_return *got;
}

Task<Result<std::size_t>> Body::read_some(std::span<std::byte> into) {
  if (expect_) {
    expect_ = false;
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    stream_.arm_deadline(limits::send_progress_ms);
    const auto told = co_await stream_.send(std::as_bytes(std::span(go_on)));
    if (!told) co_return std::unexpected(told.error());
  }
  stream_.arm_receive_deadline(limits::body_progress_ms);
  if (chunked_) co_return co_await read_chunked(into);
  const auto wanted = into.first(std::min<std::uint64_t>(into.size(), left_));
  const auto got = co_await stream_.read(wanted);
  if (!got) co_return std::unexpected(got.error());
  left_ -= *got;
  read_ += *got;
  if (*got < wanted.size()) co_return engine::fail(Errc::eof);
  co_return *got;
}

Task<Result<std::size_t>> Body::read_chunked(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size() && !decoder_.done()) {
    const auto more = co_await stream_.readable();
    if (!more) co_return std::unexpected(more.error());
    if (!*more) co_return engine::fail(Errc::eof);
    const auto ready = stream_.available();
    // No more than has room: the rest of a chunk's payload stays with the stream.
    const auto input = ready.first(std::min(ready.size(), into.size() - done));
    const auto step = decoder_.next({reinterpret_cast<const char*>(input.data()), input.size()});
    if (!step) {
      co_return std::unexpected(
          Error{step.error().status == 400 ? Errc::malformed : Errc::too_large, 0});
    }
    std::ranges::copy(std::as_bytes(std::span(step->payload)),
                      into.begin() + static_cast<std::ptrdiff_t>(done));
    done += step->payload.size();
    stream_.consume(step->consumed);
  }
  read_ += done;
  co_return done;
}

}  // namespace millrace::http
