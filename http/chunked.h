// Decodes request bodies sent with Transfer-Encoding: chunked (RFC 9112 section 7.1). Owned by
// one connection; pure, no I/O, no copies: payload comes back as views of the caller's input.
// Invariant: the answer depends on the bytes only, never on how they were split.
//
// Strict: CR LF exactly; sizes of 1 to 16 hexadecimal digits; extensions parsed by their
// grammar, without the optional white space that RFC 9112 calls bad; no folding in trailers.
#pragma once

#include "http/reject.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <string_view>

namespace millrace::http {

class ChunkedDecoder {
 public:
  // `body_bytes_max`: a larger payload in all is refused with 413, before its chunk is read.
  explicit ChunkedDecoder(std::uint64_t body_bytes_max = std::numeric_limits<std::uint64_t>::max())
      : body_bytes_max_(body_bytes_max) {}

  struct Step {
    std::size_t consumed = 0;  // bytes of the input that belong to this body
    std::string_view payload;  // may be empty; within the consumed bytes
  };

  // Takes bytes off the front of `input`, up to the end of one run of payload. Call again with
  // the rest until done() or the input is used up; it makes progress unless the input is empty
  // or the body is done. Once done, `consumed` of the last call ends the body and what follows
  // is the next request. After a Reject (400, 413, 431) the decoder must not be used again.
  std::expected<Step, Reject> next(std::string_view input);

  bool done() const { return state_ == State::done; }

  // Payload bytes announced by the chunk sizes read so far.
  std::uint64_t announced_bytes() const { return announced_bytes_; }

 private:
  enum class State : std::uint8_t {
    size_first,  // the first digit of a size
    size,
    extension_name_first,
    extension_name,
    extension_value_first,
    extension_token,
    extension_quoted,
    extension_escaped,
    extension_quoted_end,
    size_lf,
    payload,
    payload_cr,
    payload_lf,
    trailer_first,  // a trailer's first byte, or the CR that ends the body
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done,
  };

  std::expected<void, Reject> step(char c);
  std::expected<void, Reject> step_size(char c);
  std::expected<void, Reject> step_extension(char c);
  std::expected<void, Reject> step_trailer(char c);
  std::expected<void, Reject> end_of_element(char c);
  std::expected<void, Reject> end_size_line();

  std::uint64_t body_bytes_max_;
  std::uint64_t announced_bytes_ = 0;
  std::uint64_t size_ = 0;        // of the current chunk; in State::payload what is left of it
  std::uint32_t line_bytes_ = 0;  // of the current size line
  std::uint32_t extensions_bytes_ = 0;
  std::uint32_t trailers_bytes_ = 0;
  std::uint16_t trailers_ = 0;
  std::uint8_t digits_ = 0;
  State state_ = State::size_first;
};

}  // namespace millrace::http
