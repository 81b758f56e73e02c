// See form_body.h.
#include "s3/post/form_body.h"

#include "engine/check.h"
#include "s3/limits.h"

#include <algorithm>
#include <cstring>

namespace millrace::s3::post {

using engine::Task;

namespace {

constexpr std::size_t step_bytes = 4 * 1024;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

FormBody::FormBody(http::Exchange& exchange, std::string_view boundary)
    : exchange_(exchange), reader_(boundary) {
  start_.reserve(limits::form_fields_bytes_max + step_bytes);
}

// What the connection gives next; a body that ends is 0.
Task<Outcome<std::size_t>> FormBody::pull(std::span<std::byte> into) {
  const auto got = co_await exchange_.body().read(into);
  if (got) co_return *got;
  exchange_.close_after();
  co_return refuse(error_code_of(got.error()));
}

Task<Outcome<>> FormBody::read_fields() {
  for (;;) {
    const std::size_t before = start_.size();
    if (before >= limits::form_fields_bytes_max) {
      co_return refuse(ErrorCode::max_post_pre_data_length_exceeded);
    }
    start_.resize(before + step_bytes);
    const auto got = co_await pull(std::span(start_).subspan(before));
    if (!got) co_return std::unexpected(got.error());
    start_.resize(before + *got);
    if (*got == 0) co_return refuse(ErrorCode::malformed_post_request);
    const auto progress = reader_.feed(text_of(start_));
    if (!progress) co_return std::unexpected(progress.error());
    if (*progress == FormReader::Progress::more) continue;
    if (reader_.content_at() > limits::form_fields_bytes_max) {
      co_return refuse(ErrorCode::max_post_pre_data_length_exceeded);
    }
    rest_ = std::span(start_).subspan(reader_.content_at());
    co_return Outcome<>{};
  }
}

std::uint64_t FormBody::bytes_announced() const {
  // The last delimiter has two dashes and, from nearly every client, a line's end behind it.
  const std::uint64_t around = reader_.content_at() + reader_.delimiter().view().size() + 4;
  const std::uint64_t body = exchange_.head().content_length.value_or(0);
  return std::max(bytes_, body > around ? body - around : 0);
}

Task<Outcome<std::size_t>> FormBody::read(std::span<std::byte> into) {
  CHECK(into.size() > Delimiter::bytes_max);
  while (!ended_) {
    // What was held back is the delimiter's beginning, so it need not be kept.
    const std::size_t held = held_;
    std::memcpy(into.data(), reader_.delimiter().view().data(), held);
    const auto room = into.subspan(held);
    std::size_t got = std::min(rest_.size(), room.size());
    if (got > 0) {
      std::memcpy(room.data(), rest_.data(), got);
      rest_ = rest_.subspan(got);
    } else {
      const auto pulled = co_await pull(room);
      if (!pulled) co_return std::unexpected(pulled.error());
      got = *pulled;
      if (got == 0) co_return refuse(ErrorCode::malformed_post_request);
    }
    const auto found = reader_.delimiter().find(text_of(into.first(held + got)));
    held_ = found.held;
    ended_ = found.ended;
    bytes_ += found.content;
    if (bytes_ > bytes_max_) co_return refuse(ErrorCode::entity_too_large);
    if (ended_ && bytes_ < bytes_min_) co_return refuse(ErrorCode::entity_too_small);
    if (found.content > 0) co_return found.content;
  }
  co_return std::size_t{0};
}

}  // namespace millrace::s3::post
