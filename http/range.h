// The Range field of a GET or HEAD (RFC 9110 section 14), as S3 serves it: one range of bytes.
// Pure, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::http {

struct RangeAnswer {
  enum class Kind : std::uint8_t {
    none,           // no Range was sent: 200, everything
    ignored,        // malformed, another unit, or several ranges: 200, everything
    slice,          // 206: [offset, offset + length), inside the object, length at least 1
    unsatisfiable,  // 416
  };
  Kind kind = Kind::none;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  constexpr bool operator==(const RangeAnswer&) const = default;
};

// `value` is the field's value, empty when there was none; `size` is the object's, in bytes.
// Numbers beyond 2^64 count as 2^64 - 1. Any well-formed range of an empty object is
// unsatisfiable, as S3 has it: there is no 206 for no bytes.
RangeAnswer parse_range(std::string_view value, std::uint64_t size);

}  // namespace millrace::http
