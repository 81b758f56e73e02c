// What handlers read of a query's values, without allocating: decoding into the caller's buffer,
// numbers. The decoding itself is the one that signatures are checked with (auth/percent.h). Views
// point into the query or that buffer. Stateless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "s3/auth/percent.h"
#include "s3/error.h"

namespace millrace::s3 {

// The decoded text: raw itself where nothing is encoded, else written to the buffer, which needs
// at most raw.size() bytes (CHECKed). A '%' without two hex digits is InvalidURI.
Outcome<std::string_view> decode(std::string_view raw, std::span<char> buffer, UriPart part);

// A caller's buffer handed out piece by piece, so that several decoded values can live in it.
// A buffer of the size of the whole query is always enough.
class DecodeArena {
 public:
  explicit DecodeArena(std::span<char> buffer) : free_(buffer) {}
  Outcome<std::string_view> decode(std::string_view raw, UriPart part);
  // A copy of text that would not live long enough.
  std::string_view copy(std::string_view text);

 private:
  std::span<char> free_;
};

// Decimal digits only, at most maximum; nothing else is a number. No sign, no white space.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t maximum);

}  // namespace millrace::s3
