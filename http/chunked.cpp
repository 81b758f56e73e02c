// The chunked decoder's state machine: one step per byte of framing, whole runs of payload.
// Trailers are checked and dropped, all of them: that honours the ban on framing, routing and
// authentication fields in trailers (RFC 9110 section 6.5.1) without a list of names.
#include "http/chunked.h"

#include "http/grammar.h"
#include "http/limits.h"

#include <algorithm>

namespace millrace::http {
namespace {

constexpr std::uint8_t size_digits_max = 16;  // 64 bits

std::unexpected<Reject> reject(int status, std::string_view reason) {
  return std::unexpected(Reject{status, reason});
}

}  // namespace

std::expected<ChunkedDecoder::Step, Reject> ChunkedDecoder::next(std::string_view input) {
  std::size_t at = 0;
  while (at < input.size() && state_ != State::done) {
    if (state_ == State::payload) {
      const std::size_t run =
          static_cast<std::size_t>(std::min<std::uint64_t>(size_, input.size() - at));
      size_ -= run;
      if (size_ == 0) state_ = State::payload_cr;
      return Step{at + run, input.substr(at, run)};
    }
    if (auto stepped = step(input[at]); !stepped) return std::unexpected(stepped.error());
    ++at;
  }
  return Step{at, {}};
}

std::expected<void, Reject> ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size_first:
    case State::size: return step_size(c);
    case State::extension_name_first:
    case State::extension_name:
    case State::extension_value_first:
    case State::extension_token:
    case State::extension_quoted:
    case State::extension_escaped:
    case State::extension_quoted_end: return step_extension(c);
    case State::size_lf:
      if (c != '\n') return reject(400, "CR without LF after a chunk size");
      return end_size_line();
    case State::payload_cr:
      if (c != '\r') return reject(400, "chunk longer than its size");
      state_ = State::payload_lf;
      return {};
    case State::payload_lf:
      if (c != '\n') return reject(400, "CR without LF after a chunk");
      state_ = State::size_first;
      return {};
    default: return step_trailer(c);
  }
}

std::expected<void, Reject> ChunkedDecoder::step_size(char c) {
  const int digit = grammar::hex_value(c);
  if (state_ == State::size_first) {
    if (digit < 0) return reject(400, "malformed chunk size");
    size_ = static_cast<std::uint64_t>(digit);
    digits_ = 1;
    line_bytes_ = 1;
    state_ = State::size;
    return {};
  }
  ++line_bytes_;
  if (digit < 0) {
    if (c == ';') ++extensions_bytes_;
    return end_of_element(c);
  }
  if (++digits_ > size_digits_max) return reject(400, "chunk size too large");
  size_ = size_ << 4 | static_cast<std::uint64_t>(digit);
  return {};
}

// What may follow a size, an extension's name or its value.
std::expected<void, Reject> ChunkedDecoder::end_of_element(char c) {
  if (c == ';') {
    state_ = State::extension_name_first;
    return {};
  }
  if (c != '\r') return reject(400, "malformed chunk size line");
  state_ = State::size_lf;
  return {};
}

std::expected<void, Reject> ChunkedDecoder::step_extension(char c) {
  if (c != '\r') {
    if (++line_bytes_ > limits::chunk_line_bytes_max)
      return reject(400, "chunk size line too long");
    if (++extensions_bytes_ > limits::chunk_extensions_bytes_max) {
      return reject(400, "too many chunk extensions");
    }
  }
  switch (state_) {
    case State::extension_name_first:
      if (!grammar::is_token_char(c)) return reject(400, "malformed chunk extension");
      state_ = State::extension_name;
      return {};
    case State::extension_name:
      if (grammar::is_token_char(c)) return {};
      if (c != '=') return end_of_element(c);
      state_ = State::extension_value_first;
      return {};
    case State::extension_value_first:
      if (c == '"') {
        state_ = State::extension_quoted;
        return {};
      }
      if (!grammar::is_token_char(c)) return reject(400, "malformed chunk extension");
      state_ = State::extension_token;
      return {};
    case State::extension_token:
      if (grammar::is_token_char(c)) return {};
      return end_of_element(c);
    case State::extension_quoted:
      if (c == '"') {
        state_ = State::extension_quoted_end;
        return {};
      }
      if (!grammar::is(c, grammar::field_value_class)) {
        return reject(400, "malformed chunk extension");
      }
      if (c == '\\') state_ = State::extension_escaped;
      return {};
    case State::extension_escaped:
      if (!grammar::is(c, grammar::field_value_class)) {
        return reject(400, "malformed chunk extension");
      }
      state_ = State::extension_quoted;
      return {};
    default: return end_of_element(c);
  }
}

std::expected<void, Reject> ChunkedDecoder::end_size_line() {
  if (size_ == 0) {
    state_ = State::trailer_first;
    return {};
  }
  if (size_ > body_bytes_max_ - announced_bytes_) return reject(413, "chunked body too large");
  announced_bytes_ += size_;
  state_ = State::payload;
  return {};
}

std::expected<void, Reject> ChunkedDecoder::step_trailer(char c) {
  if (++trailers_bytes_ > limits::trailer_bytes_max) return reject(431, "trailers too large");
  switch (state_) {
    case State::trailer_first:
      if (c == '\r') {
        state_ = State::end_lf;
        return {};
      }
      if (!grammar::is_token_char(c)) return reject(400, "malformed trailer");
      if (++trailers_ > limits::trailer_count_max) return reject(431, "too many trailers");
      state_ = State::trailer_name;
      return {};
    case State::trailer_name:
      if (c == ':') {
        state_ = State::trailer_value;
        return {};
      }
      if (!grammar::is_token_char(c)) return reject(400, "malformed trailer");
      return {};
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return {};
      }
      if (!grammar::is(c, grammar::field_value_class)) return reject(400, "malformed trailer");
      return {};
    case State::trailer_lf:
      if (c != '\n') return reject(400, "CR without LF in a trailer");
      state_ = State::trailer_first;
      return {};
    default:
      if (c != '\n') return reject(400, "CR without LF at the end of a body");
      state_ = State::done;
      return {};
  }
}

}  // namespace millrace::http
