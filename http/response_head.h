// Writes the head of one response into a buffer of the caller's. Owned by one connection; pure,
// no I/O, no allocation. Invariant: what was written is well-formed, whatever the values hold:
// a name that isn't a token or a value with a control byte is refused whole (response splitting
// by reflected metadata, CORS origins or response-content-* parameters).
#pragma once

#include "engine/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::http {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> buffer) : buffer_(buffer) {}

  // "HTTP/1.1 200 OK". First of all, once; 100 to 999. An interim response (100) is a status
  // and finish().
  engine::Result<> status(int code);

  // One field. Errors: malformed (nothing written, the head remains usable: leave the field
  // out or answer 500), too_large (the buffer is full; finish() then fails too).
  // The name is as it should appear; white space around the value is dropped.
  engine::Result<> field(std::string_view name, std::string_view value);
  engine::Result<> field(std::string_view name, std::uint64_t value);
  // An entity tag, given without quotes, written with them.
  engine::Result<> etag(std::string_view opaque);
  // "Content-Range: bytes 0-9/100"; length at least 1.
  engine::Result<> content_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size);
  // "Content-Range: bytes */100", for 416.
  engine::Result<> content_range_unsatisfied(std::uint64_t size);

  // The empty line; the whole head as a view of the buffer. too_large if any of it didn't fit.
  engine::Result<std::string_view> finish();

  std::size_t size() const { return used_; }

 private:
  engine::Result<> write_line(std::string_view name, std::span<const std::string_view> parts);

  std::span<char> buffer_;
  std::size_t used_ = 0;
  bool overflowed_ = false;
};

// Decimal digits of `value` at the end of `digits` (20 bytes hold any).
std::string_view format_decimal(std::uint64_t value, std::span<char, 20> digits);

}  // namespace millrace::http
