// See exchange.h. Each send must make progress within limits::send_progress_ms.
#include "http/exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace millrace::http {

using engine::Result;
using engine::Task;

Exchange::Exchange(engine::Stream& stream, std::span<std::byte> block,
                   const ConnectionInfo& connection, std::string_view date, const bool& draining)
    : stream_(stream),
      block_(block),
      connection_(connection),
      date_(date),
      started_ns_(engine::Shard::current().now_ns()),
      draining_(draining),
      writer_({}) {}

std::span<char> Exchange::arena() const {
  return {reinterpret_cast<char*>(block_.data()) + head_area_bytes, arena_bytes};
}

std::span<char> Exchange::response_area() const {
  return {reinterpret_cast<char*>(block_.data()) + head_area_bytes + arena_bytes, response_bytes};
}

HeadWriter& Exchange::begin(int status) {
  CHECK(!sent_);
  status_ = status;
  writer_ = HeadWriter(response_area());
  // The area is far larger than these; finish() reports if a handler's fields fill it.
  std::ignore = writer_.status(status);
  std::ignore = writer_.field("Date", date_);
  std::ignore = writer_.field("Server", "Millrace");
  return writer_;
}

Result<std::span<const std::byte>> Exchange::finish_head(std::optional<std::uint64_t> length) {
  // What nobody will read, or may never come, ends the connection instead of the next request.
  if (body_ && (body_->waits_for_continue() || body_->failed() ||
                body_->left_bytes() > limits::linger_bytes_max)) {
    close_ = true;
  }
  if (!head_.keep_alive || draining_) close_ = true;
  if (length) std::ignore = writer_.field("Content-Length", *length);
  if (close_) {
    std::ignore = writer_.field("Connection", "close");
  } else if (head_.version_minor == 0) {
    std::ignore = writer_.field("Connection", "keep-alive");
  }
  const auto text = writer_.finish();
  if (!text) return std::unexpected(text.error());
  sent_ = true;
  return std::as_bytes(std::span(*text));
}

Result<> Exchange::outcome(Result<> result) {
  stream_.disarm_deadline();
  if (!result) broken_ = true;
  return result;
}

Task<Result<>> Exchange::put(std::span<const std::byte> bytes, bool more) {
  stream_.arm_deadline(limits::send_progress_ms);
  co_return outcome(co_await stream_.send(bytes, more));
}

Task<Result<>> Exchange::send_head(std::uint64_t content_length) {
  const auto text = finish_head(content_length);
  if (!text) co_return outcome(std::unexpected(text.error()));
  co_return co_await put(*text, false);
}

Task<Result<>> Exchange::send_nothing() {
  const auto text = finish_head(std::nullopt);
  if (!text) co_return outcome(std::unexpected(text.error()));
  co_return co_await put(*text, false);
}

Task<Result<>> Exchange::send(std::string_view content) {
  if (head_.method == Method::head) co_return co_await send_head(content.size());
  const auto text = finish_head(content.size());
  if (!text) co_return outcome(std::unexpected(text.error()));
  sent_bytes_ = content.size();
  const auto area = response_area();
  if (text->size() + content.size() <= area.size()) {
    std::memcpy(area.data() + text->size(), content.data(), content.size());
    co_return co_await put({text->data(), text->size() + content.size()}, false);
  }
  const auto head = co_await put(*text, true);
  if (!head) co_return head;
  co_return co_await put(std::as_bytes(std::span(content)), false);
}

Task<Result<>> Exchange::begin_pieces() {
  chunked_ = head_.version_minor > 0 && head_.method != Method::head;
  if (chunked_) std::ignore = writer_.field("Transfer-Encoding", "chunked");
  if (head_.version_minor == 0) close_ = true;
  return send_nothing();
}

Task<Result<>> Exchange::send_piece(std::string_view content) {
  CHECK(sent_ && !content.empty());
  if (head_.method == Method::head) co_return Result<>{};
  sent_bytes_ += content.size();
  if (!chunked_) co_return co_await put(std::as_bytes(std::span(content)), false);
  std::array<char, 20> line;  // sixteen digits and the line's end
  char* end = std::to_chars(line.data(), line.data() + 16, content.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const std::span begun(line.data(), static_cast<std::size_t>(end - line.data()));
  auto sent = co_await put(std::as_bytes(begun), true);
  if (sent) sent = co_await put(std::as_bytes(std::span(content)), true);
  if (sent) sent = co_await put(std::as_bytes(std::span("\r\n", 2)), false);
  co_return sent;
}

Task<Result<>> Exchange::end_pieces() {
  CHECK(sent_);
  if (!chunked_) co_return Result<>{};
  co_return co_await put(std::as_bytes(std::span("0\r\n\r\n", 5)), false);
}

Task<Result<>> Exchange::send_file(engine::FileSource source) {
  const auto text = finish_head(source.bytes);
  if (!text) co_return outcome(std::unexpected(text.error()));
  sent_bytes_ = source.bytes;
  const auto area = response_area();
  if (source.local && text->size() + source.bytes <= area.size()) {
    const std::span into(reinterpret_cast<std::byte*>(area.data()) + text->size(), source.bytes);
    const auto got = engine::Shard::current().ring().read_cached(source.fd, into, source.offset);
    if (got == static_cast<std::int64_t>(source.bytes)) {
      co_return co_await put({text->data(), text->size() + source.bytes}, false);
    }
  }
  const auto head = co_await put(*text, source.bytes > 0);
  if (!head) co_return head;
  stream_.arm_deadline(limits::send_progress_ms);
  co_return outcome(co_await stream_.send_file(source));
}

}  // namespace millrace::http
